import { recordBatch } from '@ottla/protocol'
import { batchSizeAt, located, wholeBatches } from './batch-reader.ts'
import { hasNoDescriptor, type FullDisk } from './full-disk.ts'
import type { LogWriter } from './log-writer.ts'
import { LogSlice } from './log-slice.ts'
import { COLD, type Segment } from './segment.ts'
import { segmentIndexFor } from './segment-list.ts'

/** Finds in which file, and where, a consumer reads. Remembers nothing but the place where the last reader had to stop. */
export class LogReader {
  readonly #segments: readonly Segment[]
  readonly #writer: LogWriter
  readonly #full: FullDisk
  #limitOffset = -1
  #limitSegment: Segment | null = null
  #limitPosition = 0
  /** Of the batch that the last look-up found, where it read its header; else 0. */
  #foundBytes = 0

  constructor(segments: readonly Segment[], writer: LogWriter, full: FullDisk) {
    this.#segments = segments
    this.#writer = writer
    this.#full = full
  }

  /** [offset, endOffset) has something and is written. See `PartitionLog.read`. */
  slice(offset: number, maxBytes: number, endOffset: number, atLeastOne: boolean): LogSlice | null {
    try {
      return this.#find(offset, maxBytes, endOffset, atLeastOne)
    } catch (error) {
      if (!hasNoDescriptor(error)) throw error
      // files that others have open are closed in a moment: it comes with the next read
      this.#full.lackedDescriptor(error as Error)
      return null
    }
  }

  #find(offset: number, maxBytes: number, endOffset: number, atLeastOne: boolean): LogSlice | null {
    const segments = this.#segments
    for (let at = segmentIndexFor(segments, offset); at < segments.length; at++) {
      const segment = segments[at]!
      if (segment.baseOffset >= endOffset) return null
      const position = this.#positionOf(segment, offset)
      const foundBytes = this.#foundBytes
      if (position === COLD) return new LogSlice(segment, COLD, 0, offset)
      if (position >= segment.writtenBytes) continue
      const next = segments[at + 1]
      const limit = next !== undefined && next.baseOffset <= endOffset ? segment.writtenBytes : this.#limitOf(segment, endOffset)
      if (limit === COLD) return new LogSlice(segment, COLD, 0, endOffset)
      if (limit <= position) return null
      return cut(segment, position, limit, maxBytes, atLeastOne ? foundBytes : null, offset)
    }
    return null
  }

  #positionOf(segment: Segment, offset: number): number {
    this.#foundBytes = 0
    const newest = this.#writer.newest
    if (newest !== null && newest.baseOffset === offset && newest.segment === segment) return newest.position
    if (offset <= segment.baseOffset) return 0
    const position = segment.locate(offset)
    if (position === located.position && position < segment.writtenBytes) this.#foundBytes = located.sizeBytes
    return position
  }

  #limitOf(segment: Segment, endOffset: number): number {
    if (endOffset >= this.#writer.writtenOffset) return segment.writtenBytes
    if (this.#limitOffset !== endOffset || this.#limitSegment !== segment) {
      const limit = this.#positionOf(segment, endOffset)
      if (limit === COLD) return COLD
      this.#limitOffset = endOffset
      this.#limitSegment = segment
      this.#limitPosition = limit
    }
    return this.#limitPosition
  }

  /** The log was cut: what is remembered may be wrong. */
  forget(): void {
    this.#limitOffset = -1
    this.#limitSegment = null
  }
}

/** `firstBytes`: the first batch comes whole, and so large it is; 0: its size isn't known. Null: it may be cut. */
function cut(
  segment: Segment,
  position: number,
  limit: number,
  maxBytes: number,
  firstBytes: number | null,
  offset: number,
): LogSlice | null {
  let length = Math.min(maxBytes, limit - position)
  if (firstBytes !== null && length < limit - position) {
    const first = firstBytes > 0 ? firstBytes : batchSizeAt(segment.file(), position)
    if (first < 0) return new LogSlice(segment, COLD, 0, offset)
    if (length < first) length = Math.min(first, limit - position)
  }
  return length <= 0 ? null : new LogSlice(segment, position, length, offset)
}

/** The log that is read from beginning to end. */
export interface ReadLog {
  readonly segments: readonly Segment[]
  readonly logStartOffset: number
  readonly writtenOffset: number
}

/** See `PartitionLog.readBatches`. */
export async function* batchesFrom(log: ReadLog, from: number): AsyncGenerator<Buffer> {
  const end = log.writtenOffset
  let offset = Math.max(from, log.logStartOffset)
  let finished: Segment | null = null
  while (offset < end) {
    const at = segmentIndexFor(log.segments, offset)
    const segment = log.segments[at]!
    // one that compaction has put in the place of several is begun where they were left
    if (segment === finished) {
      const next = log.segments[at + 1]
      if (next === undefined) return
      offset = Math.max(offset, next.baseOffset)
      continue
    }
    segment.hold()
    try {
      await segment.warm(offset)
      const start = Math.max(0, segment.locate(offset))
      for await (const { bytes } of wholeBatches(segment.file(), start, segment.writtenBytes)) {
        if (recordBatch.lastOffset(bytes, 0) < offset) continue
        if (recordBatch.baseOffset(bytes, 0) >= end) return
        offset = recordBatch.lastOffset(bytes, 0) + 1
        yield bytes
      }
    } finally {
      segment.release()
    }
    finished = segment
  }
}
