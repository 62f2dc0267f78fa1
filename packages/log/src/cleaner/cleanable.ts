import type { LogConfig } from '../log-config.ts'
import type { ProducerState } from '../producer-state.ts'
import { learnTimes } from '../segment-resume.ts'
import type { Segment } from '../segment.ts'
import type { AbortedTransaction } from '../txn-index.ts'

/** A log that may be compacted. */
export interface CompactedLog {
  readonly topic: string
  readonly partition: number
  readonly directory: string
  readonly segments: Segment[]
  readonly config: LogConfig
  readonly failed: Error | null
  readonly logStartOffset: number
  readonly lastStableOffset: number
  readonly recoveryPoint: number
  /** How often the log was cut: what was read before may be there no more. */
  readonly cutCount: number
  /** The disk failed under it. */
  diskFailed(error: Error): void
  /** What is known of an active producer. */
  producer(producerId: number): ProducerState | undefined
  abortedTransactions(fetchOffset: number, upperBound: number): AbortedTransaction[]
  /** Runs what changes closed segments, one such work at a time. */
  rearrange<T>(work: () => Promise<T>): Promise<T>
}

/** What of a log may be cleaned, and how much it asks for it. */
export interface Cleanable {
  readonly log: CompactedLog
  /** What lies below was cleaned already. */
  readonly firstDirtyOffset: number
  /** The base of the first segment that may not be cleaned. */
  readonly endOffset: number
  /** Dirty bytes by all bytes below `endOffset`. */
  readonly dirtyRatio: number
  /** `min.cleanable.dirty.ratio` is passed, or the oldest dirty record is past `max.compaction.lag.ms`. */
  readonly isDue: boolean
}

/**
 * Null: nothing is to be cleaned. Closed segments may be whose records are all stable (below the high watermark and any open transaction),
 * synced with their indexes, and older than `min.compaction.lag.ms`. `cleanedOffset` is the checkpoint's, undefined where it has none.
 */
export async function cleanableOf(log: CompactedLog, cleanedOffset: number | undefined, nowMs: number): Promise<Cleanable | null> {
  const { minCompactionLagMs, minCleanableDirtyRatio } = log.config
  const segments = [...log.segments]
  const boundOffset = Math.min(log.lastStableOffset, log.recoveryPoint)
  const firstDirtyOffset = firstDirty(log, cleanedOffset)
  const dirty: Segment[] = []
  let endOffset = segments[0]!.baseOffset
  let cleanBytes = 0
  for (let at = 0; at < segments.length - 1 && segments[at + 1]!.baseOffset <= boundOffset; at++) {
    const segment = segments[at]!
    const segmentEnd = segments[at + 1]!.baseOffset
    if (segmentEnd <= firstDirtyOffset) cleanBytes += segment.sizeBytes
    else {
      if (minCompactionLagMs > 0 && (await latestTimestamp(segment)) > nowMs - minCompactionLagMs) break
      dirty.push(segment)
    }
    endOffset = segmentEnd
  }
  let dirtyBytes = 0
  for (const segment of dirty) dirtyBytes += segment.sizeBytes
  if (dirtyBytes === 0) return null
  const dirtyRatio = dirtyBytes / (cleanBytes + dirtyBytes)
  const isDue = dirtyRatio > minCleanableDirtyRatio || (await isLate(dirty, log.config.maxCompactionLagMs, nowMs))
  return { log, firstDirtyOffset, endOffset, dirtyRatio, isDue }
}

/** A checkpoint that doesn't fit the log, from before it was deleted or cut, counts as none. */
function firstDirty(log: CompactedLog, cleanedOffset: number | undefined): number {
  const activeOffset = log.segments[log.segments.length - 1]!.baseOffset
  const isKnown = cleanedOffset !== undefined && cleanedOffset <= activeOffset
  return Math.max(isKnown ? cleanedOffset : 0, log.logStartOffset, log.segments[0]!.baseOffset)
}

async function latestTimestamp(segment: Segment): Promise<number> {
  await learnTimes(segment)
  return segment.largestTimestamp
}

async function isLate(dirty: readonly Segment[], maxCompactionLagMs: number, nowMs: number): Promise<boolean> {
  if (maxCompactionLagMs >= Number.MAX_SAFE_INTEGER) return false
  for (const segment of dirty) {
    await learnTimes(segment)
    if (segment.firstTimestamp > 0 && nowMs - segment.firstTimestamp > maxCompactionLagMs) return true
  }
  return false
}
