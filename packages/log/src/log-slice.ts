import type { File } from '@ottla/env'
import type { Extent } from '@ottla/wire'
import { hasNoDescriptor } from './full-disk.ts'
import { COLD, type Segment } from './segment.ts'

/** A range of one segment's file: what a fetch answers, sent from where it lies. */
export class LogSlice implements Extent {
  readonly length: number
  readonly position: number
  /** What was asked for: the slice begins with the batch that holds it. */
  readonly firstOffset: number
  readonly #segment: Segment

  constructor(segment: Segment, position: number, length: number, firstOffset: number) {
    this.#segment = segment
    this.position = position
    this.length = length
    this.firstOffset = firstOffset
  }

  get file(): File {
    return this.#segment.file()
  }

  /** False: finding or sending it would wait for the device. Then `warm` it; if `length` is 0, it isn't even found yet: read again. */
  get cached(): boolean {
    return this.position !== COLD && this.file.cached(this.position, this.length)
  }

  /** Brings it into the page cache, off the loop. */
  async warm(): Promise<void> {
    this.hold()
    try {
      if (this.position === COLD) await this.#segment.warm(this.firstOffset)
      else await this.#segment.warmRange(this.position, this.length)
    } finally {
      this.release()
    }
  }

  /** As `hold`, with the file open. False: no descriptor is left, and it isn't held. */
  open(): boolean {
    this.#segment.hold()
    try {
      this.#segment.file()
      return true
    } catch (error) {
      this.#segment.release()
      if (!hasNoDescriptor(error)) throw error
      return false
    }
  }

  /** Keeps the file open until `release`: while a connection has still to send it. */
  hold(): void {
    this.#segment.hold()
  }

  release(): void {
    this.#segment.release()
  }
}
