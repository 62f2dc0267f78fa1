import assert from 'node:assert/strict'
import { World, type Host } from '@ottla/env/sim'
import { BatchBuilder, buildEndTransactionMarker, decodeBatch, recordBatch, type BatchOptions } from '@ottla/protocol'
import { checkSegment, readTimeIndex, LogDirectory, type LogConfig, type LogDirectoryOptions, type PartitionLog } from '../src/index.ts'
import { CLIENT, config, TOPIC_ID } from './batches.ts'

const LIMIT_MS = 60_000_000
const PATH = '/logs'
export const LOG_PATH = '/logs/t-0'

/** Key and value; a null value is a tombstone. */
export type Pair = readonly [string, string | null]

export interface FoundRecord {
  readonly offset: number
  readonly key: string | null
  readonly value: string | null
  readonly timestamp: number
}

export interface FoundBatch {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly isControl: boolean
  readonly horizonMs: number
  readonly codec: number
  readonly leaderEpoch: number
  readonly producer: readonly [number, number, number]
  readonly records: readonly FoundRecord[]
}

/** A partition with a compacted log, on a simulated machine. */
export class Compacted {
  readonly world: World
  readonly host: Host
  readonly config: LogConfig
  home!: LogDirectory
  log!: PartitionLog

  constructor(seed: number, changes: Partial<LogConfig> = {}) {
    this.world = new World(seed)
    this.host = this.world.host('a')
    this.config = config({
      compact: true,
      deleteOld: false,
      segmentBytes: 2000,
      indexIntervalBytes: 100,
      minCleanableDirtyRatio: 0,
      deleteRetentionMs: 10_000,
      fileDeleteDelayMs: 50,
      ...changes,
    })
  }

  do<T>(work: Promise<T>): Promise<T> {
    return this.world.complete(work, LIMIT_MS)
  }

  async begin(options: LogDirectoryOptions = {}): Promise<void> {
    await this.do(this.start(options))
    assert.equal(this.log.failed, null, this.log.failed?.message)
  }

  async start(options: LogDirectoryOptions = {}): Promise<void> {
    const never = { retentionIntervalMs: 1e12, ...options, cleaner: { backoffMs: Infinity, ...options.cleaner } }
    this.home = await LogDirectory.open(this.host, PATH, { brokerId: 1, clusterId: null }, never)
    await this.home.load(() => this.config)
    this.log = await this.home.create('t', 0, TOPIC_ID, this.config)
  }

  /** One batch. */
  async put(pairs: readonly Pair[], options: BatchOptions = {}): Promise<number> {
    const builder = new BatchBuilder(options)
    const nowMs = this.host.clock.now()
    for (const [key, value] of pairs) builder.append(Buffer.from(key), value === null ? null : Buffer.from(value), [], nowMs)
    return (await this.do(this.log.appendBytes(builder.build(), CLIENT))).baseOffset
  }

  async mark(producerId: number, producerEpoch: number, isCommit: boolean): Promise<number> {
    const timestamp = this.host.clock.now()
    const bytes = buildEndTransactionMarker({ isCommit, producerId, producerEpoch, coordinatorEpoch: 7, timestamp })
    return (await this.do(this.log.appendBytes(bytes, { acks: -1, origin: 'coordinator' }))).baseOffset
  }

  /** Ends the active segment, so that what is in it may be cleaned. */
  async roll(): Promise<void> {
    if (this.log.segments.at(-1)!.sizeBytes > 0) this.log.roll()
    await this.do(this.log.flush())
    await this.world.run(() => this.log.recoveryPoint === this.log.logEndOffset, 10_000)
    assert.equal(this.log.recoveryPoint, this.log.logEndOffset)
  }

  clean(): Promise<number> {
    return this.do(this.home.runCleaner())
  }

  /** Lets `ms` of simulated time pass. */
  async pass(ms: number): Promise<void> {
    await this.do(new Promise<void>((resolve) => this.host.clock.after(ms, resolve)))
  }

