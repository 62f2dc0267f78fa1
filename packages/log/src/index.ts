export type { CleanerSettings } from './cleaner/cleaner-settings.ts'
export { LogDirectory, type LogDirectoryOptions } from './log-directory.ts'
export { PartitionLog } from './partition-log.ts'
export type { FoundPartition } from './unopened-logs.ts'
export type { AppendOptions, AppendResult } from './appender.ts'
export type { Waiter } from './log-marks.ts'
export type { Stored } from './append-group.ts'
export { DEFAULT_LOG_CONFIG, type LogConfig } from './log-config.ts'
export { CodecWork, THREADS_MAX } from './codec-work.ts'
export { Gate } from './gate.ts'
export { LogSlice } from './log-slice.ts'
export { readMetaProperties, writeMetaProperties, type Identity, type MetaProperties } from './meta-properties.ts'
export { CLEAN_MARKER, fileName, METADATA_LOG, offsetOf, topicPartitionOf } from './file-names.ts'
export { CorruptLogError } from './recovery.ts'
export type { TimestampedOffset } from './timestamp-lookup.ts'
export type { AbortedTransaction } from './txn-index.ts'
export type { ProducerState } from './producer-state.ts'
export { readProducerSnapshot } from './producer-snapshot.ts'
export { settleLogStarts } from './settled-starts.ts'
export {
  CorruptFileError,
  readLeaderEpochs,
  readOffsetCheckpoint,
  readPartitionMetadata,
  readWhole,
  writePartitionMetadata,
} from './checkpoint.ts'
export {
  checkSegment,
  readOffsetIndex,
  readTimeIndex,
  walkSegment,
  type OffsetIndexEntry,
  type SegmentBatch,
  type SegmentReport,
  type TimeIndexEntry,
} from './segment-check.ts'
