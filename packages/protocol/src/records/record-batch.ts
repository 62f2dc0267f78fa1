import { crc32c, readInt64, writeInt64 } from '@ottla/wire'

/**
 * The header of a record batch as plain functions over the bytes it lies in: `at` is where the batch's entry starts (its base offset).
 * Layout v2 (magic 2, formats §2):
 *
 *     0 baseOffset i64 | 8 length i32 | 12 leaderEpoch i32 | 16 magic i8 | 17 crc u32 | 21 attributes i16 | 23 lastOffsetDelta i32
 *     27 baseTimestamp i64 | 35 maxTimestamp i64 | 43 producerId i64 | 51 producerEpoch i16 | 53 baseSequence i32 | 57 recordCount i32
 *
 * An entry of magic 0 or 1 (formats §3) shares the first twelve bytes and the place of the magic; each function says what it answers then.
 * A caller makes sure that LOG_OVERHEAD_BYTES lie at `at` before it asks sizeBytes, MAGIC_END_BYTES before magic, and
 * headerBytes(magic) before the rest. Where fewer lie in the buffer, a RangeError is thrown.
 */

/** Base offset and length, which every entry starts with and which its length doesn't count. */
export const LOG_OVERHEAD_BYTES = 12
/** So many bytes must be there before the magic can be read. */
export const MAGIC_END_BYTES = 17
/** The whole header of magic 2; records follow. Never compressed. */
export const BATCH_HEADER_BYTES = 61
/** An entry of magic 0 with no key and no value: log overhead and 14 bytes. */
export const LEGACY_V0_HEADER_BYTES = 26
/** An entry of magic 1 with no key and no value: log overhead and 22 bytes. */
export const LEGACY_V1_HEADER_BYTES = 34

/** Where what the checksum of magic 2 covers begins; it ends with the batch. */
export const CRC_START_BYTES = 21

/** No producer: the id and epoch of a batch that is neither idempotent nor transactional. */
export const NO_PRODUCER_ID = -1
export const NO_PRODUCER_EPOCH = -1
export const NO_SEQUENCE = -1
export const NO_TIMESTAMP = -1
export const NO_LEADER_EPOCH = -1

export const ATTRIBUTE_CODEC_MASK = 0x07
export const ATTRIBUTE_LOG_APPEND_TIME = 0x08
export const ATTRIBUTE_TRANSACTIONAL = 0x10
export const ATTRIBUTE_CONTROL = 0x20
export const ATTRIBUTE_DELETE_HORIZON = 0x40

const LENGTH_AT = 8
const LEADER_EPOCH_AT = 12
const MAGIC_AT = 16
const CRC_AT = 17
const LEGACY_CRC_AT = 12
const LEGACY_ATTRIBUTES_AT = 17
const LEGACY_TIMESTAMP_AT = 18
const ATTRIBUTES_AT = 21
const LAST_OFFSET_DELTA_AT = 23
const BASE_TIMESTAMP_AT = 27
const MAX_TIMESTAMP_AT = 35
const PRODUCER_ID_AT = 43
const PRODUCER_EPOCH_AT = 51
const BASE_SEQUENCE_AT = 53
const RECORD_COUNT_AT = 57

/** The fewest bytes that an entry of this magic may have in all (log overhead included). */
export function headerBytes(ofMagic: number): number {
  return ofMagic >= 2 ? BATCH_HEADER_BYTES : ofMagic === 1 ? LEGACY_V1_HEADER_BYTES : LEGACY_V0_HEADER_BYTES
}

/** First offset. Magic 0/1: the entry's own offset, which of a compressed wrapper is the **last** inner message's. */
export function baseOffset(bytes: Buffer, at: number): number {
  return readInt64(bytes, at)
}

/** The whole entry in bytes: 12 + the length field, which is whatever was written there (also of magic 0/1). May be below 12 if hostile. */
export function sizeBytes(bytes: Buffer, at: number): number {
  return LOG_OVERHEAD_BYTES + bytes.readInt32BE(at + LENGTH_AT)
}

/** 0, 1 or 2; whatever byte is there. */
export function magic(bytes: Buffer, at: number): number {
  return bytes.readInt8(at + MAGIC_AT)
}

/** Epoch of the leader that appended it, -1 as clients send it. Magic 0/1: -1. */
export function leaderEpoch(bytes: Buffer, at: number): number {
  return magic(bytes, at) >= 2 ? bytes.readInt32BE(at + LEADER_EPOCH_AT) : NO_LEADER_EPOCH
}

/** The checksum as written, unsigned: CRC-32C (magic 2) or CRC-32 (magic 0/1). */
export function crc(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at + (magic(bytes, at) >= 2 ? CRC_AT : LEGACY_CRC_AT))
}

