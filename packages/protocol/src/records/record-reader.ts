import { DecodeError, Reader } from '@ottla/wire'
import { codecOf, DECOMPRESSED_BYTES_MAX } from '../compression/codecs.ts'
import { ErrorCode, KafkaError } from '../errors.ts'
import { NO_HEADERS, type BatchInfo, type KafkaRecord, type ReadRecord, type RecordHeader } from './kafka-record.ts'
import { legacyCrcIsRight, legacyRecords } from './legacy.ts'
import * as recordBatch from './record-batch.ts'

/** A record of no key, no value and no headers: its length and six bytes. */
const RECORD_BYTES_MIN = 7
/** An object takes far more memory than its bytes; no honest batch holds so many. */
const RECORD_COUNT_MAX = 4_000_000

export interface ReadOptions {
  /** Records of smaller offsets are left out: a fetch may begin with a batch that starts before what was asked for. */
  readonly fromOffset?: number
  /** Verify checksums (default true). */
  readonly checkCrc?: boolean
  /** Bound of one batch's records when decompressed, in bytes (default DECOMPRESSED_BYTES_MAX). */
  readonly decompressedBytesMax?: number
}

/**
 * Size in bytes of the entry at `at` if it lies in `bytes` whole; 0 if its end isn't there, as at the end of a fetch.
 * Throws CORRUPT_MESSAGE where no entry can start: an impossible length or an unknown magic.
 */
export function wholeSizeBytes(bytes: Buffer, at: number): number {
  const left = bytes.length - at
  if (left < recordBatch.LOG_OVERHEAD_BYTES) return 0
  const size = recordBatch.sizeBytes(bytes, at)
  if (size < recordBatch.LEGACY_V0_HEADER_BYTES) throw corrupt(`A batch says a size of ${size} bytes: none is so small.`)
  if (left < recordBatch.MAGIC_END_BYTES) return 0
  const magic = recordBatch.magic(bytes, at)
  if (magic < 0 || magic > 2) throw corrupt(`A batch has magic ${magic}: known are 0, 1 and 2.`)
  if (size < recordBatch.headerBytes(magic)) throw corrupt(`A batch of magic ${magic} says a size of ${size} bytes: none is so small.`)
  return size <= left ? size : 0
}

/** All records of all whole batches of magic 0, 1 or 2 in `bytes`, those of control batches too (`record.batch.isControl`). */
export function* readRecords(bytes: Buffer, options: ReadOptions = {}): Generator<ReadRecord, void, void> {
  const fromOffset = options.fromOffset ?? -Infinity
  for (let at = 0; ;) {
    const size = wholeSizeBytes(bytes, at)
    if (size === 0) return
    // A wrapper's last offset is its own, so this skips without decompressing for every magic.
    if (recordBatch.lastOffset(bytes, at) >= fromOffset) {
      const batch = batchInfo(bytes, at)
      for (const record of decodeBatch(bytes, at, options)) yield { ...record, batch }
    }
    at += size
  }
}

/** The header at `at` as an object. */
export function batchInfo(bytes: Buffer, at: number): BatchInfo {
  return {
    magic: recordBatch.magic(bytes, at),
    sizeBytes: recordBatch.sizeBytes(bytes, at),
    baseOffset: recordBatch.baseOffset(bytes, at),
    lastOffset: recordBatch.lastOffset(bytes, at),
    leaderEpoch: recordBatch.leaderEpoch(bytes, at),
    codec: codecOf(recordBatch.codec(bytes, at)).name,
    timestampType: recordBatch.hasLogAppendTime(bytes, at) ? 'LogAppendTime' : 'CreateTime',
    maxTimestamp: recordBatch.maxTimestamp(bytes, at),
    producerId: recordBatch.producerId(bytes, at),
    producerEpoch: recordBatch.producerEpoch(bytes, at),
    baseSequence: recordBatch.baseSequence(bytes, at),
    isTransactional: recordBatch.isTransactional(bytes, at),
    isControl: recordBatch.isControl(bytes, at),
  }
}

/**
 * The records of the one batch (or legacy entry) at `at`, which lies in `bytes` whole (`wholeSizeBytes`), from `fromOffset` on.
 * A control batch's are answered like others: ask `recordBatch.isControl`. What is damaged throws CORRUPT_MESSAGE.
 */
