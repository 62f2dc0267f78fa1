import type { Env } from '@ottla/env'
import { legacyCrcIsRight, recordBatch } from '@ottla/protocol'
import { wholeBatches } from './batch-reader.ts'
import { setAside, setAsideTail } from './cut-files.ts'
import { isFull } from './full-disk.ts'
import type { LeaderEpochs } from './leader-epochs.ts'
import type { LogConfig } from './log-config.ts'
import { DURABLE_GROUP_BYTES_MAX } from './append-group.ts'
import type { ProducerStates } from './producer-state.ts'
import { trackBatch } from './producer-tracking.ts'
import { rewriteTail } from './rewritten-tail.ts'
import type { Segment } from './segment.ts'
import { TransactionIndex } from './txn-index.ts'

/** What was synced isn't whole: the partition goes offline, nothing is cut, and another replica leads or the operator decides. */
export class CorruptLogError extends Error {
  constructor(path: string, position: number, what: string) {
    super(
      `${path} at byte ${position}: ${what}. It was left as it is; restore it from another replica, or remove the partition's directory`,
    )
    this.name = 'CorruptLogError'
  }
}

export interface Recovering {
  readonly env: Env
  readonly directory: string
  readonly segments: Segment[]
  readonly producers: ProducerStates
  readonly epochs: LeaderEpochs
  /** Below it all was synced. */
  readonly recoveryPoint: number
  /** Below it, as below the recovery point, a compaction may have left a gap between two segments. */
  readonly cleanedOffset: number
  readonly config: LogConfig
}

export interface Recovered {
  readonly endOffset: number
  /** There was no room for the indexes of the segment at this base: they are in memory. Infinity: for all there was. */
  readonly stuckOffset: number
}

/** From where on a log is read again: `offset` stands at `position` of segment number `at`. */
export interface RecoveryStart {
  readonly at: number
  readonly offset: number
  readonly position: number
  /** Nothing stands behind it. */
  readonly whole: boolean
}

/**
 * Reads again, batch by batch, what a crash may have spoiled: all from `start` on. Makes the indexes of that anew and enters its producers
 * and epochs. The log ends at the first bad batch; what is cut is set aside in a file (design §5). Answers where the log
 * ends, its records synced, and from which segment on its indexes are not, for want of room.
 */
export async function recoverSegments(log: Recovering, start: RecoveryStart): Promise<Recovered> {
  const held = log.segments.slice(start.at)
  for (const segment of held) segment.hold()
  try {
    const recovered = start.whole ? null : await recover(log, start)
    const endOffset = recovered?.endOffset ?? start.offset
    if (endOffset < log.recoveryPoint) {
      const last = log.segments[log.segments.length - 1]!
      const what = `ends at offset ${endOffset}, though all below ${log.recoveryPoint} was synced`
      throw new CorruptLogError(last.path('.log'), last.sizeBytes, what)
    }
    return { endOffset, stuckOffset: recovered === null ? Infinity : await syncAll(log, start.at, recovered) }
  } finally {
    for (const segment of held) segment.release()
  }
}

interface RecoveredLog {
  readonly endOffset: number
  /** Where in each segment the first batch stands that reaches past the recovery point, for those that have one. */
  readonly firstUnsynced: ReadonlyMap<Segment, number>
}

async function recover(log: Recovering, start: RecoveryStart): Promise<RecoveredLog> {
  const { segments } = log
  const firstUnsynced = new Map<Segment, number>()
  let nextOffset = start.offset
  for (let at = start.at; at < segments.length; at++) {
    const segment = segments[at]!
    if (at > start.at && segment.baseOffset < nextOffset)
      throw new CorruptLogError(segment.path('.log'), 0, `begins before ${nextOffset}, where the one before ends`)
    const end = await recoverSegment(log, segment, nextOffset, at === start.at ? start.position : 0)
    nextOffset = end.nextOffset
    if (end.firstUnsynced >= 0) firstUnsynced.set(segment, end.firstUnsynced)
    const next = segments[at + 1]
    const isGap = next !== undefined && next.baseOffset !== nextOffset
    if (end.whole && (!isGap || leftByCompaction(log, end, next.baseOffset))) continue
    await cutAfter(log, at, nextOffset)
  }
  return { endOffset: nextOffset, firstUnsynced }
}

/**
 * The end of a file may be lost while the next one is there. Compaction leaves such a gap too: ours below the recovery point, Kafka's also
 * above, but of a segment that has offsets missing inside, as none has that wasn't compacted, and synced.
 */
function leftByCompaction({ config, recoveryPoint, cleanedOffset }: Recovering, end: RecoveredSegment, nextBaseOffset: number): boolean {
  if (!config.compact && cleanedOffset === 0) return false
  return nextBaseOffset <= Math.max(recoveryPoint, cleanedOffset) || end.holed
}

/** Answers `stuckOffset`. */
async function syncAll({ segments, env, directory }: Recovering, from: number, { firstUnsynced }: RecoveredLog): Promise<number> {
  let stuckOffset = Infinity
  for (const segment of segments.slice(from)) {
    await rewriteTail(segment, firstUnsynced.get(segment) ?? segment.writtenBytes)
    await segment.fileToWrite().sync()
    try {
      await segment.syncIndexes()
    } catch (error) {
      if (!isFull(error)) throw error
      stuckOffset = Math.min(stuckOffset, segment.baseOffset)
    }
  }
  await env.disk.syncDirectory(directory)
  return stuckOffset
}