/** All attribute bits; magic 0/1: of the (wrapper) message. */
export function attributes(bytes: Buffer, at: number): number {
  return magic(bytes, at) >= 2 ? bytes.readInt16BE(at + ATTRIBUTES_AT) : bytes.readUInt8(at + LEGACY_ATTRIBUTES_AT)
}

/** Compression codec: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd; 5-7 are none of Kafka's. */
export function codec(bytes: Buffer, at: number): number {
  return attributes(bytes, at) & ATTRIBUTE_CODEC_MASK
}

/** Whether all records' timestamp is maxTimestamp, the time of the append. Magic 0: false. */
export function hasLogAppendTime(bytes: Buffer, at: number): boolean {
  return magic(bytes, at) !== 0 && (attributes(bytes, at) & ATTRIBUTE_LOG_APPEND_TIME) !== 0
}

/** Magic 0/1: false. */
export function isTransactional(bytes: Buffer, at: number): boolean {
  return magic(bytes, at) >= 2 && (attributes(bytes, at) & ATTRIBUTE_TRANSACTIONAL) !== 0
}

/** Whether its record is a marker for brokers and clients, not data. Magic 0/1: false. */
export function isControl(bytes: Buffer, at: number): boolean {
  return magic(bytes, at) >= 2 && (attributes(bytes, at) & ATTRIBUTE_CONTROL) !== 0
}

/** Whether baseTimestamp is the time after which the cleaner drops its tombstones (KIP-534). Magic 0/1: false. */
export function hasDeleteHorizon(bytes: Buffer, at: number): boolean {
  return magic(bytes, at) >= 2 && (attributes(bytes, at) & ATTRIBUTE_DELETE_HORIZON) !== 0
}

/** Magic 0/1: 0, as baseOffset answers the last one. */
export function lastOffsetDelta(bytes: Buffer, at: number): number {
  return magic(bytes, at) >= 2 ? bytes.readInt32BE(at + LAST_OFFSET_DELTA_AT) : 0
}

/** Right for every magic. */
export function lastOffset(bytes: Buffer, at: number): number {
  return readInt64(bytes, at) + lastOffsetDelta(bytes, at)
}

/** ms; what the records' deltas count from (magic 2 only). With hasDeleteHorizon: that horizon. Magic 1: the message's; magic 0: -1. */
export function baseTimestamp(bytes: Buffer, at: number): number {
  return magic(bytes, at) >= 2 ? readInt64(bytes, at + BASE_TIMESTAMP_AT) : maxTimestamp(bytes, at)
}

/** ms; the largest of the batch, or the append time. Magic 1: the (wrapper) message's, which is the same; magic 0: -1. */
export function maxTimestamp(bytes: Buffer, at: number): number {
  const of = magic(bytes, at)
  if (of >= 2) return readInt64(bytes, at + MAX_TIMESTAMP_AT)
  return of === 1 ? readInt64(bytes, at + LEGACY_TIMESTAMP_AT) : NO_TIMESTAMP
}

/** -1 where none, and of magic 0/1. */
export function producerId(bytes: Buffer, at: number): number {
  return magic(bytes, at) >= 2 ? readInt64(bytes, at + PRODUCER_ID_AT) : NO_PRODUCER_ID
}

/** -1 where none, and of magic 0/1. */
export function producerEpoch(bytes: Buffer, at: number): number {
  return magic(bytes, at) >= 2 ? bytes.readInt16BE(at + PRODUCER_EPOCH_AT) : NO_PRODUCER_EPOCH
}

/** Sequence of the first record; -1 where none, and of magic 0/1. */
export function baseSequence(bytes: Buffer, at: number): number {
  return magic(bytes, at) >= 2 ? bytes.readInt32BE(at + BASE_SEQUENCE_AT) : NO_SEQUENCE
}

/** Sequence of the last record, -1 where the batch has none. */
export function lastSequence(bytes: Buffer, at: number): number {
  const first = baseSequence(bytes, at)
  return first < 0 ? NO_SEQUENCE : incrementSequence(first, lastOffsetDelta(bytes, at))
}

/** `sequence + by` as producers count: 0 follows 2147483647. */
export function incrementSequence(sequence: number, by: number): number {
  return (sequence + by) % 0x80000000
}

/** Records in it as written: fewer than offsets after compaction, 0 in an emptied batch. Magic 0/1: 1, or -1 (unknown) if compressed. */
export function recordCount(bytes: Buffer, at: number): number {
  if (magic(bytes, at) >= 2) return bytes.readInt32BE(at + RECORD_COUNT_AT)
  return codec(bytes, at) === 0 ? 1 : -1
}

