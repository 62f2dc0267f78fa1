import { ErrorCode, KafkaError } from '../errors.ts'
import type { TimestampType } from './kafka-record.ts'
import * as recordBatch from './record-batch.ts'
import { decodeBatch, recordsOf } from './record-reader.ts'
import { walkRecords } from './record-walk.ts'

/** What a partition accepts from clients. Its topic keeps one such object and sets `apiVersion` and `now` before each check. */
export interface ProduceRules {
  /** Of the Produce request, 3 or more: older ones are converted first. */
  apiVersion: number
  /** ms */
  now: number
  /** `max.message.bytes`: of the batch, log overhead included, as it came and, where the broker compresses it anew, as it is stored. */
  batchBytesMax: number
  /** `cleanup.policy` holds `compact`: every record needs a key. */
  isCompacted: boolean
  /** `message.timestamp.type` */
  timestampType: TimestampType
  /** `message.timestamp.before.max.ms`: how far behind `now` a record's time may be. */
  timestampBeforeMsMax: number
  /** `message.timestamp.after.max.ms`: how far ahead. */
  timestampAfterMsMax: number
  /** `max.decompressed.message.bytes`: of the records, and never above DECOMPRESSED_BYTES_MAX. */
  decompressedBytesMax: number
}

/** What was wrong with one record of a batch: Produce answers of version 8 and later carry it (KIP-467). */
export interface RecordError {
  readonly batchIndex: number
  readonly batchIndexErrorMessage: string
}

/** A batch refused for the sake of some of its records. */
export class RecordValidationError extends KafkaError {
  readonly recordErrors: readonly RecordError[]

  constructor(code: number, message: string, recordErrors: readonly RecordError[]) {
    super(code, message)
    this.name = 'RecordValidationError'
    this.recordErrors = recordErrors
  }
}

/** So many records at most are named in an answer: a batch of a million bad ones must not make an answer of a hundred megabytes. */
const RECORD_ERRORS_MAX = 1000
const ZSTD = 4
const ZSTD_API_VERSION_MIN = 7

/**
 * Checks what a client sent for one partition, `bytes` from `start` to `end`, as a leader must before it appends it (formats §2): exactly
 * one batch of magic 2, whole, with the right checksum, every record well-formed and allowed. Throws KafkaError (RecordValidationError
 * where single records are to blame).
 *
 * As Kafka does it corrects in place, where the topic has CreateTime, a maxTimestamp that isn't the records' largest, and takes away a
 * LogAppendTime flag: the time index relies on both. Offsets, leader epoch and append time are the log's to set.
 */
export function validateProduced(bytes: Buffer, start: number, end: number, rules: ProduceRules): void {
  validateBatch(bytes, start, end, rules)
  if (recordBatch.codec(bytes, start) === 0) {
    validateRecords(bytes, start, bytes, start + recordBatch.BATCH_HEADER_BYTES, end, rules)
    return
  }
  const records = recordsOf(bytes, start, rules.decompressedBytesMax)
  validateRecords(bytes, start, records, 0, records.length, rules)
}

/** The first half of `validateProduced`: all that can be said before the records are decompressed. */
export function validateBatch(bytes: Buffer, start: number, end: number, rules: ProduceRules): void {
  validateFrame(bytes, start, end, rules)
  validateHeader(bytes, start)
  if (rules.timestampType === 'LogAppendTime' && recordBatch.hasLogAppendTime(bytes, start)) throw wrongTimestampType()
}

/** The second half: the batch's records, decompressed, which lie in `records` from `from` to `to`. May correct the batch's header. */
export function validateRecords(bytes: Buffer, start: number, records: Buffer, from: number, to: number, rules: ProduceRules): void {
  const { minTimestamp, maxTimestamp, nullKeys } = walkRecords(
    records,
    from,
    to,
    recordBatch.recordCount(bytes, start),
    recordBatch.baseTimestamp(bytes, start),
  )
  if (rules.isCompacted && nullKeys > 0) refuseRecords(bytes, start, rules)
  if (rules.timestampType === 'LogAppendTime') return
  if (maxTimestamp - rules.now > rules.timestampAfterMsMax || rules.now - minTimestamp > rules.timestampBeforeMsMax) {
    refuseRecords(bytes, start, rules)
  }
  if (maxTimestamp !== recordBatch.maxTimestamp(bytes, start) || recordBatch.hasLogAppendTime(bytes, start)) {
    recordBatch.setMaxTimestampAndCreateTime(bytes, start, maxTimestamp)
  }
}

/** Throws MESSAGE_TOO_LARGE where the batch, as it is to be stored, is above `max.message.bytes`. */
export function validateSize(sizeBytes: number, rules: ProduceRules): void {
  if (sizeBytes <= rules.batchBytesMax) return
  const sentence = `A record batch of ${sizeBytes} bytes is larger than max.message.bytes, ${rules.batchBytesMax}.`
  throw new KafkaError(ErrorCode.MESSAGE_TOO_LARGE, sentence)
}

