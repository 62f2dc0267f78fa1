import type { Disk, File } from '@ottla/env'

const NOTHING = Buffer.alloc(0)
const TAIL_BYTES_MIN = 96

/**
 * The entries of an index file of fixed width, in the file's own form. What stood in the file when the segment was opened (the head) is
 * read only when someone looks there; what was added since (the tail) lies in memory and is written when the segment is rolled, closed or
 * put aside: an index is only a help, and recovery makes it anew.
 */
export class IndexEntries {
  readonly entryBytes: number
  #head: Buffer | null
  #headCount: number
  #tail = NOTHING
  #tailCount = 0
  #writtenCount: number

  /** `count` entries stand in the file. */
  constructor(entryBytes: number, count: number) {
    this.entryBytes = entryBytes
    this.#head = count === 0 ? NOTHING : null
    this.#headCount = count
    this.#writtenCount = count
  }

  get count(): number {
    return this.#headCount + this.#tailCount
  }

  get headCount(): number {
    return this.#headCount
  }

  /** False: entries below `headCount` need `load` first. */
  get loaded(): boolean {
    return this.#head !== null
  }

  /** How many stand in the file. */
  get writtenCount(): number {
    return this.#writtenCount
  }

  get dirty(): boolean {
    return this.#writtenCount < this.count
  }

  get memoryBytes(): number {
    return this.#tail.length + (this.#head?.length ?? 0)
  }

  /** Where the entry lies: `bytesOf` and `positionOf` go together. */
  bytesOf(entry: number): Buffer {
    return entry < this.#headCount ? this.#head! : this.#tail
  }

  positionOf(entry: number): number {
    return (entry < this.#headCount ? entry : entry - this.#headCount) * this.entryBytes
  }

  /** Room for one entry more, to be filled by the caller at `positionOf(count - 1)`. */
  grow(): Buffer {
    const size = (this.#tailCount + 1) * this.entryBytes
    if (size > this.#tail.length) {
      const larger = Buffer.alloc(Math.max(TAIL_BYTES_MIN, this.#tail.length * 2))
      this.#tail.copy(larger)
      this.#tail = larger
    }
    this.#tailCount++
    return this.#tail
  }

  /** Reads the head. False where that would wait for the device: `loadLater`. */
  load(file: File): boolean {
    if (this.#head !== null) return true
    const bytes = Buffer.allocUnsafeSlow(this.#headCount * this.entryBytes)
    if (file.read(0, bytes) !== bytes.length) return false
    this.#head = bytes
    return true
  }

  async loadLater(file: File): Promise<void> {
    if (this.#head !== null) return
    const bytes = Buffer.alloc(this.#headCount * this.entryBytes)
    await file.readLater(0, bytes)
    this.#head ??= bytes
  }

  /** Keeps the first `count`; the file is cut by the caller. */
  keep(count: number): void {
    if (count >= this.count) return
    if (count <= this.#headCount) {
      if (this.#head !== null) this.#head = this.#head.subarray(0, count * this.entryBytes)
      this.#headCount = count
      this.#tailCount = 0
    } else {
      this.#tailCount = count - this.#headCount
    }
    this.#writtenCount = Math.min(this.#writtenCount, count)
  }

  /** Writes what the file lacks into the page cache. True: the file was touched. */
  write(disk: Disk, path: string): boolean {
    if (!this.dirty) return false
    const from = this.#writtenCount - this.#headCount
    const file = disk.open(path, 'write')
    try {
      const view = this.#tail.subarray(from * this.entryBytes, this.#tailCount * this.entryBytes)
      file.write(this.#writtenCount * this.entryBytes, [view])
    } finally {
      file.close()
    }
    this.#writtenCount = this.count
    return true
  }

  /** Gives the memory back; everything is written. */
  forget(): void {
    if (this.dirty) return
    this.#headCount = this.count
    this.#head = this.#headCount === 0 ? NOTHING : null
    this.#tail = NOTHING
    this.#tailCount = 0
  }
}
