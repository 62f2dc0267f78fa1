/** What one log obeys: the topic's configs, with the broker's as defaults. Plain numbers; -1, null or Infinity mean "no limit". */
export interface LogConfig {
  /** `segment.bytes`: a segment is never larger. */
  readonly segmentBytes: number
  /** `segment.ms`, lowered by a random part of `segment.jitter.ms`. */
  readonly segmentMs: number
  readonly segmentJitterMs: number
  /** `segment.index.bytes`: the most that an offset or time index may have. */
  readonly segmentIndexBytes: number
  /** `preallocate`: a new segment takes its room on the disk at once. */
  readonly preallocate: boolean
  /** `index.interval.bytes`: one entry per so many bytes of log. */
  readonly indexIntervalBytes: number
  /** `retention.ms`; -1: for ever. */
  readonly retentionMs: number
  /** `retention.bytes` of this partition; -1: no limit. */
  readonly retentionBytes: number
  /** `flush.messages`: the append that reaches it is answered after a sync; null: never. */
  readonly flushMessages: number | null
  /** `flush.ms`: what is appended is synced, and shown to consumers, at most this much later; null: never. */
  readonly flushMs: number | null
  /** `log.flush.before.ack`: no append is answered before it survives the loss of power. */
  readonly flushBeforeAck: boolean
  /** `file.delete.delay.ms`: how long a deleted file stays under its `.deleted` name. */
  readonly fileDeleteDelayMs: number
  /** `message.timestamp.type=LogAppendTime`. */
  readonly logAppendTime: boolean
  readonly producerIdExpirationMs: number
  /** `cleanup.policy` contains `delete`: retention removes segments. */
  readonly deleteOld: boolean
  /** `cleanup.policy` contains `compact`. */
  readonly compact: boolean
  /** `min.cleanable.dirty.ratio`: a log is compacted once more than this part of it, by bytes, is not. */
  readonly minCleanableDirtyRatio: number
  /** `min.compaction.lag.ms`: a record is not compacted away before this age. */
  readonly minCompactionLagMs: number
  /** `max.compaction.lag.ms`: a record is taken up at this age, whatever the ratio; 2^63-1 or Infinity: no limit. */
  readonly maxCompactionLagMs: number
  /** `delete.retention.ms`: how long a tombstone, or the marker of a transaction that is gone, stays after compaction has met it. */
  readonly deleteRetentionMs: number
}

/** Kafka's defaults. */
export const DEFAULT_LOG_CONFIG: LogConfig = {
  segmentBytes: 1073741824,
  segmentMs: 604800000,
  segmentJitterMs: 0,
  segmentIndexBytes: 10485760,
  preallocate: false,
  indexIntervalBytes: 4096,
  retentionMs: 604800000,
  retentionBytes: -1,
  flushMessages: null,
  flushMs: null,
  flushBeforeAck: false,
  fileDeleteDelayMs: 60000,
  logAppendTime: false,
  producerIdExpirationMs: 86400000,
  deleteOld: true,
  compact: false,
  minCleanableDirtyRatio: 0.5,
  minCompactionLagMs: 0,
  maxCompactionLagMs: Infinity,
  deleteRetentionMs: 86400000,
}

/** `flush.messages` and `flush.ms` of Kafka's default, 2^63-1, mean never, as null does. */
export function flushLimit(value: number | null): number {
  return value === null || value >= Number.MAX_SAFE_INTEGER ? Number.POSITIVE_INFINITY : value
}

/** Whether consumers see a record only once it is flushed (design §5: the paper's rule). */
export function hasFlushPolicy(config: LogConfig): boolean {
  return config.flushBeforeAck || flushLimit(config.flushMessages) < Infinity || flushLimit(config.flushMs) < Infinity
}
