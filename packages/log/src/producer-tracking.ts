import { controlType, ControlType, coordinatorEpoch, decodeBatch, ErrorCode, KafkaError, recordBatch } from '@ottla/protocol'
import type { ProducedBatch, ProducerStates } from './producer-state.ts'
import type { AbortedTransaction } from './txn-index.ts'

/** How an append came; see `PartitionLog.append`. */
export interface ProducerChecks {
  readonly origin: 'client' | 'coordinator' | 'leader'
  /** Produce v12+: a batch may begin a transaction by itself (KIP-890). */
  readonly implicitTransaction?: boolean
  /** Of the coordinator that sent a marker. */
  readonly transactionVersion?: number
}

/** What an end marker says, or null for another control record. The batch lies whole in `bytes`. */
function readMarker(bytes: Buffer, at: number): { abort: boolean; coordinatorEpoch: number } | null {
  const record = decodeBatch(bytes, at, { checkCrc: false })[0]
  if (record === undefined) return null
  const type = controlType(record)
  if (type !== ControlType.ABORT && type !== ControlType.COMMIT) return null
  return { abort: type === ControlType.ABORT, coordinatorEpoch: coordinatorEpoch(record) }
}

/** May a leader append this batch of a producer? The batch that it repeats, or null: yes. Throws KafkaError. */
export function checkBatch(states: ProducerStates, bytes: Buffer, at: number, checks: ProducerChecks): ProducedBatch | null {
  const producerId = recordBatch.producerId(bytes, at)
  const epoch = recordBatch.producerEpoch(bytes, at)
  if (recordBatch.isControl(bytes, at)) {
    if (checks.origin === 'client') throw new KafkaError(ErrorCode.INVALID_RECORD, 'clients may not write control batches')
    const marker = readMarker(bytes, at)
    if (marker !== null) states.checkMarker(producerId, epoch, marker.coordinatorEpoch, checks.transactionVersion ?? 0)
    return null
  }
  const firstSequence = recordBatch.baseSequence(bytes, at)
  const lastSequence = recordBatch.lastSequence(bytes, at)
  const transactional = recordBatch.isTransactional(bytes, at)
  return states.check(producerId, epoch, firstSequence, lastSequence, transactional, checks.implicitTransaction ?? false)
}

/**
 * Enters an appended batch of a producer; `seenMs` is now, or the batch's time where the log is read again. What a marker aborted, or
 * null.
 */
export function trackBatch(states: ProducerStates, bytes: Buffer, at: number, seenMs: number): AbortedTransaction | null {
  const producerId = recordBatch.producerId(bytes, at)
  const epoch = recordBatch.producerEpoch(bytes, at)
  const baseOffset = recordBatch.baseOffset(bytes, at)
  const timestamp = recordBatch.maxTimestamp(bytes, at)
  if (!recordBatch.isControl(bytes, at)) {
    const lastOffset = recordBatch.lastOffset(bytes, at)
    const transactional = recordBatch.isTransactional(bytes, at)
    states.update(producerId, epoch, recordBatch.lastSequence(bytes, at), baseOffset, lastOffset, timestamp, transactional, seenMs)
    return null
  }
  const marker = readMarker(bytes, at)
  if (marker === null) return null
  const { abort, coordinatorEpoch } = marker
  const completed = states.complete({ producerId, epoch, coordinatorEpoch, abort, offset: baseOffset, timestamp }, seenMs)
  return completed !== null && abort ? completed : null
}
