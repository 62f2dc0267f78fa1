/**
 * InitProducerId: the id of an idempotent producer (KIP-98). A producer that brings its id and epoch (version 3, KIP-360) gets the same id in
 * the next epoch, or a new id where the epochs are used up. While no ids can be taken from the tree the client is told to ask again.
 * Transactional ids are refused until transactions are served.
 */
import { ErrorCode } from '@ottla/protocol'
import { InitProducerId } from '@ottla/protocol/messages/22-init-producer-id'
import { handler } from '../handler.ts'
import { isOutcomeUnknown } from '../znodes.ts'

const EPOCH_MAX = 32766

export const initProducerId = handler(InitProducerId, async (request, { broker }) => {
  if (request.transactionalId !== null) {
    return { throttleTimeMs: 0, errorCode: ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, producerId: -1, producerEpoch: -1 }
  }
  if (request.producerId >= 0 && request.producerEpoch >= 0 && request.producerEpoch < EPOCH_MAX) {
    return { throttleTimeMs: 0, errorCode: 0, producerId: request.producerId, producerEpoch: request.producerEpoch + 1 }
  }
  try {
    return { throttleTimeMs: 0, errorCode: 0, producerId: await broker.producerIds.next(), producerEpoch: 0 }
  } catch (error) {
    if (!isOutcomeUnknown(error)) throw error
    return { throttleTimeMs: 0, errorCode: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, producerId: -1, producerEpoch: -1 }
  }
})
