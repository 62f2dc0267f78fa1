import { EnvError, type Entry } from '@ottla/env'
import { ZERO_UUID } from '@ottla/wire'
import { CorruptFileError, readLeaderEpochs, readPartitionMetadata } from './checkpoint.ts'
import { setAside } from './cut-files.ts'
import { DELETED_SUFFIX, fileName, offsetOf } from './file-names.ts'
import { LeaderEpochs } from './leader-epochs.ts'
import type { LogConfig } from './log-config.ts'
import type { LogHome } from './log-home.ts'
import type { LoadedLog } from './loaded-log.ts'
import { ProducerStates } from './producer-state.ts'
import { restoreProducers } from './producer-restore.ts'
import { recoverSegments } from './recovery.ts'
import { resumeSegment } from './segment-resume.ts'
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
  const producers = new ProducerStates()
  if (segments.length === 0) segments.push(emptySegment(home, directory, known.logStartOffset))
  const start = Math.max(known.logStartOffset, segments[0]!.baseOffset)
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
  let recoveryPoint = end
  let stuckOffset = Infinity
  const atRest = end >= 0 && (end === segments[0]!.baseOffset || names.includes(fileName(end, '.snapshot')))
  if (end < 0) {
    const spoiled = segments.findIndex((segment) => segment.indexesMissing && segment.sizeBytes > 0)
    const from = Math.min(segmentIndexFor(segments, known.recoveryPoint), spoiled < 0 ? Infinity : spoiled)
    const base = segments[from]!.baseOffset
    const before = entries.filter((entry) => (offsetOf(entry.name, '.snapshot') ?? 0) <= base)
    await restoreProducers(env, producers, segments, directory, start, base, before)
    const recovered = await recoverSegments(log, from)
    end = recoveryPoint = recovered.endOffset
    stuckOffset = recovered.stuckOffset
    await removeSnapshotsAfter(home, directory, names, end)
  } else {
    await restoreProducers(env, producers, segments, directory, start, end, entries)
  }
  if (end < start) {
    end = recoveryPoint = await startAnew(home, directory, segments, start)
    producers.clear(start)
  }
  epochs.truncateFromEnd(end)
  epochs.truncateFromStart(start)
  const highWatermark = Math.min(Math.max(known.highWatermark, start), end)
  return {
    topic,
    partition,
    topicId,
    directory,
    segments,
    producers,
    epochs,
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

function emptySegment(home: LogHome, directory: string, baseOffset: number): Segment {
  const { disk, clock } = home.env
  const segment = new Segment(disk, home.open, directory, baseOffset, { log: 0, index: 0, timeIndex: 0 }, clock.now())
  segment.create()
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
    if (error instanceof EnvError && error.code === 'not-found') return -1
    throw error
  } finally {
    active.close()
  }
}

async function removeSnapshotsAfter(home: LogHome, directory: string, names: readonly string[], end: number): Promise<void> {
  for (const name of names) {
    const offset = offsetOf(name, '.snapshot')
    if (offset !== null && offset > end) await home.env.disk.remove(`${directory}/${name}`)
  }
}

/** All that is there lies before where the log starts: it is set aside, and the log is empty. */
async function startAnew(home: LogHome, directory: string, segments: Segment[], start: number): Promise<number> {
  for (const segment of segments.splice(0)) await setAside(home.env.disk, segment)
  segments.push(emptySegment(home, directory, start))
  return start
}
