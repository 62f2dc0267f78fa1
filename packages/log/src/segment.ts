import type { Disk, File } from '@ottla/env'
import { isNotFound } from '@ottla/env/files'
import { recordBatch } from '@ottla/protocol'
import { located, locateBatch } from './batch-reader.ts'
import { fileName, type SegmentSuffix } from './file-names.ts'
import type { LogConfig } from './log-config.ts'
import { NOT_LOADED, OFFSET_ENTRY_BYTES, OffsetIndex } from './offset-index.ts'
import type { OpenSegments } from './open-segments.ts'
import { TIME_ENTRY_BYTES, TimeIndex } from './time-index.ts'
import { TransactionIndex, type AbortedTransaction } from './txn-index.ts'

/** Offsets in an index are int32 from the base. */
const OFFSET_RANGE = 2147483647

/** There are many segments, and few are being read from the device. */
const NONE_WARMING = new Map<number, never>()

/** What `locate` answers besides a position. */
export const COLD = -1

/** What stands on disk when a segment is opened: sizes in bytes. */
export interface SegmentSizes {
  readonly log: number
  readonly index: number
  readonly timeIndex: number
}

/** The latest time of a batch's records; -1: it has none, as compaction leaves a batch for its producer's sake. */
export function latestTimeOf(bytes: Buffer, at: number): number {
  if (recordBatch.magic(bytes, at) === 2 && recordBatch.recordCount(bytes, at) === 0) return -1
  return recordBatch.maxTimestamp(bytes, at)
}

const NO_ROOM = { preallocate: false, segmentBytes: 0 }

/** One file of batches and its indexes. No file of it is open until someone reads or writes, nor for ever after: see `OpenSegments`. */
export class Segment {
  readonly directory: string
  /** Of the disk, for what may come; 0: none was taken. */
  reservedBytes = 0
  readonly baseOffset: number
  readonly offsets: OffsetIndex
  readonly times: TimeIndex
  /** Aborted transactions whose markers lie here; null: none. */
  transactions: TransactionIndex | null = null
  /** Bytes taken by appends; `writtenBytes` of them are in the file. */
  sizeBytes: number
  writtenBytes: number
  /** Largest of all batches, and the last offset of the batch that had it first; -1: none, or unknown while `timesKnown` is false. */
  largestTimestamp = -1
  largestTimestampOffset = -1
  timesKnown = false
  /** Of the first batch: what `segment.ms` counts from; -1: none or unknown. */
  firstTimestamp = -1
  readonly createdMs: number
  /** An index file is absent or has an impossible size: to be made anew. */
  indexesMissing = false
  /** Its name isn't known to survive a crash. */
  nameUnsynced = false
  /** What its files' names have behind the usual ones: one that is being made, or is deleted. */
  suffix = ''
  readonly #disk: Disk
  readonly #open: OpenSegments
  #file: File | null = null
  #writable = false
  #holds = 0
  /** Of them. */
  #gathers = 0
  #sinceIndexEntryBytes = 0
  /** The suffix that some of its files may have already. */
  #suffixToBe: string | null = null
  readonly #aborted: AbortedTransaction[] = []
  #opening: Promise<void> | null = null
  #finding: Promise<void> | null = null
  /** Ranges on their way into the page cache, by their positions. */
  #warming: Map<number, { readonly length: number; readonly done: Promise<void> }> = NONE_WARMING

  constructor(disk: Disk, open: OpenSegments, directory: string, baseOffset: number, sizes: SegmentSizes, createdMs: number) {
    this.#disk = disk
    this.#open = open
    this.directory = directory
    this.baseOffset = baseOffset
    this.sizeBytes = this.writtenBytes = sizes.log
    this.offsets = new OffsetIndex(Math.floor(sizes.index / OFFSET_ENTRY_BYTES))
    this.times = new TimeIndex(Math.floor(sizes.timeIndex / TIME_ENTRY_BYTES))
    this.createdMs = createdMs
    if (sizes.log === 0) this.timesKnown = true
  }

  path(suffix: SegmentSuffix): string {
    return `${this.directory}/${fileName(this.baseOffset, suffix)}${this.suffix}`
  }

