import { recordBatch } from '@ottla/protocol'
import { eachHeader } from './batch-reader.ts'
import { fileName } from './file-names.ts'
import type { LogConfig } from './log-config.ts'
import type { LogHome } from './log-home.ts'
import { snapshotOffsets } from './producer-restore.ts'
import { resumeSegment } from './segment-resume.ts'
import { Segment } from './segment.ts'
import { removeSegments } from './retention.ts'

/**
 * Makes the log end at `offset`: later segments go, the one that holds it is cut, indexes and producer snapshots follow. Where what is left
 * ends before (compaction has left nothing there, or a batch went as a whole), an empty segment says so: a start must find the same end.
 */
export async function cutSegments(home: LogHome, segments: Segment[], directory: string, offset: number, config: LogConfig): Promise<void> {
  const { disk, clock } = home.env
  let kept = segments.length
  while (kept > 0 && segments[kept - 1]!.baseOffset > offset) kept--
  if (kept > 1 && segments[kept - 1]!.baseOffset === offset) kept--
  const dropped = segments.splice(kept)
  await removeSegments(home, dropped, directory, config)
  const last = segments[segments.length - 1]
  if (last === undefined || (await cutSegment(last, offset)) < offset) {
    last?.closeTimes()
    await last?.syncIndexes()
    const active = new Segment(disk, home.open, directory, offset, { log: 0, index: 0, timeIndex: 0 }, clock.now())
    active.create(config)
    segments.push(active)
  }
  for (const each of snapshotOffsets((await disk.list(directory)).map((entry) => entry.name))) {
    if (each > offset) await disk.remove(`${directory}/${fileName(each, '.snapshot')}`)
  }
  await disk.syncDirectory(directory)
}

/** Answers where it ends now. */
async function cutSegment(segment: Segment, offset: number): Promise<number> {
  segment.hold()
  try {
    const position = await positionOf(segment, offset)
    const file = segment.fileToWrite()
    await file.truncate(position)
    await file.sync()
    await segment.cutIndexes(position, offset)
    await segment.endAt(position, offset)
    return (await resumeSegment(segment)).nextOffset
  } finally {
    segment.release()
  }
}

/** Where the first batch that reaches past `offset` begins: nothing may stay in part. */
async function positionOf(segment: Segment, offset: number): Promise<number> {
  return await eachHeader(segment.file(), 0, segment.writtenBytes, (bytes, at) => recordBatch.lastOffset(bytes, at) < offset)
}
