/**
 * Everything at once on one broker, at a bounded rate: producers of every kind on topics whose old segments are deleted, a compacted topic,
 * readers that check what they read, groups whose members come and go, topics made and deleted, connections, an administrator. Nothing is
 * lost, and once all have gone the process has what it had before.
 */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { createClient, type Client } from '@ottla/client'
import type { Env } from '@ottla/env'
import type { BrokerProcess } from '../broker-process.ts'
import { Administrator, PassingConnections, PassingTopics } from './comers.ts'
import { CompactedTopic, type CompactedTopicOptions } from './compacted-topic.ts'
import { Members } from './members.ts'
import { Failures, Repeated } from './repeated.ts'
import { RetainedTopic, type RetainedTopicOptions } from './retained-topic.ts'
import type { WriterLoad } from './writer.ts'

/** What a long life is made of comes often: checks of retention, compaction, checkpoints, expiry. */
export const BROKER_SETTINGS = {
  'log.retention.check.interval.ms': 500,
  'log.cleaner.backoff.ms': 200,
  'log.cleaner.dedupe.buffer.size': 4 << 20,
  'log.segment.delete.delay.ms': 1000,
  'log.flush.offset.checkpoint.interval.ms': 500,
  'log.flush.start.offset.checkpoint.interval.ms': 500,
  'replica.high.watermark.checkpoint.interval.ms': 500,
  'offsets.topic.num.partitions': 3,
  'offsets.topic.segment.bytes': 1 << 16,
  'offsets.retention.check.interval.ms': 1000,
  'producer.id.expiration.ms': 15_000,
  'producer.id.expiration.check.interval.ms': 1000,
  'auto.create.topics.enable': 'false',
}

const RETAINED: readonly RetainedTopicOptions[] = [
  {
    name: 'by-bytes',
    partitions: 3,
    retention: { ms: null, bytes: 1 << 19 },
    configs: { 'segment.bytes': String(1 << 16), 'index.interval.bytes': '1024' },
    producers: [{ acks: 1 }, { acks: 'all', idempotent: false, compression: 'gzip' }, { acks: 'all', compression: 'lz4' }],
  },
  {
    name: 'by-time',
    partitions: 2,
    retention: { ms: 5000, bytes: null },
    configs: { 'segment.ms': '1000', 'segment.bytes': String(1 << 18) },
    producers: [{ acks: 1, compression: 'snappy' }, { acks: 'all', idempotent: false, compression: 'zstd' }, { acks: 'all' }],
  },
  {
    name: 'by-both',
    partitions: 2,
    retention: { ms: 12_000, bytes: 1 << 20 },
    configs: { 'segment.ms': '3000', 'segment.bytes': String(1 << 17), 'flush.messages': '200', 'flush.ms': '50' },
    producers: [
      { acks: 1, compression: 'lz4', lingerMs: 20 },
      { acks: 'all', compression: 'gzip' },
      { acks: 'all', compression: 'zstd', lingerMs: 5 },
    ],
  },
]
const COMPACTED: CompactedTopicOptions = {
  name: 'compacted',
  partitions: 2,
  keys: 400,
  configs: { 'cleanup.policy': 'compact', 'segment.bytes': '32768', 'min.cleanable.dirty.ratio': '0.3', 'delete.retention.ms': '3000' },
  producer: { compression: 'snappy' },
}
const LOAD: WriterLoad = { pauseMs: 40, burstMax: 30, lifeBursts: 250 }
const COUNT_MS = 500
const GONE_MS = 30_000
/** No request times out on a machine that has others to serve too: what is sent again could be there twice. */
const REQUEST_MS = 120_000

export interface Totals {
  readonly produced: number
  readonly read: number
  /** What retention took before the tail's readers and the groups were there: on a machine that lags. */
  readonly overtaken: number
  readonly compactedRecords: number
  readonly segmentsDeleted: number
  readonly topics: number
  readonly connections: number
  readonly questions: number
}

export class Endurance {
  readonly #broker: BrokerProcess
  readonly #client: Client
  readonly #failures: Failures
  readonly #retained: readonly RetainedTopic[]
  readonly #compacted: CompactedTopic
  readonly #members: readonly Members[]
  readonly #topics: readonly PassingTopics[]
  readonly #connections: PassingConnections
  readonly #administrator: Administrator
  readonly #segments: SegmentCount

  static async begin(env: Env, broker: BrokerProcess): Promise<Endurance> {
    const bootstrap = `127.0.0.1:${broker.port}`
    const client = createClient(env, { bootstrap, requestTimeoutMs: REQUEST_MS })
    const failures = new Failures()
    const retained: RetainedTopic[] = []
    for (const options of RETAINED) retained.push(await RetainedTopic.create(client, options, LOAD, failures))
    const compacted = await CompactedTopic.create(client, COMPACTED, LOAD, failures)
    return new Endurance(env, broker, client, failures, retained, compacted)
  }

