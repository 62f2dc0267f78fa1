import { codecOf, DECOMPRESSED_BYTES_MAX } from '../compression/codecs.ts'
import { compressLz4Magic0 } from '../compression/lz4.ts'
import { ErrorCode, KafkaError } from '../errors.ts'
import { BatchBuilder, withRecords } from './batch-builder.ts'
import type { KafkaRecord } from './kafka-record.ts'
import { legacyCrcIsRight, legacyRecords, legacySizeBytes, writeLegacyMessage } from './legacy.ts'
import * as recordBatch from './record-batch.ts'
import { decodeBatch, recordsOf, wholeSizeBytes } from './record-reader.ts'

const LZ4 = 3
const ZSTD = 4

export interface UpConversion {
  /** Magic that this Produce version carries: 0 for versions 0 and 1, 1 for version 2. */
  readonly magic: 0 | 1
  /** Codec id of the batch to make; by default that of the first message. */
  readonly codec?: number
  readonly level?: number
  /** Bound of each compressed message when decompressed, and of all records together (default DECOMPRESSED_BYTES_MAX). */
  readonly decompressedBytesMax?: number
}

/**
 * The message set of a Produce of version 0 to 2, `bytes` from `start` to `end`, as one batch of magic 2 that `validateProduced` takes
 * (formats §3). Records of magic 0 have no timestamp: -1. Throws INVALID_RECORD for an empty or mixed set, CORRUPT_MESSAGE for damage.
 */
export function upConvert(bytes: Buffer, start: number, end: number, options: UpConversion): Buffer {
  const set = bytes.subarray(start, end)
  const decompressedBytesMax = options.decompressedBytesMax ?? DECOMPRESSED_BYTES_MAX
  let builder: BatchBuilder | undefined
  for (let at = 0; at < set.length;) {
    const size = wholeSizeBytes(set, at)
    if (size === 0) throw corrupt('A message set ends inside a message.')
    const magic = recordBatch.magic(set, at)
    if (magic !== options.magic) {
      throw invalid(`A message of magic ${magic} was sent with a Produce version that carries magic ${options.magic}.`)
    }
    if (!legacyCrcIsRight(set, at)) throw corrupt('The checksum of a message is wrong: it was damaged on its way.')
    builder ??= new BatchBuilder(upConvertedOptions(options, recordBatch.codec(set, at)))
    for (const record of legacyRecords(set, at, true, decompressedBytesMax)) {
      builder.append(record.key, record.value, [], record.timestamp)
      if (builder.uncompressedBytes > decompressedBytesMax) {
        throw new KafkaError(ErrorCode.MESSAGE_TOO_LARGE, `A message set holds more than ${decompressedBytesMax} bytes when decompressed.`)
      }
    }
    at += size
  }
  if (builder === undefined) throw invalid('A produce request holds no message for a partition.')
  return builder.build()
}

function upConvertedOptions(options: UpConversion, codec: number): { codec: number; level?: number } {
  const made = { codec: options.codec ?? codec }
  return options.level === undefined ? made : { ...made, level: options.level }
}

/**
 * What a Fetch of version 0 to 3 may get of `bytes`: the whole batches of it with magic above `magicMax` as messages of that magic, the
 * rest as it is (formats §3). Headers and producer fields are lost, control batches left out, as are uncompressed records below
 * `firstOffset`. A compressed batch stays one, as a wrapper of the same codec. A partial batch at the end is dropped.
 * Throws UNSUPPORTED_COMPRESSION_TYPE for zstd, which no old client reads.
 */
export function downConvert(bytes: Buffer, magicMax: 0 | 1, firstOffset: number, decompressedBytesMax = DECOMPRESSED_BYTES_MAX): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; ;) {
    const size = wholeSizeBytes(bytes, at)
    if (size === 0) return Buffer.concat(parts)
    if (recordBatch.magic(bytes, at) <= magicMax) parts.push(bytes.subarray(at, at + size))
    else if (!recordBatch.isControl(bytes, at) && recordBatch.lastOffset(bytes, at) >= firstOffset) {
      parts.push(downConvertBatch(bytes, at, magicMax, firstOffset, decompressedBytesMax))
    }
    at += size
  }
}

