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
