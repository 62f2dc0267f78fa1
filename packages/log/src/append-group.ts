import type { Slab } from '@ottla/wire'
import type { CopySlab } from './copy-slab.ts'
import type { Segment } from './segment.ts'

/** Told when an append is stored as its ack demands, or that it could not be. */
export type Stored = (error: Error | null) => void

/** Where each group is synced before its acks, a group has at most so many bytes and one append: see `recovery.ts`. */
export const DURABLE_GROUP_BYTES_MAX = 1048576

/** Appends to one segment that are written in one go. */
export class AppendGroup {
  readonly segment: Segment
  readonly position: number
  readonly baseOffset: number
  endOffset: number
  sizeBytes = 0
  /** Synced before its acks go. */
  durable: boolean
  readonly views: Buffer[] = []
  readonly acks: Stored[] = []
  readonly #slabs: Slab[] = []

  constructor(segment: Segment, position: number, baseOffset: number, durable: boolean) {
    this.segment = segment
    this.position = position
    this.baseOffset = this.endOffset = baseOffset
    this.durable = durable
  }

  /** Takes the bytes until they are written: a view where the slab can be held, else a copy. */
  add(slab: Slab, start: number, end: number, endOffset: number, copies: CopySlab): void {
    if (slab.common) {
      const copy = copies.copy(slab.bytes, start, end)
      this.#slabs.push(copy.slab)
      this.views.push(copy.slab.bytes.subarray(copy.at, copy.at + end - start))
    } else {
      slab.hold()
      this.#slabs.push(slab)
      this.views.push(slab.bytes.subarray(start, end))
    }
    this.sizeBytes += end - start
    this.endOffset = endOffset
  }

  /** The bytes are written, or never will be. */
  letGo(): void {
    const slabs = this.#slabs
    for (let i = 0; i < slabs.length; i++) slabs[i]!.letGo()
    slabs.length = 0
    this.views.length = 0
  }
}
