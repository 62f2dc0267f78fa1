import { isDeepStrictEqual } from 'node:util'
import type { Entry } from '@ottla/env'
import { isNotFound, writeWhole } from '@ottla/env/files'
import { ZERO_UUID } from '@ottla/wire'
import { CorruptFileError, readLeaderEpochs, readPartitionMetadata, writeLeaderEpochs } from './checkpoint.ts'
import { setAside } from './cut-files.ts'
import { DELETED_SUFFIX, fileName, offsetOf } from './file-names.ts'
import { isFull } from './full-disk.ts'
import { LeaderEpochs } from './leader-epochs.ts'
import type { LogConfig } from './log-config.ts'
import type { LogHome } from './log-home.ts'
import type { LoadedLog } from './loaded-log.ts'
import { ProducerStates } from './producer-state.ts'
import { restoreProducers, snapshotOffsets } from './producer-restore.ts'
import { recoverSegments, type RecoveryStart } from './recovery.ts'
import { resumeSegment, rewindSegment } from './segment-resume.ts'
import { segmentIndexFor } from './segment-list.ts'
import { Segment } from './segment.ts'
import { finishSwaps } from './swap-files.ts'
import { TransactionIndex } from './txn-index.ts'

/** What a log directory's checkpoints say of one log. */
export interface KnownOffsets {
  readonly recoveryPoint: number
  readonly highWatermark: number
  readonly logStartOffset: number
  /** Where compaction has come to; 0: it has not been there. */
  readonly cleanedOffset: number
}

/**
 * Opens the partition in `directory`. After a clean stop little is read; else from the recovery point on all is (formats §5, design §5).
 */
export async function loadLog(
  home: LogHome,
  directory: string,
  topic: string,
  partition: number,
  known: KnownOffsets,
  clean: boolean,
  config: LogConfig,
): Promise<LoadedLog> {
  const { env } = home
  const topicId = (await readPartitionMetadata(env.disk, `${directory}/partition.metadata`)) ?? ZERO_UUID
  const entries = await tidy(home, directory)
  const names = entries.map((entry) => entry.name)
  const segments = await openSegments(home, directory, entries)
  const epochs = await readEpochs(home, directory, names)
  const writtenEpochs = [...epochs.entries]
  const producers = new ProducerStates()
  if (segments.length === 0) segments.push(emptySegment(home, directory, known.logStartOffset, config))
  // the epochs begin where the log does: a start that has decayed into a larger one hides nothing
  const start = Math.max(Math.min(known.logStartOffset, epochs.entries[0]?.startOffset ?? Infinity), segments[0]!.baseOffset)
  const log = {
    env,
    directory,
    segments,
    producers,
    epochs,
    recoveryPoint: known.recoveryPoint,
    cleanedOffset: known.cleanedOffset,
    config,
  }
  let end = clean ? await cleanEnd(segments) : -1
  // a file that is gone: recovery says so
  if (end < known.recoveryPoint) end = -1
  let recoveryPoint = end
  let stuckOffset = Infinity
  let atRest = end >= 0 && (end === segments[0]!.baseOffset || names.includes(fileName(end, '.snapshot')))
  if (end >= 0) {
    await restoreProducers(env, producers, segments, directory, start, end, entries)
  } else {
    const from = await recoveryStart(segments, known.recoveryPoint, names)
    const before = entries.filter((entry) => (offsetOf(entry.name, '.snapshot') ?? 0) <= from.offset)
    await restoreProducers(env, producers, segments, directory, start, from.offset, before)
    const recovered = await recoverSegments(log, from)
    end = recoveryPoint = recovered.endOffset
    stuckOffset = recovered.stuckOffset
    atRest = from.whole || (stuckOffset === Infinity && (await writeSnapshot(home, directory, producers, end)))
    if (atRest) names.push(fileName(end, '.snapshot'))
  }
  await removeStraySnapshots(home, directory, names, segments, end)
  if (end < start) {
    env.log.warn(`${directory}: ends at offset ${end}, before its log start ${start}; it is set aside, and begins anew there`)
    end = recoveryPoint = await startAnew(home, directory, segments, start, config)
    producers.clear(start)
  }
  epochs.truncateFromEnd(end)
  epochs.truncateFromStart(start)
  const epochsWritten = isDeepStrictEqual(writtenEpochs, epochs.entries) || (await writeEpochs(home, directory, epochs))
  const highWatermark = Math.min(Math.max(known.highWatermark, start), end)
  return {
    topic,
    partition,
    topicId,
    directory,
    segments,
    producers,
    epochs,
    epochsWritten,
    logStartOffset: start,
    logEndOffset: end,
    highWatermark,
    recoveryPoint,
    stuckOffset,
    atRest,
  }
}

/** Finishes or removes what was under way when the process stopped. */
async function tidy(home: LogHome, directory: string): Promise<Entry[]> {
  const { disk } = home.env
  const entries = await disk.list(directory)
  const unfinished = (name: string): boolean => name.endsWith(DELETED_SUFFIX) || name.endsWith('.tmp') || name.endsWith('.cleaned')
  const swapped = entries.some((entry) => entry.name.endsWith('.swap'))
  if (!swapped && !entries.some((entry) => unfinished(entry.name))) return entries
  if (swapped) await finishSwaps(home, directory, entries)
  for (const { name } of entries) if (unfinished(name)) await disk.remove(`${directory}/${name}`)
  await disk.syncDirectory(directory)
  return await disk.list(directory)
}