export function decodeBatch(bytes: Buffer, at: number, options: ReadOptions = {}): KafkaRecord[] {
  const size = wholeSizeBytes(bytes, at)
  if (size === 0) throw corrupt('A batch ends after the bytes that hold it.')
  const decompressedBytesMax = options.decompressedBytesMax ?? DECOMPRESSED_BYTES_MAX
  const fromOffset = options.fromOffset ?? -Infinity
  const checkCrc = options.checkCrc ?? true
  if (recordBatch.magic(bytes, at) < 2) return decodeLegacy(bytes, at, fromOffset, checkCrc, decompressedBytesMax)
  if (checkCrc && !recordBatch.crcIsRight(bytes, at)) throw wrongCrc(bytes, at)
  const reader = new Reader(recordsOf(bytes, at, decompressedBytesMax))
  try {
    return decodeRecords(reader, bytes, at, fromOffset)
  } catch (error) {
    if (error instanceof DecodeError || error instanceof RangeError) throw corrupt(`A record of a batch is malformed: ${error.message}.`)
    throw error
  }
}

/** The records' bytes of the batch of magic 2 at `at`, decompressed where they are compressed: what follows the header. */
export function recordsOf(bytes: Buffer, at: number, decompressedBytesMax = DECOMPRESSED_BYTES_MAX): Buffer {
  const records = bytes.subarray(at + recordBatch.BATCH_HEADER_BYTES, at + recordBatch.sizeBytes(bytes, at))
  const codec = recordBatch.codec(bytes, at)
  // An emptied batch keeps its codec's bits and holds no stream (KIP-534).
  if (codec === 0 || recordBatch.recordCount(bytes, at) === 0) return records
  return codecOf(codec).decompress(records, decompressedBytesMax)
}

function decodeLegacy(bytes: Buffer, at: number, fromOffset: number, checkCrc: boolean, decompressedBytesMax: number): KafkaRecord[] {
  if (checkCrc && !legacyCrcIsRight(bytes, at)) throw wrongCrc(bytes, at)
  const records: KafkaRecord[] = []
  for (const record of legacyRecords(bytes, at, checkCrc, decompressedBytesMax)) {
    if (record.offset < fromOffset) continue
    if (records.length === RECORD_COUNT_MAX) throw tooMany()
    records.push(record)
  }
  return records
}

function decodeRecords(reader: Reader, bytes: Buffer, at: number, fromOffset: number): KafkaRecord[] {
  const count = recordBatch.recordCount(bytes, at)
  if (count > RECORD_COUNT_MAX) throw tooMany()
  if (count < 0 || count * RECORD_BYTES_MIN > reader.left) throw corrupt(`A batch says ${count} records in ${reader.left} bytes.`)
  const baseOffset = recordBatch.baseOffset(bytes, at)
  const baseTimestamp = recordBatch.baseTimestamp(bytes, at)
  const appendTime = recordBatch.hasLogAppendTime(bytes, at) ? recordBatch.maxTimestamp(bytes, at) : undefined
  const records: KafkaRecord[] = []
  for (let i = 0; i < count; i++) {
    const length = reader.varint()
    const end = reader.at + length
    if (length < RECORD_BYTES_MIN - 1 || end > reader.bytes.length) throw corrupt(`Record ${i} of a batch says ${length} bytes.`)
    // The attributes: none is in use.
    reader.at++
    const timestamp = baseTimestamp + reader.varlong()
    const offset = baseOffset + reader.varint()
    if (offset < fromOffset) {
      reader.at = end
      continue
    }
    const key = readBytes(reader)
    const value = readBytes(reader)
    const headers = readHeaders(reader)
    if (reader.at !== end) throw corrupt(`Record ${i} of a batch has fields that are not as long as the record.`)
    records.push({ offset, timestamp: appendTime ?? timestamp, key, value, headers })
  }
  if (reader.left !== 0) throw corrupt(`A batch holds more bytes than its ${count} records.`)
  return records
}

function readBytes(reader: Reader): Buffer | null {
  const length = reader.varint()
  return length === -1 ? null : reader.slice(length)
}

function readHeaders(reader: Reader): readonly RecordHeader[] {
  const count = reader.varint()
  if (count === 0) return NO_HEADERS
  if (count < 0) throw new DecodeError(`says ${count} headers`)
  reader.count(count, 2)
  const headers: RecordHeader[] = []
  for (let i = 0; i < count; i++) {
    const key = reader.text(reader.varint())
    headers.push({ key, value: readBytes(reader) })
  }
  return headers
}

function wrongCrc(bytes: Buffer, at: number): KafkaError {
  return corrupt(`The checksum of the batch at offset ${recordBatch.baseOffset(bytes, at)} is wrong: it was damaged on its way or on disk.`)
}

function tooMany(): KafkaError {
  return new KafkaError(ErrorCode.MESSAGE_TOO_LARGE, `A batch holds more than ${RECORD_COUNT_MAX} records.`)
}

function corrupt(sentence: string): KafkaError {
  return new KafkaError(ErrorCode.CORRUPT_MESSAGE, sentence)
}
