import { recordBatch } from '@ottla/protocol'
import { eachHeader, readInto } from './batch-reader.ts'
import { latestTimeOf, type Segment } from './segment.ts'

/**
 * Learns what the end of a segment says without reading it all: from the newest entries of its indexes on. Answers the offset after the
 * last batch (the base of an empty segment) and whether nothing else stands behind it, and sets its times and where its index goes on.
 * Indexes that make no sense count as empty.
 */
export async function resumeSegment(segment: Segment): Promise<{ nextOffset: number; whole: boolean }> {
  segment.hold()
  try {
    return await resume(segment)
  } finally {
    segment.release()
  }
}

/** Learns the times of a segment's records, where they are not known. */
export async function learnTimes(segment: Segment): Promise<void> {
  if (!segment.timesKnown) await resumeSegment(segment)
}

/**
 * Cuts a segment's indexes, not its file, to what stands before `offset`, where a producer snapshot stands: all of that was synced then. Answers
 * the position of the first batch from `offset` on, where recovery begins; `sizeBytes` is that, `writtenBytes` the file's size still. -1: the
 * files don't bear it out, and the indexes are to be made anew.
 */
export async function rewindSegment(segment: Segment, offset: number): Promise<number> {
  const size = segment.writtenBytes
  segment.hold()
  try {
    const relativeOffset = offset - segment.baseOffset
    const isAhead = !(await endsBefore(segment, relativeOffset))
    if (isAhead) await segment.loadOffsets()
    const from = isAhead ? segment.offsets.positionFor(relativeOffset) : await newestPosition(segment)
    if (from < 0) return -1
    const position = await eachHeader(segment.file(), from, size, (bytes, at) => recordBatch.lastOffset(bytes, at) < offset)
    if (isAhead) await segment.cutIndexes(position, offset)
    await segment.endAt(position, offset)
    const end = await resume(segment)
    return end.whole && end.nextOffset === offset ? position : -1
  } finally {
    segment.writtenBytes = size
    segment.release()
  }
}

async function resume(segment: Segment): Promise<{ nextOffset: number; whole: boolean }> {
  const newest = await newestEntries(segment)
  const file = segment.file()
  const end = segment.writtenBytes
  let nextOffset = segment.baseOffset
  let largest = newest.timestamp
  let largestOffset = newest.timestampOffset
  const stopped = await eachHeader(file, newest.position, end, (bytes, at) => {
    const timestamp = latestTimeOf(bytes, at)
    const lastOffset = recordBatch.lastOffset(bytes, at)
    if (timestamp > largest) {
      largest = timestamp
      largestOffset = lastOffset
    }
    nextOffset = lastOffset + 1
    return true
  })
  // whatever its newest entry says is no later than this
  if (newest.timestamp < 0 && segment.times.count > 0) segment.times.lastTimestamp = largest
  segment.largestTimestamp = largest
  segment.largestTimestampOffset = largestOffset
  segment.timesKnown = true
  segment.resumeIndexing(end - newest.position)
  if (segment.firstTimestamp < 0 && end > 0) {
    await eachHeader(file, 0, end, (bytes, at) => {
      segment.firstTimestamp = latestTimeOf(bytes, at)
      return false
    })
  }
  return { nextOffset, whole: stopped === end }
}

/** A segment this small is read whole rather than by its indexes: one file to open, not three. */
const SMALL_BYTES = 8192

async function newestEntries(segment: Segment): Promise<{ position: number; timestamp: number; timestampOffset: number }> {
  const nothing = { position: 0, timestamp: -1, timestampOffset: -1 }
  const { offsets, times } = segment
  if (offsets.count === 0 && times.count === 0) return nothing
  if (segment.writtenBytes <= SMALL_BYTES && times.headCount === times.count) return nothing
  const position = await newestPosition(segment)
  if (position < 0) return nothing
  if (times.count === 0) return { position: 0, timestamp: -1, timestampOffset: -1 }
  const entry = Buffer.alloc(12)
  await readEntry(segment, '.timeindex', times.count - 1, entry)
  const timestamp = recordBatch.baseOffset(entry, 0)
  times.lastTimestamp = timestamp
  return { position, timestamp, timestampOffset: segment.baseOffset + entry.readInt32BE(8) }
}

async function newestPosition(segment: Segment): Promise<number> {
  const { offsets } = segment
  if (offsets.count === 0) return 0
  const entry = Buffer.alloc(8)
  await readEntry(segment, '.index', offsets.count - 1, entry)
  const position = entry.readInt32BE(4)
  return position >= 0 && position < segment.writtenBytes ? position : -1
}

/**
 * Whether the newest entries of both indexes speak of what is before the offset: then so do all. One of zeros is the end of a file that was
 * made larger ahead, as Kafka does, or lost a page.
 */
async function endsBefore(segment: Segment, relativeOffset: number): Promise<boolean> {
  const { offsets, times } = segment
  const entry = Buffer.alloc(12)
  if (offsets.count > 0) {
    await readEntry(segment, '.index', offsets.count - 1, entry.subarray(0, 8))
    if (entry.readInt32BE(4) <= 0 || entry.readInt32BE(0) >= relativeOffset) return false
  }
  if (times.count === 0) return true
  await readEntry(segment, '.timeindex', times.count - 1, entry)
  return entry.some((byte) => byte !== 0) && entry.readInt32BE(8) < relativeOffset
}

/** From memory where the newest one lies there. */
async function readEntry(segment: Segment, suffix: '.index' | '.timeindex', entry: number, into: Buffer): Promise<void> {
  const entries = suffix === '.index' ? segment.offsets : segment.times
  if (entry >= entries.headCount || entries.loaded) {
    entries.bytesOf(entry).copy(into, 0, entries.positionOf(entry), entries.positionOf(entry) + into.length)
    return
  }
  const file = segment.openIndex(suffix)
  try {
    await readInto(file, entry * into.length, into)
  } finally {
    file.close()
  }
}
