import type { Segment } from './segment.ts'

/**
 * The segments of a log directory that have a file open or an index in memory, least recently used first. So thousands of idle partitions
 * cost no descriptor, and the indexes of a terabyte no memory.
 */
export class OpenSegments {
  readonly #countMax: number
  readonly #indexBytesMax: number
  /** As was told by `loaded`; counted anew when it is too much. */
  #indexBytes = 0
  readonly #open = new Set<Segment>()
  #last: Segment | null = null

  constructor(countMax: number, indexBytesMax = 64 << 20) {
    this.#countMax = countMax
    this.#indexBytesMax = indexBytesMax
  }

  get count(): number {
    return this.#open.size
  }

  touch(segment: Segment): void {
    if (segment === this.#last) return
    this.#last = segment
    this.#open.delete(segment)
    this.#open.add(segment)
    if (this.#open.size > this.#countMax) this.#makeRoom(segment)
  }

  /** The segment has read an index of so many bytes. */
  loaded(segment: Segment, indexBytes: number): void {
    this.touch(segment)
    this.#indexBytes += indexBytes
    if (this.#indexBytes <= this.#indexBytesMax) return
    let kept = 0
    for (const each of [...this.#open].reverse()) {
      const isTooMuch = kept + each.indexBytes > this.#indexBytesMax / 2 && each !== segment
      if (!isTooMuch || !this.#putAside(each)) kept += each.indexBytes
    }
    this.#indexBytes = kept
  }

  drop(segment: Segment): void {
    this.#open.delete(segment)
    if (this.#last === segment) this.#last = null
  }

  /** For the end: what is left are segments that were removed from their logs, and not yet from the disk. */
  closeAll(): void {
    for (const segment of [...this.#open]) segment.close()
  }

  /** Puts so many aside as nobody holds, the oldest first. Answers how many. */
  spare(count: number): number {
    let spared = 0
    for (const segment of this.#open) {
      if (spared === count) break
      if (segment !== this.#last && this.#putAside(segment)) spared++
    }
    return spared
  }

  /** Puts the oldest aside that nobody holds; where all are held there are more for a while. */
  #makeRoom(keep: Segment): void {
    for (const segment of this.#open) {
      if (this.#open.size <= this.#countMax) return
      if (segment !== keep) this.#putAside(segment)
    }
  }

  /** What only gathers is shut, its index kept. False: it is in use, or its index could not be written (a full disk), so that it stays as it is. */
  #putAside(segment: Segment): boolean {
    if (segment.held) {
      if (segment === this.#last || !segment.shut()) return false
      this.#open.delete(segment)
      return true
    }
    try {
      segment.putAside()
    } catch {
      return false
    }
    this.#open.delete(segment)
    return true
  }
}
