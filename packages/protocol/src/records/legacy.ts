import { crc32 } from 'node:zlib'
import { readInt64, writeInt64 } from '@ottla/wire'
import { codecOf, DECOMPRESSED_BYTES_MAX } from '../compression/codecs.ts'
import { ErrorCode, KafkaError } from '../errors.ts'
import { NO_HEADERS, type KafkaRecord } from './kafka-record.ts'
import {
  ATTRIBUTE_CODEC_MASK,
  ATTRIBUTE_LOG_APPEND_TIME,
  attributes,
  headerBytes,
  LEGACY_V0_HEADER_BYTES,
  LEGACY_V1_HEADER_BYTES,
  LOG_OVERHEAD_BYTES,
  magic,
  maxTimestamp,
  sizeBytes,
} from './record-batch.ts'

/**
 * Messages of magic 0 and 1 (formats §3, KIP-32). An entry of a log is
 *
 *     0 offset i64 | 8 size i32 | 12 crc u32 | 16 magic i8 | 17 attributes i8 | 18 timestamp i64 (magic 1 only) | key | value
 *
 * with key and value behind an int32 length each, -1 for null. A compressed entry is a wrapper: its value holds a set of such entries.
 */
const CRC_AT = 12
const CRC_START_BYTES = 16
const ZSTD = 4

/** Whether the checksum (CRC-32 of IEEE) of the message is its bytes'. False too where it doesn't lie in `bytes` whole. */
export function legacyCrcIsRight(bytes: Buffer, at: number): boolean {
  const size = sizeBytes(bytes, at)
  if (size < LEGACY_V0_HEADER_BYTES || at + size > bytes.length) return false
  return crc32(bytes.subarray(at + CRC_START_BYTES, at + size)) === bytes.readUInt32BE(at + CRC_AT)
}

/**
 * The records of the entry at `at`: one, or a wrapper's, with their absolute offsets and the timestamps that its type gives them.
 * The caller knows that the entry lies in `bytes` whole. Checksums aren't verified (`legacyCrcIsRight`) but those of the inner messages
 * where `checkCrc`. What is malformed throws CORRUPT_MESSAGE.
 */
export function* legacyRecords(
  bytes: Buffer,
  at: number,
  checkCrc = false,
  decompressedBytesMax = DECOMPRESSED_BYTES_MAX,
): Generator<KafkaRecord, void, void> {
  const codecId = attributes(bytes, at) & ATTRIBUTE_CODEC_MASK
  if (codecId === 0) {
    yield readMessage(bytes, at, readInt64(bytes, at), maxTimestamp(bytes, at))
    return
  }
  if (codecId === ZSTD) {
    throw new KafkaError(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, 'A message of magic 0 or 1 names zstd, which needs magic 2.')
  }
  const value = readMessage(bytes, at, 0, 0).value
  if (value === null) throw malformed('a compressed wrapper without a value')
  const inner = codecOf(codecId).decompress(value, decompressedBytesMax)
  yield* innerRecords(bytes, at, inner, checkCrc)
}

function* innerRecords(bytes: Buffer, at: number, inner: Buffer, checkCrc: boolean): Generator<KafkaRecord, void, void> {
  const wrapperMagic = magic(bytes, at)
  const last = lastEntryAt(inner)
  if (last < 0) throw malformed('a wrapper without messages')
  // Offsets inside magic 1 are relative, and the wrapper bears the last one's; inside magic 0 they are absolute.
  const base = wrapperMagic === 1 ? readInt64(bytes, at) - readInt64(inner, last) : 0
  const appendTime = wrapperMagic === 1 && (attributes(bytes, at) & ATTRIBUTE_LOG_APPEND_TIME) !== 0
  const wrapperTimestamp = maxTimestamp(bytes, at)
  for (let entry = 0; entry < inner.length; entry += sizeBytes(inner, entry)) {
    if (magic(inner, entry) !== wrapperMagic) throw malformed('a wrapper and its messages of different magic')
    if ((attributes(inner, entry) & ATTRIBUTE_CODEC_MASK) !== 0) throw malformed('a wrapper inside a wrapper')
    if (checkCrc && !legacyCrcIsRight(inner, entry)) throw malformed('a wrong checksum of a message in a wrapper')
    yield readMessage(inner, entry, base + readInt64(inner, entry), appendTime ? wrapperTimestamp : maxTimestamp(inner, entry))
  }
}

