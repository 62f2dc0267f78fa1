import { crc32c, readInt64, Writer } from '@ottla/wire'

/** One entry of the replicated log. `payload` is a view of what was read. */
export interface LogEntry {
  readonly index: number
  readonly term: number
  /** What the payload is: ENTRY_KIND or what a later layer defines, up to 127. */
  readonly kind: number
  readonly payload: Buffer
}

/** Kinds of entries: a transaction (see `writeEntryTxn`). */
export const ENTRY_KIND = { txn: 1 } as const

/** On disk: u32 length (of what follows the checksum), u32 crc32c (of the same), u64 index, u32 term, u8 kind, payload. */
export const ENTRY_PREFIX_BYTES = 8
const ENTRY_HEAD_BYTES = 13
/** Far above any request's size: only the list of a session's ephemerals could be longer than a request. */
export const ENTRY_BYTES_MAX = 64 << 20
/**
 * Kind's top bit: the entry is the first of its batch. A batch is written in one go once the one before is durable, so a batch's beginning
 * proves that all before it was whole; without one, what a crash left of the last batch may have holes.
 */
const BATCH_START = 0x80

/** `fill` writes the payload. */
export function encodeEntry(index: number, term: number, kind: number, batchStart: boolean, fill: (writer: Writer) => void): Buffer {
  const writer = new Writer()
  writer.uint32(0)
  writer.uint32(0)
  writer.int64(index)
  writer.uint32(term)
  writer.int8(batchStart ? kind | BATCH_START : kind)
  fill(writer)
  const bytes = writer.toBuffer()
  if (bytes.length > ENTRY_BYTES_MAX) throw new RangeError(`an entry of ${bytes.length} bytes; at most ${ENTRY_BYTES_MAX} fit`)
  bytes.writeUInt32BE(bytes.length - ENTRY_PREFIX_BYTES, 0)
  bytes.writeUInt32BE(crc32c(bytes.subarray(ENTRY_PREFIX_BYTES)), 4)
  return bytes
}

/** The end of the entry at `at`, or -1 where there is no whole and unharmed one. */
export function entryEnd(bytes: Buffer, at: number): number {
  if (bytes.length - at < ENTRY_PREFIX_BYTES + ENTRY_HEAD_BYTES) return -1
  const length = bytes.readUInt32BE(at)
  const start = at + ENTRY_PREFIX_BYTES
  if (length < ENTRY_HEAD_BYTES || length > ENTRY_BYTES_MAX || length > bytes.length - start) return -1
  return crc32c(bytes.subarray(start, start + length)) === bytes.readUInt32BE(at + 4) ? start + length : -1
}

/** Whether the entry at `at` is the first of its batch. */
export function startsBatch(bytes: Buffer, at: number): boolean {
  return (bytes[at + ENTRY_PREFIX_BYTES + 12]! & BATCH_START) !== 0
}

/** The first whole entry behind `at` whose index may be one of this file, or -1. */
export function nextEntry(bytes: Buffer, at: number, indexMin: number): number {
  for (let place = at + 1; place + ENTRY_PREFIX_BYTES + ENTRY_HEAD_BYTES <= bytes.length; place++) {
    const index = readInt64(bytes, place + ENTRY_PREFIX_BYTES)
    if (index >= indexMin && index <= indexMin + bytes.length && entryEnd(bytes, place) !== -1) return place
  }
  return -1
}

/** The entry that `entryEnd` found at `at`. */
export function decodeEntry(bytes: Buffer, at: number, end: number): LogEntry {
  const start = at + ENTRY_PREFIX_BYTES
  return {
    index: readInt64(bytes, start),
    term: bytes.readUInt32BE(start + 8),
    kind: bytes[start + 12]! & ~BATCH_START,
    payload: bytes.subarray(start + ENTRY_HEAD_BYTES, end),
  }
}

/** Does a batch begin anywhere after `at`? Then what can't be read at `at` was durable once: it is damage, not a torn write. */
export function batchStartsAfter(bytes: Buffer, at: number, indexMin: number): boolean {
  for (let place = nextEntry(bytes, at, indexMin + 1); place !== -1; place = nextEntry(bytes, place, indexMin + 1)) {
    if (startsBatch(bytes, place)) return true
  }
  return false
}