function downConvertBatch(bytes: Buffer, at: number, magic: 0 | 1, firstOffset: number, decompressedBytesMax: number): Buffer {
  const codec = recordBatch.codec(bytes, at)
  if (codec === ZSTD) {
    const sentence = 'A batch compressed by zstd needs Fetch version 10 or later: use a newer client.'
    throw new KafkaError(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, sentence)
  }
  const timestampType = recordBatch.hasLogAppendTime(bytes, at) && magic === 1 ? recordBatch.ATTRIBUTE_LOG_APPEND_TIME : 0
  const fromOffset = codec === 0 ? firstOffset : -Infinity
  const records = decodeBatch(bytes, at, { checkCrc: false, fromOffset, decompressedBytesMax })
  if (codec === 0) return messageSet(records, magic, 0, timestampType)
  const last = records.at(-1)
  const first = records[0]
  // An emptied batch has nothing to wrap.
  if (last === undefined || first === undefined) return Buffer.alloc(0)
  // Inside a wrapper of magic 1 offsets count from the first; the wrapper's own says where the last one is (KIP-31).
  const inner = messageSet(records, magic, magic === 1 ? first.offset : 0, timestampType)
  const compressed = codec === LZ4 && magic === 0 ? compressLz4Magic0(inner) : codecOf(codec).compress(inner)
  const wrapper = Buffer.allocUnsafeSlow(legacySizeBytes(magic, null, compressed))
  const timestamp = recordBatch.maxTimestamp(bytes, at)
  writeLegacyMessage(wrapper, 0, magic, last.offset, timestamp, null, compressed, codec | timestampType)
  return wrapper
}

function messageSet(records: readonly KafkaRecord[], magic: 0 | 1, baseOffset: number, attributes: number): Buffer {
  let size = 0
  for (const record of records) size += legacySizeBytes(magic, record.key, record.value)
  const set = Buffer.allocUnsafeSlow(size)
  let at = 0
  for (const { offset, timestamp, key, value } of records) {
    at = writeLegacyMessage(set, at, magic, offset - baseOffset, timestamp, key, value, attributes)
  }
  return set
}

/**
 * The batch of magic 2 at `at` with its records in another codec, as a topic's `compression.type` may ask; a new buffer, all else of the
 * header kept. Offsets needn't change, so records are not decoded.
 */
export function recompress(
  bytes: Buffer,
  at: number,
  codec: number,
  level?: number,
  decompressedBytesMax = DECOMPRESSED_BYTES_MAX,
): Buffer {
  return batchWith(bytes, at, codec, codecOf(codec).compress(recordsOf(bytes, at, decompressedBytesMax), level))
}

/** The batch of magic 2 at `at` with `compressed` for its records, which are in this codec: a new buffer, all else of the header kept. */
export function batchWith(bytes: Buffer, at: number, codec: number, compressed: Buffer): Buffer {
  const batch = withRecords(compressed)
  const attributes = (recordBatch.attributes(bytes, at) & ~recordBatch.ATTRIBUTE_CODEC_MASK) | codec
  recordBatch.writeHeader(batch, 0, {
    baseOffset: recordBatch.baseOffset(bytes, at),
    sizeBytes: batch.length,
    leaderEpoch: recordBatch.leaderEpoch(bytes, at),
    attributes,
    lastOffsetDelta: recordBatch.lastOffsetDelta(bytes, at),
    baseTimestamp: recordBatch.baseTimestamp(bytes, at),
    maxTimestamp: recordBatch.maxTimestamp(bytes, at),
    producerId: recordBatch.producerId(bytes, at),
    producerEpoch: recordBatch.producerEpoch(bytes, at),
    baseSequence: recordBatch.baseSequence(bytes, at),
    recordCount: recordBatch.recordCount(bytes, at),
  })
  recordBatch.setCrc(batch, 0)
  return batch
}

function invalid(sentence: string): KafkaError {
  return new KafkaError(ErrorCode.INVALID_RECORD, sentence)
}

function corrupt(sentence: string): KafkaError {
  return new KafkaError(ErrorCode.CORRUPT_MESSAGE, sentence)
}
