export { API_TABLE, apiRow, type ApiName, type ApiRow } from './api-table.ts'
export { api, type Api } from './api.ts'
export { ERROR_TABLE, ErrorCode, errorName, errorRow, KafkaError, type ErrorName, type ErrorRow } from './errors.ts'
export {
  readRequestHeader,
  readResponseHeader,
  requestHeaderVersion,
  responseHeaderVersion,
  writeRequestHeader,
  writeResponseHeader,
  type RequestHeader,
} from './headers.ts'
export * as recordBatch from './records/record-batch.ts'
export { CODECS, codecNamed, codecOf, DECOMPRESSED_BYTES_MAX, type Codec, type CodecName } from './compression/codecs.ts'
export { BatchBuilder, type BatchOptions, type HeaderToWrite } from './records/batch-builder.ts'
export {
  buildEndTransactionMarker,
  ControlType,
  controlType,
  coordinatorEpoch,
  type EndTransactionMarker,
} from './records/control-record.ts'
export { batchWith, downConvert, recompress, upConvert, type UpConversion } from './records/conversion.ts'
export type { BatchInfo, KafkaRecord, ReadRecord, RecordHeader, TimestampType } from './records/kafka-record.ts'
export { legacyCrcIsRight } from './records/legacy.ts'
export {
  RecordValidationError,
  validateBatch,
  validateProduced,
  validateRecords,
  validateSize,
  type ProduceRules,
  type RecordError,
} from './records/produce-validation.ts'
export { batchInfo, decodeBatch, readRecords, recordsOf, wholeSizeBytes, type ReadOptions } from './records/record-reader.ts'