  #openToRead(suffix: SegmentSuffix): File {
    try {
      return this.#disk.open(this.path(suffix), 'read')
    } catch (error) {
      if (this.#suffixToBe === null || !isNotFound(error)) throw error
      return this.#disk.open(`${this.directory}/${fileName(this.baseOffset, suffix)}${this.#suffixToBe}`, 'read')
    }
  }

  get held(): boolean {
    return this.#holds > 0
  }

  /** What its indexes take in memory. */
  get indexBytes(): number {
    return this.offsets.memoryBytes + this.times.memoryBytes
  }

  /** While held, its file stays open. */
  hold(): void {
    this.#holds++
  }

  release(): void {
    this.#holds--
  }

  /** Held for what gathers until the turn ends: its file may be closed until then. */
  gather(): void {
    this.#holds++
    this.#gathers++
  }

  /** What gathered is about to be written: `release` follows. */
  store(): void {
    this.#gathers--
  }

  /** Closes the file, which is opened again when it is needed. False: someone needs it now. */
  shut(): boolean {
    if (this.#holds > this.#gathers) return false
    this.#file?.close()
    this.#file = null
    this.#writable = false
    return true
  }

  /** The file of batches, to read from; opened where it isn't. */
  file(): File {
    if (this.#file === null) this.#file = this.#openToRead('.log')
    this.#open.touch(this)
    return this.#file
  }

  fileToWrite(): File {
    if (!this.#writable) {
      this.#file?.close()
      this.#file = null
      this.#file = this.#disk.open(this.path('.log'), 'write')
      this.#writable = true
    }
    this.#open.touch(this)
    return this.#file!
  }

  /** Makes the file of a new segment. `preallocate`: with room on the disk for all that may come. */
  create({ preallocate, segmentBytes }: Pick<LogConfig, 'preallocate' | 'segmentBytes'> = NO_ROOM): void {
    this.#file = this.#disk.open(this.path('.log'), 'create')
    if (preallocate) {
      this.#file.reserve(segmentBytes)
      this.reservedBytes = segmentBytes
    }
    this.#writable = true
    this.nameUnsynced = true
    this.#open.touch(this)
  }

  /** No more comes: room that was taken for it is given back. */
  async giveBackRoom(): Promise<void> {
    if (this.reservedBytes === 0) return
    this.reservedBytes = 0
    await this.fileToWrite().truncate(this.writtenBytes)
  }

  /** Whether a batch up to `lastOffset` may come here. */
  hasRoomFor(lastOffset: number, sizeBytes: number, segmentBytes: number, indexBytes: number): boolean {
    if (this.sizeBytes === 0) return lastOffset - this.baseOffset <= OFFSET_RANGE
    return (
      this.sizeBytes + sizeBytes <= segmentBytes &&
      lastOffset - this.baseOffset <= OFFSET_RANGE &&
      this.offsets.count < Math.floor(indexBytes / OFFSET_ENTRY_BYTES) &&
      this.times.count < Math.floor(indexBytes / TIME_ENTRY_BYTES) - 1
    )
  }

  /** Takes a numbered batch of `sizeBytes` as the next one: index entries as Kafka 4 sets them, before the batch (formats §5). */
  take(bytes: Buffer, at: number, sizeBytes: number, indexIntervalBytes: number): void {
    const timestamp = latestTimeOf(bytes, at)
    const lastOffset = recordBatch.lastOffset(bytes, at)
    if (this.sizeBytes === 0) this.firstTimestamp = timestamp
    if (timestamp > this.largestTimestamp) {
      this.largestTimestamp = timestamp
      this.largestTimestampOffset = lastOffset
    }
    if (this.#sinceIndexEntryBytes > indexIntervalBytes) {
      this.offsets.append(lastOffset - this.baseOffset, this.sizeBytes)
      this.times.append(this.largestTimestamp, this.largestTimestampOffset - this.baseOffset)
      this.#sinceIndexEntryBytes = 0
    }
    this.sizeBytes += sizeBytes
    this.#sinceIndexEntryBytes += sizeBytes
  }

  /** A marker that stands here aborted it. The index's file is looked for at the first one; until then those are kept aside. */
  addAborted(transaction: AbortedTransaction): void {
    if (this.transactions !== null) {
      this.transactions.append(transaction)
      return
    }
    this.#aborted.push(transaction)
    if (this.#aborted.length > 1) return
    this.#opening = TransactionIndex.open(this.#disk, this.path('.txnindex'), this.baseOffset).then((index) => {
      for (const each of this.#aborted) index.append(each)
      this.#aborted.length = 0
      this.transactions = index
    })
    this.#opening.catch(() => {})
  }

  /** As `TransactionIndex.search`. */
  searchAborted(fetchOffset: number, upperBoundOffset: number, into: AbortedTransaction[]): boolean {
    if (this.transactions?.search(fetchOffset, upperBoundOffset, into) === true) return true
    for (const each of this.#aborted) {
      if (each.firstOffset < upperBoundOffset && each.lastOffset >= fetchOffset) into.push(each)
    }
    return false
  }

  /** The position of the first batch whose last offset is at or after `offset`; `writtenBytes`: none is; COLD: `warm` first. */
  locate(offset: number): number {
    const from = this.#startOfSearch(offset)
    if (from < 0) return COLD
    const found = locateBatch(this.file(), from, this.writtenBytes, offset)
    return found === null ? COLD : located.position
  }

  #startOfSearch(offset: number): number {
    let from = this.offsets.positionFor(offset - this.baseOffset)
    if (from === NOT_LOADED) {
      if (!this.loadOffsetsNow()) return COLD
      from = this.offsets.positionFor(offset - this.baseOffset)
    }
    return from < this.writtenBytes ? from : 0
  }

  openIndex(suffix: '.index' | '.timeindex'): File {
    return this.#openToRead(suffix)
  }

  /** Reads the offset index out of the page cache. False where that would wait for the device: `loadOffsets`. */
  loadOffsetsNow(): boolean {
    if (this.offsets.loaded) return true
    const file = this.openIndex('.index')
    try {
      const isLoaded = this.offsets.load(file)
      if (isLoaded) this.#open.loaded(this, this.offsets.memoryBytes)
      return isLoaded
    } finally {
      file.close()
    }
  }

  async loadOffsets(): Promise<void> {
    await this.#loadLater(this.offsets, '.index')
  }

  /** Brings what `locate` needs into memory, off the loop. */
  warm(offset: number): Promise<void> {
    // readers ask again and again: where the device hangs, one question on its way is enough
    return (this.#finding ??= this.#find(offset).finally(() => (this.#finding = null)))
  }

  async #find(offset: number): Promise<void> {
    await this.loadOffsets()
    const from = this.#startOfSearch(offset)
    await this.file().warm(Math.max(0, from), Math.min(1 << 20, this.writtenBytes - Math.max(0, from)))
  }

  /** Brings a range into the page cache, off the loop. */
  warmRange(position: number, length: number): Promise<void> {
    const before = this.#warming.get(position)
    if (before !== undefined && before.length >= length) return before.done
    const done = this.file()
      .warm(position, length)
      .finally(() => {
        if (this.#warming.get(position)?.done === done) this.#warming.delete(position)
      })
    if (this.#warming === NONE_WARMING) this.#warming = new Map()
    this.#warming.set(position, { length, done })
    return done
  }

  /** Reads the time index; then `times` may be searched. */
  async loadTimes(): Promise<void> {
    await this.#loadLater(this.times, '.timeindex')
  }

  async #loadLater(entries: OffsetIndex | TimeIndex, suffix: '.index' | '.timeindex'): Promise<void> {
    if (entries.loaded) return
    const file = this.openIndex(suffix)
    try {
      await entries.loadLater(file)
    } finally {
      file.close()
    }
    this.#open.loaded(this, entries.memoryBytes)
  }

  /** The last entry of the time index tells how late this segment's records are: written at a roll and at a close. */
  closeTimes(): void {
    if (this.timesKnown && this.largestTimestamp >= 0)
      this.times.append(this.largestTimestamp, this.largestTimestampOffset - this.baseOffset)
  }

  /** Writes the indexes into the page cache. */
  writeIndexes(): void {
    this.offsets.write(this.#disk, this.path('.index'))
    this.times.write(this.#disk, this.path('.timeindex'))
  }

  /** Makes the files of indexes without entries, as Kafka misses those that are absent; they have nothing that a crash could take. */
  makeIndexes(): void {
    for (const suffix of ['.index', '.timeindex'] as const) this.#disk.open(this.path(suffix), 'write').close()
    this.indexesMissing = false
  }

  /** Writes the indexes and syncs them; empty ones get their files too, as Kafka misses those that are absent. */
  async syncIndexes(): Promise<void> {
    this.writeIndexes()
    for (const suffix of ['.index', '.timeindex'] as const) {
      const file = this.#disk.open(this.path(suffix), 'write')
      try {
        await file.sync()
      } finally {
        file.close()
      }
    }
    await this.#opening
    await this.transactions?.sync()
  }

  /** Closes the file and gives the index's memory back. Nobody holds it; all is written. */
  putAside(): void {
    this.writeIndexes()
    this.offsets.forget()
    this.times.forget()
    this.transactions?.close()
    this.#file?.close()
    this.#file = null
    this.#writable = false
  }

  /** Closes what is open. What a transfer still needs stays until its end. */
  close(): void {
    this.#open.drop(this)
    this.transactions?.close()
    this.#file?.close()
    this.#file = null
    this.#writable = false
  }

  /** The bytes after the last index entry: entries go on as if the segment had never been closed. */
  resumeIndexing(sinceIndexEntryBytes: number): void {
    this.#sinceIndexEntryBytes = sinceIndexEntryBytes
  }

  /** Makes both indexes empty, files too: they are about to be made anew by `take`, which counts the bytes again. */
  async resetIndexes(): Promise<void> {
    this.offsets.keep(0)
    this.times.keep(0)
    this.times.lastTimestamp = -1
    this.largestTimestamp = this.largestTimestampOffset = this.firstTimestamp = -1
    this.timesKnown = true
    this.sizeBytes = 0
    this.#sinceIndexEntryBytes = 0
    await this.#disk.remove(this.path('.index'))
    await this.#disk.remove(this.path('.timeindex'))
  }

  /** Entries of what stands at or behind `position`, where `offset` comes, go; so do those that make no sense, and all behind them. */
  async cutIndexes(position: number, offset: number): Promise<void> {
    await this.loadOffsets()
    await this.loadTimes()
    this.offsets.keep(this.offsets.countBelow(position))
    this.times.keep(this.times.countBelow(offset - this.baseOffset))
    this.times.lastTimestamp = this.times.count === 0 ? -1 : this.times.timestamp(this.times.count - 1)
    await this.#truncate('.index', this.offsets.writtenCount * OFFSET_ENTRY_BYTES)
    await this.#truncate('.timeindex', this.times.writtenCount * TIME_ENTRY_BYTES)
  }

  /** The batches end at `position` now, where `offset` comes; its indexes have nothing behind that. */
  async endAt(position: number, offset: number): Promise<void> {
    await this.#opening
    await this.transactions?.truncate(offset)
    this.sizeBytes = this.writtenBytes = position
    this.firstTimestamp = -1
  }

  async #truncate(suffix: '.index' | '.timeindex', sizeBytes: number): Promise<void> {
    const file = this.#disk.open(this.path(suffix), 'write')
    try {
      await file.truncate(sizeBytes)
    } finally {
      file.close()
    }
  }

  /** Gives those of its files that there are another suffix, in this order. Who reads them goes on. */
  async rename(suffix: string, order: readonly SegmentSuffix[], present: (path: string) => boolean): Promise<void> {
    const paths = order.map((each) => this.path(each)).filter(present)
    this.#suffixToBe = suffix
    for (const path of paths) await this.#disk.rename(path, path.slice(0, path.length - this.suffix.length) + suffix)
    this.suffix = suffix
    this.#suffixToBe = null
    if (suffix !== '' || this.transactions === null) return
    this.transactions.close()
    this.transactions = await TransactionIndex.open(this.#disk, this.path('.txnindex'), this.baseOffset)
  }
}
