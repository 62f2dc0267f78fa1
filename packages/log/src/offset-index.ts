import { IndexEntries } from './index-entries.ts'

export const OFFSET_ENTRY_BYTES = 8
/** The head of the index must be read before this can be answered. */
export const NOT_LOADED = -1

/** `<base>.index`: entries of `int32 offset - base, int32 position`, both rising (formats §5). */
export class OffsetIndex extends IndexEntries {
  constructor(count: number) {
    super(OFFSET_ENTRY_BYTES, count)
  }

  /** `relativeOffset` is the last one of the batch at `position`. */
  append(relativeOffset: number, position: number): void {
    const bytes = this.grow()
    const at = this.positionOf(this.count - 1)
    bytes.writeInt32BE(relativeOffset, at)
    bytes.writeInt32BE(position, at + 4)
  }

  /** The position of the last entry at or before the offset, 0 where there is none, or NOT_LOADED. No earlier batch holds the offset. */
  positionFor(relativeOffset: number): number {
    const entry = this.entryFor(relativeOffset)
    return entry < 0 ? (entry === -2 ? NOT_LOADED : 0) : this.position(entry)
  }

  /** The position of the last entry at or before `position`, 0 where there is none. The index is loaded. */
  positionBefore(position: number): number {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.position(middle) <= position) low = middle + 1
      else high = middle
    }
    return low === 0 ? 0 : this.position(low - 1)
  }

  /** How many entries from the first on rise and lie before `position`. The index is loaded. */
  countBelow(position: number): number {
    let before = 0
    let offsetBefore = -1
    for (let entry = 0; entry < this.count; entry++) {
      const next = this.position(entry)
      if (next <= before || next >= position || this.offset(entry) <= offsetBefore) return entry
      before = next
      offsetBefore = this.offset(entry)
    }
    return this.count
  }

  offset(entry: number): number {
    return this.bytesOf(entry).readInt32BE(this.positionOf(entry))
  }

  position(entry: number): number {
    return this.bytesOf(entry).readInt32BE(this.positionOf(entry) + 4)
  }

  /** The last entry at or before the offset; -1: none; -2: not loaded. */
  entryFor(relativeOffset: number): number {
    const count = this.count
    let low = 0
    if (!this.loaded) {
      low = this.headCount
      if (low === count || this.offset(low) > relativeOffset) return -2
    }
    let high = count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.offset(middle) <= relativeOffset) low = middle + 1
      else high = middle
    }
    return low - 1
  }
}