/** The log ends at `nextOffset`, in segment number `at`: what stands behind is set aside, if it can't have been promised. */
async function cutAfter(log: Recovering, at: number, nextOffset: number): Promise<void> {
  const { env, segments, directory } = log
  const segment = segments[at]!
  if (nextOffset < log.recoveryPoint) {
    throw new CorruptLogError(segment.path('.log'), segment.sizeBytes, `no good batch, though all below ${log.recoveryPoint} was synced`)
  }
  await refuseAckedAfter(log, segment, nextOffset)
  const aside = await setAsideTail(env.disk, segment, nextOffset)
  const later = segments.splice(at + 1)
  for (const each of later) await setAside(env.disk, each)
  env.log.warn(`${directory}: cut at offset ${nextOffset} in recovery`, { aside, segmentsAside: later.length })
}

interface RecoveredSegment {
  readonly nextOffset: number
  /** All of it is good. */
  readonly whole: boolean
  /** Offsets are missing between its batches. */
  readonly holed: boolean
  /** Where the first batch stands that reaches past the recovery point, -1: none does. */
  readonly firstUnsynced: number
}

/** At `position` above 0 its indexes have been cut to that. */
async function recoverSegment(log: Recovering, segment: Segment, startOffset: number, position: number): Promise<RecoveredSegment> {
  const { env, config, recoveryPoint } = log
  const size = segment.writtenBytes
  let firstUnsynced = -1
  let holed = false
  let nextOffset = Math.max(startOffset, segment.baseOffset)
  if (position === 0) {
    await segment.resetIndexes()
    segment.transactions = await TransactionIndex.rebuild(env.disk, segment.path('.txnindex'))
  }
  for await (const { bytes } of wholeBatches(segment.file(), position, size)) {
    if (!isGood(bytes, nextOffset, segment.baseOffset)) break
    if (recordBatch.baseOffset(bytes, 0) > nextOffset) holed = true
    if (firstUnsynced < 0 && recordBatch.lastOffset(bytes, 0) >= recoveryPoint) firstUnsynced = segment.sizeBytes
    const epoch = recordBatch.leaderEpoch(bytes, 0)
    if (epoch > log.epochs.latest) log.epochs.assign(epoch, recordBatch.baseOffset(bytes, 0))
    segment.take(bytes, 0, bytes.length, config.indexIntervalBytes)
    if (recordBatch.producerId(bytes, 0) >= 0) {
      const aborted = trackBatch(log.producers, bytes, 0, recordBatch.maxTimestamp(bytes, 0))
      if (aborted !== null) segment.addAborted(aborted)
    }
    nextOffset = recordBatch.lastOffset(bytes, 0) + 1
  }
  segment.closeTimes()
  return { nextOffset, whole: segment.sizeBytes === size, holed, firstUnsynced }
}

/** Whether a whole batch is what an append left: its checksum, and an offset that goes on. */
export function isGood(bytes: Buffer, nextOffset: number, baseOffset: number): boolean {
  const magic = recordBatch.magic(bytes, 0)
  if (magic < 0 || magic > 2) return false
  if (!(magic === 2 ? recordBatch.crcIsRight(bytes, 0) : legacyCrcIsRight(bytes, 0))) return false
  const lastOffset = recordBatch.lastOffset(bytes, 0)
  return (
    recordBatch.baseOffset(bytes, 0) >= nextOffset && recordBatch.lastOffsetDelta(bytes, 0) >= 0 && lastOffset - baseOffset <= 2147483647
  )
}

/**
 * Where acks wait for the sync, groups are synced one after another, so a group that stands after a bad batch was begun when that batch's
 * group had been synced: it was acknowledged, and is damaged. A group has at most DURABLE_GROUP_BYTES_MAX, and within the last one a
 * crash may leave any part: so a good batch counts only from that far on.
 */
async function refuseAckedAfter(log: Recovering, segment: Segment, nextOffset: number): Promise<void> {
  if (!log.config.flushBeforeAck) return
  const bad = segment.sizeBytes
  const later = log.segments.slice(log.segments.indexOf(segment) + 1)
  if (later.some((each) => each.writtenBytes > 0)) {
    throw new CorruptLogError(segment.path('.log'), bad, 'a bad batch, though a later segment was begun after its sync')
  }
  const from = bad + DURABLE_GROUP_BYTES_MAX
  if (from >= segment.writtenBytes) return
  const found = await findGoodBatch(segment, from, nextOffset)
  if (found >= 0)
    throw new CorruptLogError(segment.path('.log'), bad, `a bad batch, though the one at byte ${found} was written after its sync`)
}

const SEARCH_BYTES = 262144

/** The position of a batch at or after `from`, looked for at every byte; -1: none. */
async function findGoodBatch(segment: Segment, from: number, nextOffset: number): Promise<number> {
  const file = segment.file()
  const chunk = Buffer.allocUnsafe(SEARCH_BYTES)
  const end = segment.writtenBytes
  for (let position = from; position < end; position += SEARCH_BYTES - recordBatch.BATCH_HEADER_BYTES) {
    const length = await file.readLater(position, chunk.subarray(0, Math.min(SEARCH_BYTES, end - position)))
    for (let at = 0; at + recordBatch.BATCH_HEADER_BYTES <= length; at++) {
      if (chunk[at + 16] !== 2 || chunk[at] !== 0) continue
      const size = recordBatch.sizeBytes(chunk, at)
      if (size < recordBatch.BATCH_HEADER_BYTES || position + at + size > end) continue
      const bytes = Buffer.allocUnsafe(size)
      if ((await file.readLater(position + at, bytes)) === size && isGood(bytes, nextOffset + 1, segment.baseOffset)) return position + at
    }
  }
  return -1
}
