import { DELETED_SUFFIX, fileName, SEGMENT_SUFFIXES } from './file-names.ts'
import type { LogConfig } from './log-config.ts'
import type { LogHome } from './log-home.ts'
import { learnTimes } from './segment-resume.ts'
import type { Segment } from './segment.ts'

/**
 * Renames segments that are in use no more to `.deleted`, and removes them after `file.delete.delay.ms`. Their producer snapshots go, save
 * the one at `replacedOffset`, where another segment begins now. `oneByOne`: one is gone for good before the next goes, as the loss of
 * power may bring back any of them, and there may be no gap behind one that is back.
 */
export async function removeSegments(
  home: LogHome,
  segments: readonly Segment[],
  directory: string,
  config: LogConfig,
  { replacedOffset = -1, oneByOne = false }: { readonly replacedOffset?: number; readonly oneByOne?: boolean } = {},
): Promise<void> {
  if (segments.length === 0) return
  const { disk } = home.env
  const paths: string[] = []
  try {
    const names = new Set((await disk.list(directory)).map((entry) => `${directory}/${entry.name}`))
    for (const [at, segment] of segments.entries()) {
      if (oneByOne && at > 0) await disk.syncDirectory(directory)
      await segment.rename(DELETED_SUFFIX, SEGMENT_SUFFIXES, (path) => names.has(path))
      if (!segment.held) segment.close()
      for (const suffix of SEGMENT_SUFFIXES) paths.push(segment.path(suffix))
      const snapshot = `${directory}/${fileName(segment.baseOffset, '.snapshot')}`
      if (segment.baseOffset !== replacedOffset && names.has(snapshot)) await disk.remove(snapshot)
    }
  } catch (error) {
    // the whole partition is being deleted, or the disk fails: nobody else knows of these any more
    for (const segment of segments) segment.close()
    throw error
  }
  home.removeLater(config.fileDeleteDelayMs, async () => {
    for (const segment of segments) segment.close()
    for (const path of paths) await disk.remove(path)
  })
}

/** A log that may hold what is too old or too much. */
export interface RetainedLog {
  readonly segments: Segment[]
  readonly directory: string
  readonly config: LogConfig
  readonly logStartOffset: number
  readonly logEndOffset: number
  readonly highWatermark: number
  readonly sizeBytes: number
  roll(): Segment
  raiseLogStart(offset: number): void
}

/**
 * Deletes whole segments from the start: those whose largest timestamp is past `retention.ms`, those that `retention.bytes` leaves no room
 * for, and those below the log's start; never beyond the high watermark (formats §5). Answers how many.
 */
export async function retain(home: LogHome, log: RetainedLog): Promise<number> {
  const count = await expired(home, log)
  if (count === 0) return 0
  if (count === log.segments.length) log.roll()
  const gone = log.segments.splice(0, count)
  const start = log.segments[0]!.baseOffset
  log.raiseLogStart(start)
  await removeSegments(home, gone, log.directory, log.config, { oneByOne: true })
  return gone.length
}

/** How many segments from the start may go. */
async function expired(home: LogHome, log: RetainedLog): Promise<number> {
  const { config, segments, highWatermark } = log
  const nowMs = home.env.clock.now()
  let overBytes = config.deleteOld && config.retentionBytes >= 0 ? log.sizeBytes - config.retentionBytes : -1
  let count = 0
  const all = [...segments]
  for (let at = 0; at < all.length; at++) {
    const segment = all[at]!
    const endOffset = all[at + 1]?.baseOffset ?? log.logEndOffset
    const isActive = at === all.length - 1
    if (endOffset > highWatermark || (isActive && segment.sizeBytes === 0)) break
    const tooMuch = overBytes >= segment.sizeBytes && !isActive
    const below = endOffset <= log.logStartOffset && !isActive
    const goes = tooMuch || below || (config.deleteOld && (await tooOld(segment, config.retentionMs, nowMs)))
    // one that compaction has left no record of goes with the next
    if (!goes && (isActive || !segment.timesKnown || segment.largestTimestamp >= 0)) break
    overBytes -= segment.sizeBytes
    if (goes) count = at + 1
  }
  return count
}

async function tooOld(segment: Segment, retentionMs: number, nowMs: number): Promise<boolean> {
  if (retentionMs < 0) return false
  await learnTimes(segment)
  const latestMs = segment.largestTimestamp >= 0 ? segment.largestTimestamp : segment.createdMs
  return nowMs - latestMs > retentionMs
}
