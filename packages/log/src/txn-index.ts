import type { Disk, File } from '@ottla/env'
import { directoryOf } from '@ottla/env/files'
import { readInt64, writeInt64 } from '@ottla/wire'
import { CorruptFileError, readWhole } from './checkpoint.ts'

/** A transaction that was aborted: its offsets, marker included, and the last stable offset once that marker was written. */
export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
  readonly lastOffset: number
  readonly lastStableOffset: number
}

const ENTRY_BYTES = 34
const VERSION = 0

/**
 * The aborted transactions whose markers lie in one segment: `<base>.txnindex`, 34 bytes each, by rising marker offset (formats §5). The
 * file is made with its first entry. Entries are held in memory too, so that a search waits for nothing; there is one for each abort
 * marker in the log, and that marker alone takes more than twice the space.
 */
export class TransactionIndex {
  readonly path: string
  readonly #disk: Disk
  #file: File | null = null
  #created = false
  #entries: AbortedTransaction[]

  private constructor(disk: Disk, path: string, entries: AbortedTransaction[]) {
    this.#disk = disk
    this.path = path
    this.#entries = entries
  }

  /** Reads the index of the segment at `baseOffset`; an absent file is an empty index. Throws CorruptFileError: then `rebuild`. */
  static async open(disk: Disk, path: string, baseOffset: number): Promise<TransactionIndex> {
    const bytes = await readWhole(disk, path)
    return new TransactionIndex(disk, path, bytes === null ? [] : decode(bytes, path, baseOffset))
  }

  /** An empty index in place of whatever is there; the caller appends again what the segment's markers say. */
  static async rebuild(disk: Disk, path: string): Promise<TransactionIndex> {
    await disk.remove(path)
    return new TransactionIndex(disk, path, [])
  }

  /** Makes the file, with no entry yet. */
  create(): void {
    if (this.#file !== null) return
    this.#file = this.#disk.open(this.path, 'write')
    this.#created = true
  }

  get count(): number {
    return this.#entries.length
  }

  /** Into the page cache. Markers come in the order of their offsets. */
  append(transaction: AbortedTransaction): void {
    const last = this.#entries.at(-1)
    if (last !== undefined && transaction.lastOffset <= last.lastOffset) {
      throw new RangeError(`${this.path}: marker at ${transaction.lastOffset} after the one at ${last.lastOffset}`)
    }
    const bytes = Buffer.allocUnsafe(ENTRY_BYTES)
    bytes.writeInt16BE(VERSION, 0)
    writeInt64(bytes, 2, transaction.producerId)
    writeInt64(bytes, 10, transaction.firstOffset)
    writeInt64(bytes, 18, transaction.lastOffset)
    writeInt64(bytes, 26, transaction.lastStableOffset)
    if (this.#file === null) {
      this.#file = this.#disk.open(this.path, 'write')
      this.#created = this.#entries.length === 0
    }
    this.#file.write(this.#entries.length * ENTRY_BYTES, [bytes])
    this.#entries.push(transaction)
  }

  /**
   * Adds to `into` the aborted transactions that a fetch of [fetchOffset, upperBoundOffset) overlaps. True where no later segment can hold
   * another; false: go on with the next segment's index (formats §9).
   */
  search(fetchOffset: number, upperBoundOffset: number, into: AbortedTransaction[]): boolean {
    const entries = this.#entries
    for (let at = this.#firstEndingAt(fetchOffset); at < entries.length; at++) {
      const entry = entries[at]!
      if (entry.firstOffset < upperBoundOffset) into.push(entry)
      if (entry.lastStableOffset >= upperBoundOffset) return true
    }
    return false
  }

  /** Drops the transactions whose marker is at `endOffset` or after it: the log now ends there. */
  async truncate(endOffset: number): Promise<void> {
    const kept = this.#firstEndingAt(endOffset)
    if (kept === this.#entries.length) return
    this.#entries.length = kept
    const file = (this.#file ??= this.#disk.open(this.path, 'write'))
    await file.truncate(kept * ENTRY_BYTES)
  }

  /** Once resolved, all entries survive a crash. */
  async sync(): Promise<void> {
    if (this.#file === null) return
    const created = this.#created
    await this.#file.sync()
    if (!created) return
    await this.#disk.syncDirectory(directoryOf(this.path))
    this.#created = false
  }

  /** The index can be searched after it, and opens the file again for a further append. */
  close(): void {
    this.#file?.close()
    this.#file = null
  }

  /** The first entry whose marker isn't before `offset`. */
  #firstEndingAt(offset: number): number {
    const entries = this.#entries
    let low = 0
    let high = entries.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (entries[middle]!.lastOffset < offset) low = middle + 1
      else high = middle
    }
    return low
  }
}

function decode(bytes: Buffer, path: string, baseOffset: number): AbortedTransaction[] {
  if (bytes.length % ENTRY_BYTES !== 0) throw new CorruptFileError(path, null, `${bytes.length} bytes, no multiple of ${ENTRY_BYTES}`)
  const entries: AbortedTransaction[] = []
  let lastOffsetBefore = baseOffset - 1
  for (let at = 0; at < bytes.length; at += ENTRY_BYTES) {
    const number = at / ENTRY_BYTES
    const version = bytes.readInt16BE(at)
    if (version !== VERSION) throw new CorruptFileError(path, null, `entry ${number} has version ${version}; only version 0 is known`)
    const lastOffset = readInt64(bytes, at + 18)
    if (lastOffset <= lastOffsetBefore) {
      throw new CorruptFileError(path, null, `entry ${number} has its marker at ${lastOffset}, not after ${lastOffsetBefore}`)
    }
    lastOffsetBefore = lastOffset
    entries.push({
      producerId: readInt64(bytes, at + 2),
      firstOffset: readInt64(bytes, at + 10),
      lastOffset,
      lastStableOffset: readInt64(bytes, at + 26),
    })
  }
  return entries
}
