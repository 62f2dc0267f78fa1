import type { File } from '@ottla/env'
import { readInt64 } from '@ottla/wire'
import { recordBatch } from '@ottla/protocol'

/** Enough of every batch to know its size, its offsets and its time. */
export const HEADER_BYTES = 61
/** The smallest message of all: formats §3, v0 with neither key nor value. */
export const ENTRY_BYTES_MIN = 26
const CHUNK_BYTES = 4096

/** What `HeaderCursor.at` answers besides a position. */
export const WOULD_WAIT = -1

/**
 * Walks the headers of a part of a file that is known to hold whole batches, synchronously, out of the page cache. One for all logs:
 * what it answers holds until its next call.
 */
class HeaderCursor {
  readonly bytes = Buffer.allocUnsafeSlow(CHUNK_BYTES)
  #file: File | null = null
  #from = 0
  #length = 0

  /** Makes the header at `position` readable, at the answered place of `bytes`; WOULD_WAIT where the device must be asked first. */
  at(file: File, position: number): number {
    const place = position - this.#from
    if (file === this.#file && place >= 0 && place + HEADER_BYTES <= this.#length) return place
    const length = file.read(position, this.bytes)
    if (length < 0) return WOULD_WAIT
    this.#file = file
    this.#from = position
    this.#length = length
    return 0
  }

  /** What was read may no longer be so. */
  forget(): void {
    this.#file = null
  }
}

const cursor = new HeaderCursor()

/** Where a batch was found. Overwritten by the next `locateBatch`. */
export const located = { position: 0, baseOffset: 0, sizeBytes: 0 }

/**
 * Finds the first batch of [from, end) whose last offset is at or after `offset` and says so in `located`: true. False: none, and
 * `located.position` is `end`. Null: would wait for the device.
 */
export function locateBatch(file: File, from: number, end: number, offset: number): boolean | null {
  cursor.forget()
  let position = from
  while (position + ENTRY_BYTES_MIN <= end) {
    const at = cursor.at(file, position)
    if (at < 0) return null
    const bytes = cursor.bytes
    const size = 12 + bytes.readInt32BE(at + 8)
    if (size < ENTRY_BYTES_MIN) break
    if (recordBatch.lastOffset(bytes, at) >= offset) {
      located.position = position
      located.sizeBytes = size
      located.baseOffset = readInt64(bytes, at)
      return true
    }
    position += size
  }
  located.position = end
  return false
}

/** The size of the batch at `position`, WOULD_WAIT, or 0 where there is none. */
export function batchSizeAt(file: File, position: number): number {
  cursor.forget()
  const at = cursor.at(file, position)
  return at < 0 ? WOULD_WAIT : 12 + cursor.bytes.readInt32BE(at + 8)
}

/** Reads all of `into` if the file has it, waiting only if it must. Answers the bytes read. */
export async function readInto(file: File, position: number, into: Buffer): Promise<number> {
  const length = file.read(position, into)
  return length >= 0 ? length : await file.readLater(position, into)
}

/** False: go no further. */
export type OnHeader = (bytes: Buffer, at: number, position: number, sizeBytes: number) => boolean

/** Walks the headers of [from, end), without the records. Answers where it stopped: `end`, or at what is no whole batch. */
export async function eachHeader(file: File, from: number, end: number, onHeader: OnHeader): Promise<number> {
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
  let position = from
  let chunkAt = 0
  let length = 0
  while (position + ENTRY_BYTES_MIN <= end) {
    let at = position - chunkAt
    const left = Math.min(HEADER_BYTES, end - position)
    if (at < 0 || at + left > length) {
      length = await readInto(file, position, chunk)
      chunkAt = position
      at = 0
      if (length < left) break
    }
    const size = 12 + chunk.readInt32BE(at + 8)
    if (size < recordBatch.headerBytes(chunk.readInt8(at + 16)) || position + size > end) break
    if (!onHeader(chunk, at, position, size)) break
    position += size
  }
  return position
}

const BLOCK_BYTES = 262144

/**
 * Whole batches of [from, end) in order, in large reads off the loop. A batch is a view that holds until the next one is asked for. Ends at
 * `end` or at what is no whole batch; nothing but the size is checked. Memory: the largest batch, at least
 * `blockBytes`.
 */
export async function* wholeBatches(
  file: File,
  from: number,
  end: number,
  blockBytes = BLOCK_BYTES,
): AsyncGenerator<{ bytes: Buffer; position: number }> {
  let block = Buffer.allocUnsafe(Math.min(blockBytes, Math.max(0, end - from)))
  let position = from
  let blockAt = from
  let length = 0
  while (position + ENTRY_BYTES_MIN <= end) {
    let at = position - blockAt
    if (at + 17 > length) {
      length = await file.readLater(position, block.subarray(0, Math.min(block.length, end - position)))
      blockAt = position
      at = 0
      if (length < 17) return
    }
    const size = 12 + block.readInt32BE(at + 8)
    if (size < recordBatch.headerBytes(block.readInt8(at + 16)) || position + size > end) return
    if (at + size > length) {
      if (size > block.length) block = Buffer.allocUnsafe(size)
      length = await file.readLater(position, block.subarray(0, Math.min(block.length, end - position)))
      blockAt = position
      at = 0
      if (length < size) return
    }
    yield { bytes: block.subarray(at, at + size), position }
    position += size
  }
}