/** Sizes, magic, codec and checksum: what can be said of the batch as a block of bytes. */
function validateFrame(bytes: Buffer, start: number, end: number, rules: ProduceRules): void {
  const given = end - start
  if (given < recordBatch.MAGIC_END_BYTES) {
    throw invalid(`A produce request holds ${given} bytes for a partition: one record batch is expected.`)
  }
  const magic = recordBatch.magic(bytes, start)
  if (magic !== 2) throw invalid(`A record batch of magic ${magic} was sent with Produce version 3 or later, which takes magic 2 only.`)
  const size = recordBatch.sizeBytes(bytes, start)
  if (size < recordBatch.BATCH_HEADER_BYTES) {
    throw new KafkaError(ErrorCode.CORRUPT_MESSAGE, `A record batch says a size of ${size} bytes, less than its header has.`)
  }
  if (size > given) throw invalid(`A record batch of ${size} bytes was cut off after ${given}.`)
  if (size < given) throw invalid('A produce request holds more than one record batch for a partition: exactly one is expected.')
  const baseOffset = recordBatch.baseOffset(bytes, start)
  if (baseOffset !== 0) throw invalid(`A record batch from a client has base offset ${baseOffset}: it must be 0, brokers give offsets.`)
  if (recordBatch.codec(bytes, start) === ZSTD && rules.apiVersion < ZSTD_API_VERSION_MIN) {
    const sentence = `Produce version ${rules.apiVersion} can't carry zstd: version 7 or later can.`
    throw new KafkaError(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, sentence)
  }
  validateSize(size, rules)
  if (!recordBatch.crcIsRight(bytes, start)) {
    throw new KafkaError(ErrorCode.CORRUPT_MESSAGE, 'The checksum of a record batch is wrong: it was damaged on its way. Send it again.')
  }
}

function validateHeader(bytes: Buffer, start: number): void {
  if (recordBatch.isControl(bytes, start)) throw invalid('A client sent a control batch: only brokers write them.')
  const count = recordBatch.recordCount(bytes, start)
  const offsets = recordBatch.lastOffsetDelta(bytes, start) + 1
  if (count <= 0 || count !== offsets) {
    throw invalid(`A record batch says ${count} records and ${offsets} offsets: they must be as many, and at least one.`)
  }
  const producerId = recordBatch.producerId(bytes, start)
  if (producerId >= 0 && recordBatch.baseSequence(bytes, start) < 0) {
    throw invalid(`A record batch of producer ${producerId} has no sequence number.`)
  }
  if (producerId < 0 && recordBatch.isTransactional(bytes, start)) throw invalid('A transactional record batch has no producer id.')
}

/** Off the hot path: names the records that the walk found to exist. Comes back if only records without a timestamp were outside. */
function refuseRecords(bytes: Buffer, start: number, rules: ProduceRules): void {
  const options = { checkCrc: false, decompressedBytesMax: rules.decompressedBytesMax }
  const errors: RecordError[] = []
  let count = 0
  let timestamps = 0
  const records = decodeBatch(bytes, start, options)
  for (let i = 0; i < records.length; i++) {
    const { key, timestamp } = records[i]!
    let message: string | undefined
    if (rules.isCompacted && key === null) message = 'A compacted topic accepts no record without a key.'
    else if (rules.timestampType === 'CreateTime' && isOutside(timestamp, rules)) {
      message = `Its timestamp ${timestamp} is too far from the time now, ${rules.now}: see message.timestamp.before.max.ms, after.max.ms.`
      timestamps++
    }
    if (message === undefined) continue
    count++
    if (errors.length < RECORD_ERRORS_MAX) errors.push({ batchIndex: i, batchIndexErrorMessage: message })
  }
  if (timestamps > 0) {
    const sentence = `${count} records have been rejected, ${timestamps} for their timestamp.`
    throw new RecordValidationError(ErrorCode.INVALID_TIMESTAMP, sentence, errors)
  }
  if (count > 0) throw new RecordValidationError(ErrorCode.INVALID_RECORD, `${count} records have been rejected: they have no key.`, errors)
}

function isOutside(timestamp: number, rules: ProduceRules): boolean {
  if (timestamp === recordBatch.NO_TIMESTAMP) return false
  return timestamp - rules.now > rules.timestampAfterMsMax || rules.now - timestamp > rules.timestampBeforeMsMax
}

function wrongTimestampType(): KafkaError {
  const sentence = 'A client sent a record batch of LogAppendTime: only the leader sets that flag.'
  return new RecordValidationError(ErrorCode.INVALID_TIMESTAMP, sentence, [{ batchIndex: 0, batchIndexErrorMessage: sentence }])
}

function invalid(sentence: string): KafkaError {
  return new KafkaError(ErrorCode.INVALID_RECORD, sentence)
}
