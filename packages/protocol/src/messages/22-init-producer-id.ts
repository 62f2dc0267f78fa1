import { bool, int16, int32, int64, nullable, string, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/**
 * Gives a producer its id and epoch. With a transactional id it fences the one before it and ends its transaction (KIP-98); a producer
 * keeps its id by KIP-360, two-phase commit KIP-939.
 */
export const InitProducerId = api('InitProducerId', {
  transactionalId: nullable(string()),
  transactionTimeoutMs: int32(),
  producerId: int64('3+', -1),
  producerEpoch: int16('3+', -1),
  enable2Pc: bool('6+', false),
  keepPreparedTxn: bool('6+', false),
}, {
  throttleTimeMs: int32(),
  errorCode: int16(),
  producerId: int64('0+', -1),
  producerEpoch: int16(),
  ongoingTxnProducerId: int64('6+', -1),
  ongoingTxnProducerEpoch: int16('6+', -1),
})

export type InitProducerIdRequest = Decoded<typeof InitProducerId.request.fields>
export type InitProducerIdResponse = Encodable<typeof InitProducerId.response.fields>