  private constructor(
    env: Env,
    broker: BrokerProcess,
    client: Client,
    failures: Failures,
    retained: readonly RetainedTopic[],
    compacted: CompactedTopic,
  ) {
    const bootstrap = `127.0.0.1:${broker.port}`
    this.#broker = broker
    this.#client = client
    this.#failures = failures
    this.#retained = retained
    this.#compacted = compacted
    this.#members = [
      new Members(env, bootstrap, client, retained[0]!, 'range', failures),
      new Members(env, bootstrap, client, retained[2]!, 'cooperative-sticky', failures),
    ]
    this.#topics = [0, 1].map((id) => new PassingTopics(env, bootstrap, id, failures))
    this.#connections = new PassingConnections(env, broker.port, retained[2]!, failures)
    this.#administrator = new Administrator(client, retained, failures)
    this.#segments = new SegmentCount(
      broker.logDirectory,
      retained.map(({ name }) => name),
      failures,
    )
  }

  get totals(): Totals {
    const sum = (counts: readonly number[]): number => counts.reduce((all, one) => all + one, 0)
    const retained = this.#retained
    const compacted = this.#compacted
    const topics = this.#topics
    return {
      produced: sum([compacted.ackedCount, ...retained.map((one) => one.ackedCount), ...topics.map((one) => one.recordCount)]),
      read: sum([compacted.readCount, ...retained.map((one) => one.readCount), ...this.#members.map((one) => one.count)]),
      overtaken: sum([...retained, ...this.#members].map((one) => one.overtakenCount)),
      compactedRecords: Math.max(0, compacted.ackedCount - compacted.foundCount),
      segmentsDeleted: this.#segments.deletedCount,
      topics: sum(topics.map((one) => one.count)),
      connections: this.#connections.count,
      questions: this.#administrator.count,
    }
  }

  /** Topics that retention took nothing of, as known at the end. */
  get untouched(): string[] {
    return this.#retained.flatMap(({ name, takenCount }) => (takenCount > 0 ? [] : [name]))
  }

  /** Throws the first thing that went wrong. */
  check(): void {
    const { isRunning, output } = this.#broker
    assert.ok(isRunning, `the broker ended by itself: ${output.slice(-2000)}`)
    this.#failures.check()
  }

  /** All end, everything is checked once more, and what was made is deleted again. */
  async end(): Promise<void> {
    const { admin } = this.#client
    for (const one of [...this.#topics, this.#connections, this.#administrator]) await one.stop()
    for (const topic of this.#retained) await topic.stopWriting()
    for (const group of this.#members) await group.end()
    for (const topic of this.#retained) await topic.end()
    await this.#compacted.end()
    this.check()
    for (const group of this.#members) await group.delete()
    const names = [...this.#retained.map(({ name }) => name), this.#compacted.name]
    for (const { error } of await admin().deleteTopics(names)) if (error !== null) throw error
    await this.#segments.stop()
    this.#client.close()
    await this.#segments.untilNone(GONE_MS)
    this.check()
  }

  /** After a failure: all end as they can, and nobody waits for them. */
  abandon(): void {
    this.#client.close()
    const loops = [...this.#topics, this.#connections, this.#administrator, this.#segments].map((one) => one.stop())
    const others = [...this.#members, ...this.#retained, this.#compacted].map((one) => one.close())
    void Promise.allSettled([...loops, ...others])
  }
}

/** Counts the segments that go, by looking at the directories. One that comes and goes between two looks is not seen. */
class SegmentCount {
  deletedCount = 0
  readonly #logDirectory: string
  readonly #loop: Repeated
  #there = new Set<string>()

  constructor(logDirectory: string, topics: readonly string[], failures: Failures) {
    this.#logDirectory = logDirectory
    const isOf = (name: string): boolean => topics.some((topic) => name.startsWith(`${topic}-`) && !name.endsWith('-delete'))
    this.#loop = new Repeated(failures, 'counting segments', COUNT_MS, () => {
      const there = new Set<string>()
      for (const name of readdirSync(logDirectory).filter(isOf)) {
        for (const file of filesOf(`${logDirectory}/${name}`)) if (file.endsWith('.log')) there.add(`${name}/${file}`)
      }
      for (const path of this.#there) if (!there.has(path)) this.deletedCount++
      this.#there = there
    })
  }

  stop(): Promise<void> {
    return this.#loop.stop()
  }

  /** Resolves when nothing that was deleted is left on the disk. */
  async untilNone(withinMs: number): Promise<void> {
    const giveUpAt = performance.now() + withinMs
    for (let left = this.#left(); left.length > 0; left = this.#left()) {
      assert.ok(performance.now() < giveUpAt, `still there: ${left.join(', ')}`)
      await pause(100)
    }
  }

  #left(): string[] {
    const directories = readdirSync(this.#logDirectory)
    const gone = directories.filter((name) => name.endsWith('-delete'))
    if (gone.length > 0) return gone
    const partitions = directories.filter((name) => /-\d+$/.test(name))
    return partitions.flatMap((name) => filesOf(`${this.#logDirectory}/${name}`).filter((file) => file.endsWith('.deleted')))
  }
}

/** Empty where it has gone meanwhile. */
function filesOf(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return []
  }
}
