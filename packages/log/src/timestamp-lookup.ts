import { decodeBatch, recordBatch } from '@ottla/protocol'
import { eachHeader, readInto } from './batch-reader.ts'
import { learnTimes } from './segment-resume.ts'
import type { Segment } from './segment.ts'

export interface TimestampedOffset {
  readonly offset: number
  /** ms */
  readonly timestamp: number
  readonly leaderEpoch: number
}

/** The log that is searched. */
export interface SearchedLog {
  readonly segments: readonly Segment[]
  readonly logStartOffset: number
  readonly visibleEnd: number
}

/** The first record below the visible end whose time is at or after `timestamp`; null: none. */
export async function lookupTimestamp(log: SearchedLog, timestamp: number): Promise<TimestampedOffset | null> {
  for (const segment of [...log.segments]) {
    if (segment.sizeBytes === 0 || segment.baseOffset >= log.visibleEnd) continue
    segment.hold()
    try {
      await knowTimes(segment)
      if (segment.largestTimestamp < timestamp) continue
      const found = await inSegment(log, segment, timestamp)
      if (found !== null) return found
    } finally {
      segment.release()
    }
  }
  return null
}

/** The first record of the largest timestamp; null: the log is empty. */
export async function lookupMaxTimestamp(log: SearchedLog): Promise<TimestampedOffset | null> {
  let latest: Segment | null = null
  for (const segment of [...log.segments]) {
    await knowTimes(segment)
    if (segment.largestTimestamp >= 0 && segment.largestTimestamp > (latest?.largestTimestamp ?? -1)) latest = segment
  }
  if (latest === null) return null
  latest.hold()
  try {
    return await inSegment(log, latest, latest.largestTimestamp)
  } finally {
    latest.release()
  }
}

async function knowTimes(segment: Segment): Promise<void> {
  await learnTimes(segment)
}

async function inSegment(log: SearchedLog, segment: Segment, timestamp: number): Promise<TimestampedOffset | null> {
  await segment.loadTimes()
  const entry = segment.times.entryBefore(timestamp)
  let start = 0
  if (entry >= 0) {
    const offset = segment.baseOffset + segment.times.offset(entry)
    await segment.warm(offset)
    start = Math.max(0, segment.locate(offset))
  }
  const end = segment.writtenBytes
  let from = start
  while (from < end) {
    const batch = await nextSince(segment, from, end, timestamp)
    if (batch === null) return null
    const found = inBatch(log, batch.bytes, timestamp)
    if (found !== null) return found.offset < log.visibleEnd ? found : null
    from = batch.end
  }
  return null
}

/** The next batch whose largest time reaches `timestamp`, whole. */
async function nextSince(segment: Segment, from: number, end: number, timestamp: number): Promise<{ bytes: Buffer; end: number } | null> {
  const file = segment.file()
  let position = -1
  let size = 0
  await eachHeader(file, from, end, (bytes, at, where, sizeBytes) => {
    if (recordBatch.maxTimestamp(bytes, at) < timestamp) return true
    position = where
    size = sizeBytes
    return false
  })
  if (position < 0) return null
  const bytes = Buffer.allocUnsafe(size)
  if ((await readInto(file, position, bytes)) < size) return null
  return { bytes, end: position + size }
}

function inBatch(log: SearchedLog, bytes: Buffer, timestamp: number): TimestampedOffset | null {
  const leaderEpoch = recordBatch.leaderEpoch(bytes, 0)
  for (const record of decodeBatch(bytes, 0, { fromOffset: log.logStartOffset })) {
    if (record.timestamp >= timestamp) return { offset: record.offset, timestamp: record.timestamp, leaderEpoch }
  }
  return null
}
