import { BatchBuilder } from './batch-builder.ts'
import type { KafkaRecord } from './kafka-record.ts'

/** Types of control records (formats §2). A reader skips those that it doesn't know. */
export const ControlType = {
  ABORT: 0,
  COMMIT: 1,
  LEADER_CHANGE: 2,
  SNAPSHOT_HEADER: 3,
  SNAPSHOT_FOOTER: 4,
  KRAFT_VERSION: 5,
  KRAFT_VOTERS: 6,
} as const

const VERSION = 0
const KEY_BYTES = 4
const MARKER_VALUE_BYTES = 6

export interface EndTransactionMarker {
  readonly isCommit: boolean
  readonly producerId: number
  readonly producerEpoch: number
  readonly coordinatorEpoch: number
  /** ms */
  readonly timestamp: number
  readonly baseOffset?: number
  readonly leaderEpoch?: number
}

/** The control batch that ends a transaction in a partition: one record, 78 bytes in all. */
export function buildEndTransactionMarker(marker: EndTransactionMarker): Buffer {
  const builder = new BatchBuilder({
    baseOffset: marker.baseOffset ?? 0,
    leaderEpoch: marker.leaderEpoch ?? -1,
    producerId: marker.producerId,
    producerEpoch: marker.producerEpoch,
    isTransactional: true,
    isControl: true,
  })
  const key = Buffer.alloc(KEY_BYTES)
  key.writeInt16BE(VERSION, 0)
  key.writeInt16BE(marker.isCommit ? ControlType.COMMIT : ControlType.ABORT, 2)
  const value = Buffer.alloc(MARKER_VALUE_BYTES)
  value.writeInt16BE(VERSION, 0)
  value.writeInt32BE(marker.coordinatorEpoch, 2)
  builder.append(key, value, [], marker.timestamp)
  return builder.build()
}

/** Type of a control batch's record (see ControlType), -1 where its key is too short to say. */
export function controlType(record: KafkaRecord): number {
  return record.key === null || record.key.length < KEY_BYTES ? -1 : record.key.readInt16BE(2)
}

/** Epoch of the transaction coordinator that wrote a marker's record; -1 where its value is too short to say. */
export function coordinatorEpoch(record: KafkaRecord): number {
  return record.value === null || record.value.length < MARKER_VALUE_BYTES ? -1 : record.value.readInt32BE(2)
}