async function openSegments(home: LogHome, directory: string, entries: readonly Entry[]): Promise<Segment[]> {
  const { disk } = home.env
  const sizes = new Map(entries.map((entry) => [entry.name, entry.sizeBytes]))
  const segments: Segment[] = []
  for (const entry of entries) {
    const base = offsetOf(entry.name, '.log')
    if (base === null) continue
    const index = sizes.get(fileName(base, '.index')) ?? 0
    const timeIndex = sizes.get(fileName(base, '.timeindex')) ?? 0
    const segment = new Segment(disk, home.open, directory, base, { log: entry.sizeBytes, index, timeIndex }, entry.modifiedMs)
    segment.indexesMissing = index % 8 !== 0 || timeIndex % 12 !== 0 || !sizes.has(fileName(base, '.index'))
    if ((sizes.get(fileName(base, '.txnindex')) ?? 0) > 0) segment.transactions = await openTransactions(home, segment)
    segments.push(segment)
  }
  segments.sort((a, b) => a.baseOffset - b.baseOffset)
  for (const { name } of entries) {
    for (const suffix of ['.index', '.timeindex', '.txnindex']) {
      const base = offsetOf(name, suffix)
      if (base !== null && !sizes.has(fileName(base, '.log'))) await disk.remove(`${directory}/${name}`)
    }
  }
  return segments
}

async function openTransactions(home: LogHome, segment: Segment): Promise<TransactionIndex | null> {
  try {
    return await TransactionIndex.open(home.env.disk, segment.path('.txnindex'), segment.baseOffset)
  } catch (error) {
    if (!(error instanceof CorruptFileError)) throw error
    segment.indexesMissing = true
    return null
  }
}

async function readEpochs(home: LogHome, directory: string, names: readonly string[]): Promise<LeaderEpochs> {
  if (!names.includes('leader-epoch-checkpoint')) return new LeaderEpochs()
  try {
    return new LeaderEpochs(await readLeaderEpochs(home.env.disk, `${directory}/leader-epoch-checkpoint`))
  } catch (error) {
    if (!(error instanceof CorruptFileError)) throw error
    home.env.log.warn(`${error.message}; epochs are known from here on only`)
    return new LeaderEpochs()
  }
}

function emptySegment(home: LogHome, directory: string, baseOffset: number, config: LogConfig): Segment {
  const { disk, clock } = home.env
  const segment = new Segment(disk, home.open, directory, baseOffset, { log: 0, index: 0, timeIndex: 0 }, clock.now())
  segment.create(config)
  segment.indexesMissing = true
  return segment
}

/** The log's end after a clean stop, or -1 where the files don't look like one: then they are recovered. */
async function cleanEnd(segments: readonly Segment[]): Promise<number> {
  for (const segment of segments) if (segment.indexesMissing && segment.sizeBytes > 0) return -1
  const active = segments[segments.length - 1]!
  if (active.sizeBytes === 0) return active.baseOffset
  try {
    const end = await resumeSegment(active)
    return end.whole ? end.nextOffset : -1
  } catch (error) {
    if (isNotFound(error)) return -1
    throw error
  } finally {
    active.close()
  }
}

/**
 * Where recovery begins: the newest producer snapshot at or before the recovery point, for what is before it was synced with its indexes; or
 * a segment's base, where there is none in its segment, or the files don't bear it out.
 */
async function recoveryStart(segments: readonly Segment[], recoveryPoint: number, names: readonly string[]): Promise<RecoveryStart> {
  const spoiled = segments.findIndex((segment) => segment.indexesMissing && segment.sizeBytes > 0)
  const at = Math.min(segmentIndexFor(segments, recoveryPoint), spoiled < 0 ? Infinity : spoiled)
  const segment = segments[at]!
  const offset = snapshotOffsets(names).find((each) => each <= recoveryPoint) ?? -1
  if (at === spoiled || offset <= segment.baseOffset) return { at, offset: segment.baseOffset, position: 0, whole: false }
  const position = await rewindSegment(segment, offset)
  if (position < 0) return { at, offset: segment.baseOffset, position: 0, whole: false }
  return { at, offset, position, whole: at === segments.length - 1 && position === segment.writtenBytes }
}

/** So that a next recovery need not read this again. False: the disk is full, and it will. */
async function writeSnapshot(home: LogHome, directory: string, producers: ProducerStates, end: number): Promise<boolean> {
  producers.advance(end)
  return await hasRoom(writeWhole(home.env.disk, `${directory}/${fileName(end, '.snapshot')}`, producers.encodeSnapshot()))
}

/** What recovery found stands in batches that a next one need not read. */
async function writeEpochs(home: LogHome, directory: string, epochs: LeaderEpochs): Promise<boolean> {
  return await hasRoom(writeLeaderEpochs(home.env.disk, `${directory}/leader-epoch-checkpoint`, epochs.entries))
}

async function hasRoom(writing: Promise<void>): Promise<boolean> {
  try {
    await writing
    return true
  } catch (error) {
    if (!isFull(error)) throw error
    return false
  }
}

/** Snapshots stand where segments begin, and the newest one within the active one, as in Kafka. */
async function removeStraySnapshots(
  home: LogHome,
  directory: string,
  names: readonly string[],
  segments: readonly Segment[],
  end: number,
): Promise<void> {
  const offsets = snapshotOffsets(names)
  const newest = offsets.find((offset) => offset <= end)
  for (const offset of offsets) {
    if (offset <= end && (offset === newest || segments.some((segment) => segment.baseOffset === offset))) continue
    await home.env.disk.remove(`${directory}/${fileName(offset, '.snapshot')}`)
  }
}

/** All that is there lies before where the log starts: it is set aside, and the log is empty. */
async function startAnew(home: LogHome, directory: string, segments: Segment[], start: number, config: LogConfig): Promise<number> {
  for (const segment of segments.splice(0)) await setAside(home.env.disk, segment)
  segments.push(emptySegment(home, directory, start, config))
  return start
}