/** Where the last entry of a decompressed set starts, -1 if it is empty. Checks that whole entries fill it. */
function lastEntryAt(inner: Buffer): number {
  let last = -1
  for (let at = 0; at < inner.length;) {
    if (inner.length - at < LEGACY_V0_HEADER_BYTES) throw malformed('a wrapper that ends inside a message')
    const size = sizeBytes(inner, at)
    if (size < LEGACY_V0_HEADER_BYTES || size > inner.length - at) throw malformed('a wrapper whose messages have wrong sizes')
    last = at
    at += size
  }
  return last
}

function readMessage(bytes: Buffer, at: number, offset: number, timestamp: number): KafkaRecord {
  const end = at + sizeBytes(bytes, at)
  const version = magic(bytes, at)
  if (version !== 0 && version !== 1) throw malformed(`magic ${version}`)
  if (end > bytes.length || end - at < headerBytes(version)) throw malformed('a size too small for its header, or beyond the data')
  const keyAt = at + (version === 1 ? LEGACY_V1_HEADER_BYTES : LEGACY_V0_HEADER_BYTES) - 8
  const key = readBytes(bytes, keyAt, end)
  const valueAt = keyAt + 4 + (key?.length ?? 0)
  const value = readBytes(bytes, valueAt, end)
  if (valueAt + 4 + (value?.length ?? 0) !== end) throw malformed('fields that are not as long as the message')
  return { offset, timestamp, key, value, headers: NO_HEADERS }
}

function readBytes(bytes: Buffer, at: number, end: number): Buffer | null {
  if (at + 4 > end) throw malformed('an end inside its key or value')
  const length = bytes.readInt32BE(at)
  if (length === -1) return null
  if (length < 0 || length > end - at - 4) throw malformed('a key or value that is longer than the message')
  return bytes.subarray(at + 4, at + 4 + length)
}

function malformed(what: string): KafkaError {
  return new KafkaError(ErrorCode.CORRUPT_MESSAGE, `A message of the old format has ${what}.`)
}

/** Bytes of an uncompressed entry, log overhead included. */
export function legacySizeBytes(version: 0 | 1, key: Uint8Array | null, value: Uint8Array | null): number {
  return headerBytes(version) + (key?.length ?? 0) + (value?.length ?? 0)
}

/** Writes one entry at `at`, checksum and all; answers where it ends. `attributeBits`: codec and timestamp type. */
export function writeLegacyMessage(
  bytes: Buffer,
  at: number,
  version: 0 | 1,
  offset: number,
  timestamp: number,
  key: Uint8Array | null,
  value: Uint8Array | null,
  attributeBits = 0,
): number {
  const size = legacySizeBytes(version, key, value)
  writeInt64(bytes, at, offset)
  bytes.writeInt32BE(size - LOG_OVERHEAD_BYTES, at + 8)
  bytes[at + 16] = version
  bytes[at + 17] = attributeBits
  if (version === 1) writeInt64(bytes, at + 18, timestamp)
  const valueAt = writeBytes(bytes, at + headerBytes(version) - 8, key)
  const end = writeBytes(bytes, valueAt, value)
  bytes.writeUInt32BE(crc32(bytes.subarray(at + CRC_START_BYTES, end)), at + CRC_AT)
  return end
}

function writeBytes(bytes: Buffer, at: number, value: Uint8Array | null): number {
  bytes.writeInt32BE(value === null ? -1 : value.length, at)
  if (value === null) return at + 4
  bytes.set(value, at + 4)
  return at + 4 + value.length
}