/** In place; outside the checksum for every magic. */
export function setBaseOffset(bytes: Buffer, at: number, offset: number): void {
  writeInt64(bytes, at, offset)
}

/** In place; outside the checksum. Magic 2 only: older messages have their checksum there. */
export function setLeaderEpoch(bytes: Buffer, at: number, epoch: number): void {
  bytes.writeInt32BE(epoch, at + LEADER_EPOCH_AT)
}

/** Makes it a batch of log append time `now` (ms) and writes the new checksum. Magic 2 only. */
export function setMaxTimestampAndLogAppendTime(bytes: Buffer, at: number, now: number): void {
  writeInt64(bytes, at + MAX_TIMESTAMP_AT, now)
  bytes.writeInt16BE(bytes.readInt16BE(at + ATTRIBUTES_AT) | ATTRIBUTE_LOG_APPEND_TIME, at + ATTRIBUTES_AT)
  setCrc(bytes, at)
}

/** Makes it a batch of the records' own timestamps, the largest `timestamp` (ms), and writes the new checksum. Magic 2 only. */
export function setMaxTimestampAndCreateTime(bytes: Buffer, at: number, timestamp: number): void {
  writeInt64(bytes, at + MAX_TIMESTAMP_AT, timestamp)
  bytes.writeInt16BE(bytes.readInt16BE(at + ATTRIBUTES_AT) & ~ATTRIBUTE_LOG_APPEND_TIME, at + ATTRIBUTES_AT)
  setCrc(bytes, at)
}

/** Gives it to a producer, as one that sends it again under a new id or epoch does, and writes the new checksum. Magic 2 only. */
export function setProducer(bytes: Buffer, at: number, id: number, epoch: number, sequence: number): void {
  writeInt64(bytes, at + PRODUCER_ID_AT, id)
  bytes.writeInt16BE(epoch, at + PRODUCER_EPOCH_AT)
  bytes.writeInt32BE(sequence, at + BASE_SEQUENCE_AT)
  setCrc(bytes, at)
}

/** Writes the checksum that the bytes have. Magic 2 only. */
export function setCrc(bytes: Buffer, at: number): void {
  bytes.writeUInt32BE(computeCrc(bytes, at), at + CRC_AT)
}

/** CRC-32C of what the header's checksum covers, unsigned. Magic 2 only; the whole batch lies in `bytes`. */
export function computeCrc(bytes: Buffer, at: number): number {
  return crc32c(bytes.subarray(at + CRC_START_BYTES, at + sizeBytes(bytes, at)))
}

/** Whether the checksum is the bytes' (magic 2 only; `legacy.ts` has the other). False too where the batch doesn't lie in `bytes` whole. */
export function crcIsRight(bytes: Buffer, at: number): boolean {
  const size = sizeBytes(bytes, at)
  if (size < BATCH_HEADER_BYTES || at + size > bytes.length) return false
  return computeCrc(bytes, at) === bytes.readUInt32BE(at + CRC_AT)
}

export interface BatchHeader {
  readonly baseOffset: number
  readonly sizeBytes: number
  readonly leaderEpoch: number
  readonly attributes: number
  readonly lastOffsetDelta: number
  readonly baseTimestamp: number
  readonly maxTimestamp: number
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly recordCount: number
}

/** Writes the 61 bytes of a header of magic 2 at `at`, all but the checksum: call setCrc once the records stand behind it. */
export function writeHeader(bytes: Buffer, at: number, header: BatchHeader): void {
  writeInt64(bytes, at, header.baseOffset)
  bytes.writeInt32BE(header.sizeBytes - LOG_OVERHEAD_BYTES, at + LENGTH_AT)
  bytes.writeInt32BE(header.leaderEpoch, at + LEADER_EPOCH_AT)
  bytes[at + MAGIC_AT] = 2
  bytes.writeUInt32BE(0, at + CRC_AT)
  bytes.writeInt16BE(header.attributes, at + ATTRIBUTES_AT)
  bytes.writeInt32BE(header.lastOffsetDelta, at + LAST_OFFSET_DELTA_AT)
  writeInt64(bytes, at + BASE_TIMESTAMP_AT, header.baseTimestamp)
  writeInt64(bytes, at + MAX_TIMESTAMP_AT, header.maxTimestamp)
  writeInt64(bytes, at + PRODUCER_ID_AT, header.producerId)
  bytes.writeInt16BE(header.producerEpoch, at + PRODUCER_EPOCH_AT)
  bytes.writeInt32BE(header.baseSequence, at + BASE_SEQUENCE_AT)
  bytes.writeInt32BE(header.recordCount, at + RECORD_COUNT_AT)
}
