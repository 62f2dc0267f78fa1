import type { CodecName } from '../compression/codecs.ts'

export type TimestampType = 'CreateTime' | 'LogAppendTime'

export interface RecordHeader {
  readonly key: string
  readonly value: Buffer | null
}

/** One record as a reader sees it. Key, value and header values are views on what was read (or decompressed), not copies. */
export interface KafkaRecord {
  readonly offset: number
  /** ms since 1970; -1 where the format has none (magic 0). */
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
}

/** The header of the batch (magic 2) or of the message (magic 0 and 1) that a record lies in. */
export interface BatchInfo {
  readonly magic: number
  readonly sizeBytes: number
  /** Magic 0 and 1: the message's own offset, of a compressed wrapper its last. */
  readonly baseOffset: number
  readonly lastOffset: number
  readonly leaderEpoch: number
  readonly codec: CodecName
  readonly timestampType: TimestampType
  readonly maxTimestamp: number
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly isTransactional: boolean
  readonly isControl: boolean
}

export interface ReadRecord extends KafkaRecord {
  readonly batch: BatchInfo
}

export const NO_HEADERS: readonly RecordHeader[] = Object.freeze([])