  async batches(from = this.log.logStartOffset): Promise<FoundBatch[]> {
    return await this.do(batchesOf(this.log, from))
  }

  /** Records of data. */
  async records(): Promise<FoundRecord[]> {
    return (await this.batches()).filter((batch) => !batch.isControl).flatMap((batch) => batch.records)
  }

  async names(): Promise<string[]> {
    return (await this.do(this.host.disk.list(LOG_PATH))).map((entry) => entry.name)
  }

  bases(): number[] {
    return this.log.segments.map((segment) => segment.baseOffset)
  }

  checkpoint(): string | undefined {
    return this.host.disk.peek(`${PATH}/cleaner-offset-checkpoint`)?.toString()
  }
}

export async function batchesOf(log: PartitionLog, from = log.logStartOffset): Promise<FoundBatch[]> {
  const found: FoundBatch[] = []
  for await (const bytes of log.readBatches(from)) {
    assert.ok(recordBatch.magic(bytes, 0) < 2 || recordBatch.crcIsRight(bytes, 0))
    const baseOffset = recordBatch.baseOffset(bytes, 0)
    assert.ok(baseOffset > (found.at(-1)?.lastOffset ?? -1), 'offsets rise')
    const text = (part: Buffer | null): string | null => (part === null ? null : part.toString())
    found.push({
      baseOffset,
      lastOffset: recordBatch.lastOffset(bytes, 0),
      isControl: recordBatch.isControl(bytes, 0),
      horizonMs: recordBatch.hasDeleteHorizon(bytes, 0) ? recordBatch.baseTimestamp(bytes, 0) : -1,
      codec: recordBatch.codec(bytes, 0),
      leaderEpoch: recordBatch.leaderEpoch(bytes, 0),
      producer: [recordBatch.producerId(bytes, 0), recordBatch.producerEpoch(bytes, 0), recordBatch.baseSequence(bytes, 0)],
      records: decodeBatch(bytes, 0).map(({ offset, key, value, timestamp }) => ({
        offset,
        key: text(key),
        value: text(value),
        timestamp,
      })),
    })
  }
  return found
}

/** The producers as a retry and a coordinator meet them. */
export function producersOf(log: PartitionLog): unknown[] {
  return [...log.producers()]
    .map(({ producerId, epoch, lastSequence, lastBatch, coordinatorEpoch, currentTxnFirstOffset }) => ({
      producerId,
      epoch,
      lastSequence,
      lastOffset: lastBatch?.lastOffset ?? -1,
      coordinatorEpoch,
      currentTxnFirstOffset,
    }))
    .sort((a, b) => a.producerId - b.producerId)
}

/** Offset, key and value. */
export const summary = (records: readonly FoundRecord[]): [number, string | null, string | null][] =>
  records.map(({ offset, key, value }) => [offset, key, value])

/** Each closed segment is as Kafka's tools want it, and ends at or before the next. */
export async function assertSound(s: Compacted): Promise<void> {
  await s.do(s.home.checkpoint())
  for (const segment of s.log.segments.slice(0, -1)) {
    const report = await s.do(checkSegment(s.host.disk, LOG_PATH, segment.baseOffset))
    assert.deepEqual(report.problems, [])
    // Kafka takes the age of a segment from there
    const times = await s.do(readTimeIndex(s.host.disk, segment.path('.timeindex'), segment.baseOffset))
    if (segment.timesKnown) assert.equal(times.at(-1)?.timestamp ?? -1, segment.largestTimestamp)
    const next = s.log.segments[s.log.segments.indexOf(segment) + 1]!
    assert.ok(report.nextOffset <= next.baseOffset, `${report.nextOffset} in the segment before ${next.baseOffset}`)
  }
}

/** What a reader of the whole log ends with. */
export function latestOf(pairs: readonly (readonly [string, string | null])[]): Map<string, string> {
  const latest = new Map<string, string>()
  for (const [key, value] of pairs) {
    if (value === null) latest.delete(key)
    else latest.set(key, value)
  }
  return latest
}
