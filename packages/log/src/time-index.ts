import { readInt64, writeInt64 } from '@ottla/wire'
import { IndexEntries } from './index-entries.ts'

export const TIME_ENTRY_BYTES = 12

/** `<base>.timeindex`: `int64 timestamp, int32 offset - base`: the largest so far, and the last offset of the batch that had it first. */
export class TimeIndex extends IndexEntries {
  /** Of the newest entry; -1 where there is none. */
  lastTimestamp = -1

  constructor(count: number) {
    super(TIME_ENTRY_BYTES, count)
  }

  /** Adds nothing where no time has passed since the newest entry. */
  append(timestamp: number, relativeOffset: number): void {
    if (timestamp <= this.lastTimestamp) return
    this.lastTimestamp = timestamp
    const bytes = this.grow()
    const at = this.positionOf(this.count - 1)
    writeInt64(bytes, at, timestamp)
    bytes.writeInt32BE(relativeOffset, at + 8)
  }

  /** How many entries from the first on rise and speak of offsets below this one. The index is loaded. */
  countBelow(relativeOffset: number): number {
    let before = -1
    let offsetBefore = -1
    for (let entry = 0; entry < this.count; entry++) {
      const offset = this.offset(entry)
      if (this.timestamp(entry) <= before || offset >= relativeOffset || offset < offsetBefore) return entry
      before = this.timestamp(entry)
      offsetBefore = offset
    }
    return this.count
  }

  timestamp(entry: number): number {
    return readInt64(this.bytesOf(entry), this.positionOf(entry))
  }

  offset(entry: number): number {
    return this.bytesOf(entry).readInt32BE(this.positionOf(entry) + 8)
  }

  /** The last entry with a smaller timestamp, or -1: all batches up to its offset are older than `timestamp`. The index is loaded. */
  entryBefore(timestamp: number): number {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.timestamp(middle) < timestamp) low = middle + 1
      else high = middle
    }
    return low - 1
  }
}
