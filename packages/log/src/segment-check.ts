import type { Disk } from '@ottla/env'
import { legacyCrcIsRight, recordBatch } from '@ottla/protocol'
import { readInt64 } from '@ottla/wire'
import { wholeBatches } from './batch-reader.ts'
import { readWhole } from './checkpoint.ts'
import { fileName } from './file-names.ts'

/** One batch of a segment file, as it lies there. `bytes` holds until the next is asked for. */
export interface SegmentBatch {
  readonly bytes: Buffer
  readonly position: number
  readonly crcIsRight: boolean
}

/** The whole batches of a segment file in order, good or not; stops where no batch can be. Only reads; the log may be in use. */
export async function* walkSegment(disk: Disk, path: string): AsyncGenerator<SegmentBatch> {
  const file = disk.open(path, 'read')
  try {
    for await (const { bytes, position } of wholeBatches(file, 0, file.sizeBytes())) {
      const magic = recordBatch.magic(bytes, 0)
      const crcIsRight = magic === 2 ? recordBatch.crcIsRight(bytes, 0) : magic >= 0 && magic < 2 && legacyCrcIsRight(bytes, 0)
      yield { bytes, position, crcIsRight }
    }
  } finally {
    file.close()
  }
}

export interface OffsetIndexEntry {
  readonly offset: number
  readonly position: number
}

export interface TimeIndexEntry {
  /** ms */
  readonly timestamp: number
  readonly offset: number
}

/** The entries of `<base>.index`; offsets are absolute. Zeros behind the last one (an index that was made larger ahead) are left out. */
export async function readOffsetIndex(disk: Disk, path: string, baseOffset: number): Promise<OffsetIndexEntry[]> {
  const entries: OffsetIndexEntry[] = []
  const bytes = (await readWhole(disk, path)) ?? Buffer.alloc(0)
  for (let at = 0; at + 8 <= bytes.length; at += 8) {
    const relative = bytes.readInt32BE(at)
    const position = bytes.readInt32BE(at + 4)
    if (at > 0 && relative === 0 && position === 0) break
    entries.push({ offset: baseOffset + relative, position })
  }
  return entries
}

/** The entries of `<base>.timeindex`, likewise. */
export async function readTimeIndex(disk: Disk, path: string, baseOffset: number): Promise<TimeIndexEntry[]> {
  const entries: TimeIndexEntry[] = []
  const bytes = (await readWhole(disk, path)) ?? Buffer.alloc(0)
  for (let at = 0; at + 12 <= bytes.length; at += 12) {
    const timestamp = readInt64(bytes, at)
    const relative = bytes.readInt32BE(at + 8)
    if (at > 0 && timestamp === 0 && relative === 0) break
    entries.push({ timestamp, offset: baseOffset + relative })
  }
  return entries
}

export interface SegmentReport {
  readonly baseOffset: number
  readonly batchCount: number
  /** Offset after the last good batch. */
  readonly nextOffset: number
  readonly sizeBytes: number
  /** Up to the first batch that isn't good. */
  readonly goodBytes: number
  readonly largestTimestamp: number
  readonly offsetEntryCount: number
  readonly timeEntryCount: number
  /** What is wrong, each with the file and where in it. Empty: all is well. */
  readonly problems: readonly { readonly path: string; readonly position: number; readonly what: string }[]
}

interface KnownBatch {
  readonly lastOffset: number
  readonly maxTimestamp: number
}

/**
 * Checks a segment as Kafka's DumpLogSegments does, and more: every batch's checksum and offset, that each entry of the offset index names
 * a batch's position and that batch's last offset or one before it in the same append, and that each entry of the time index is true.
 */
export async function checkSegment(disk: Disk, directory: string, baseOffset: number): Promise<SegmentReport> {
  const path = (suffix: '.log' | '.index' | '.timeindex'): string => `${directory}/${fileName(baseOffset, suffix)}`
  const problems: { path: string; position: number; what: string }[] = []
  const batches = new Map<number, KnownBatch>()
  let nextOffset = baseOffset
  let goodBytes = 0
  let largestTimestamp = -1
  let isGood = true
  for await (const { bytes, position, crcIsRight } of walkSegment(disk, path('.log'))) {
    const found = recordBatch.baseOffset(bytes, 0)
    const lastOffset = recordBatch.lastOffset(bytes, 0)
    if (!crcIsRight) problems.push({ path: path('.log'), position, what: `the checksum of the batch at offset ${found} is wrong` })
    if (lastOffset < nextOffset) problems.push({ path: path('.log'), position, what: `offset ${found} comes after ${nextOffset - 1}` })
    isGood &&= crcIsRight && lastOffset >= nextOffset
    const maxTimestamp = recordBatch.maxTimestamp(bytes, 0)
    batches.set(position, { lastOffset, maxTimestamp })
    largestTimestamp = Math.max(largestTimestamp, maxTimestamp)
    nextOffset = Math.max(nextOffset, lastOffset + 1)
    if (isGood) goodBytes = position + bytes.length
  }
  const sizeBytes = sizeOf(disk, path('.log'))
  if (isGood && goodBytes < sizeBytes)
    problems.push({ path: path('.log'), position: goodBytes, what: `${sizeBytes - goodBytes} bytes that are no whole batch` })
  const offsets = await readOffsetIndex(disk, path('.index'), baseOffset)
  offsets.forEach((entry, number) => {
    const what = offsetEntryProblem(entry, offsets[number - 1], batches)
    if (what !== null) problems.push({ path: path('.index'), position: number * 8, what })
  })
  const times = await readTimeIndex(disk, path('.timeindex'), baseOffset)
  const byLastOffset = new Map([...batches.values()].map((batch) => [batch.lastOffset, batch]))
  times.forEach((entry, number) => {
    const what = timeEntryProblem(entry, times[number - 1], byLastOffset)
    if (what !== null) problems.push({ path: path('.timeindex'), position: number * 12, what })
  })
  return {
    baseOffset,
    batchCount: batches.size,
    nextOffset,
    sizeBytes,
    goodBytes,
    largestTimestamp,
    offsetEntryCount: offsets.length,
    timeEntryCount: times.length,
    problems,
  }
}

function sizeOf(disk: Disk, path: string): number {
  const file = disk.open(path, 'read')
  try {
    return file.sizeBytes()
  } finally {
    file.close()
  }
}

function offsetEntryProblem(
  entry: OffsetIndexEntry,
  before: OffsetIndexEntry | undefined,
  batches: ReadonlyMap<number, KnownBatch>,
): string | null {
  const batch = batches.get(entry.position)
  if (batch === undefined) return `no batch begins at ${entry.position}`
  if (entry.offset < batch.lastOffset) return `offset ${entry.offset} at ${entry.position}, where a batch ends with ${batch.lastOffset}`
  if (before !== undefined && (entry.offset <= before.offset || entry.position <= before.position))
    return `doesn't rise after offset ${before.offset}`
  return null
}

function timeEntryProblem(
  entry: TimeIndexEntry,
  before: TimeIndexEntry | undefined,
  byLastOffset: ReadonlyMap<number, KnownBatch>,
): string | null {
  const batch = byLastOffset.get(entry.offset)
  if (batch === undefined) return `no batch ends with offset ${entry.offset}`
  if (batch.maxTimestamp !== entry.timestamp)
    return `says ${entry.timestamp} for offset ${entry.offset}, whose batch has ${batch.maxTimestamp}`
  if (before !== undefined && (entry.timestamp < before.timestamp || entry.offset < before.offset))
    return `doesn't rise after ${before.timestamp}`
  return null
}
