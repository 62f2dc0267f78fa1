import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import type { Client, ConsumedBatch, ProducerOptions } from '@ottla/client'
import { offsetsOf, valueOf } from './passage.ts'
import { Repeated, type Failures } from './repeated.ts'
import { Writer, type WriterLoad } from './writer.ts'

export interface CompactedTopicOptions {
  readonly name: string
  readonly partitions: number
  readonly keys: number
  readonly configs: Readonly<Record<string, string>>
  readonly producer: ProducerOptions
}

const CHECK_MS = 2000
const STUCK_MS = 30_000
/** So many records fill some segments, so that compaction has something to do. */
const COMPACTED_MIN = 5000
const TOMBSTONE_EVERY = 7
const VERSION = 'version'

const isTombstone = (version: number): boolean => version % TOMBSTONE_EVERY === TOMBSTONE_EVERY - 1

/** A topic of few keys: the last value of each is there, whatever compaction takes. A key's versions are numbered; every seventh deletes it. */
export class CompactedTopic {
  readonly name: string
  readonly partitions: number
  readCount = 0
  ackedCount = 0
  /** What is there now, by the last time that all was read. */
  foundCount = 0
  readonly #client: Client
  readonly #options: CompactedTopicOptions
  readonly #sent: number[]
  readonly #acked: number[]
  readonly #writer: Writer
  readonly #checking: Repeated

  static async create(client: Client, options: CompactedTopicOptions, load: WriterLoad, failures: Failures): Promise<CompactedTopic> {
    const { name, partitions, configs } = options
    await client.admin().createTopic({ name, partitions, configs })
    return new CompactedTopic(client, options, load, failures)
  }

  private constructor(client: Client, options: CompactedTopicOptions, load: WriterLoad, failures: Failures) {
    this.#client = client
    this.#options = options
    this.name = options.name
    this.partitions = options.partitions
    this.#sent = Array.from({ length: options.keys }, () => -1)
    this.#acked = [...this.#sent]
    this.#writer = new Writer(client, `the writer of ${options.name}`, options.producer, load, failures, (count) => this.#burst(count))
    this.#checking = new Repeated(failures, `reading all of ${options.name}`, CHECK_MS, () => this.#readAll())
  }

  /** The writer ends; then each key has its last value, and compaction has taken most of the others. */
  async end(): Promise<void> {
    await this.close()
    assert.deepEqual(this.#acked, this.#sent)
    const giveUpAt = performance.now() + STUCK_MS
    await this.#readAll()
    if (this.ackedCount < COMPACTED_MIN) return
    for (; this.foundCount > this.ackedCount / 2; await this.#readAll()) {
      assert.ok(performance.now() < giveUpAt, `${this.name}: ${this.foundCount} of ${this.ackedCount} records are still there`)
      await pause(100)
    }
  }

  async close(): Promise<void> {
    await this.#writer.stop()
    await this.#checking.stop()
  }

  #burst(count: number): ReturnType<ConstructorParameters<typeof Writer>[5]> {
    const { name, partitions, keys } = this.#options
    const partition = Math.floor(Math.random() * partitions)
    const all = Array.from({ length: count }, () => {
      // most keys seldom: so their last value lies in what was compacted, not in what is yet to be
      const key = partition + partitions * Math.floor((Math.random() ** 3 * keys) / partitions)
      const version = ++this.#sent[key]!
      return { key, version }
    })
    return {
      records: all.map(({ key, version }) => ({
        topic: name,
        partition,
        key: `key-${key}`,
        value: isTombstone(version) ? null : valueOf(`${key}:${version}`),
        headers: [{ key: VERSION, value: String(version) }],
      })),
      acknowledged: (at) => {
        const { key, version } = all[at]!
        assert.equal(version, this.#acked[key]! + 1, `${name}: acknowledged of key ${key}`)
        this.#acked[key] = version
        this.ackedCount++
      },
    }
  }

  /** Reads up to the ends of now, and holds what is there to what was acknowledged before. */
  async #readAll(): Promise<void> {
    const { name, partitions } = this.#options
    const acked = [...this.#acked]
    const ends = await offsetsOf(this.#client, name, partitions, 'latest')
    const found = new Map<number, number>()
    const nextOffsets = ends.map(() => 0)
    const beganMs = performance.now()
    let count = 0
    const reader = this.#client.consumer({ autoOffsetReset: 'none', maxWaitMs: 100 })
    const open = new Set(ends.flatMap((end, partition) => (end > 0 ? [partition] : [])))
    reader.assign([...open].map((partition) => ({ topic: name, partition })))
    for (const partition of open) reader.seek({ topic: name, partition }, 0)
    try {
      while (open.size > 0) {
        const batch = await reader.next(STUCK_MS)
        assert.ok(batch !== null, `nothing comes any more of ${name}; it ends at ${ends.join()}`)
        this.#meet(batch, nextOffsets, found)
        count += batch.records.length
        if (nextOffsets[batch.partition]! >= ends[batch.partition]!) open.delete(batch.partition)
      }
    } finally {
      await reader.close()
    }
    this.foundCount = count
    this.readCount += count
    // who reads for longer than tombstones stay may miss them
    const deleteRetentionMs = Number(this.#options.configs['delete.retention.ms'])
    if (performance.now() - beganMs < deleteRetentionMs) this.#judge(acked, found)
  }

  #meet(batch: ConsumedBatch, nextOffsets: number[], found: Map<number, number>): void {
    for (const record of batch.records) {
      const where = `${this.name}-${batch.partition}, offset ${record.offset}`
      assert.ok(record.offset >= nextOffsets[batch.partition]!, `${where}: comes after ${nextOffsets[batch.partition]! - 1}`)
      const key = Number(String(record.key).slice('key-'.length))
      const version = Number(record.headers[0]!.value)
      assert.equal(record.value === null ? null : String(record.value), isTombstone(version) ? null : valueOf(`${key}:${version}`), where)
      const before = found.get(key) ?? -1
      assert.ok(version > before, `${where}: version ${version} of key ${key} comes after ${before}`)
      found.set(key, version)
      nextOffsets[batch.partition] = record.offset + 1
    }
    nextOffsets[batch.partition] = batch.nextOffset
  }

  #judge(acked: readonly number[], found: ReadonlyMap<number, number>): void {
    for (const [key, ackedVersion] of acked.entries()) {
      const version = found.get(key)
      if (version !== undefined) {
        assert.ok(version >= ackedVersion, `${this.name}: key ${key} has version ${version}; ${ackedVersion} was acknowledged`)
        continue
      }
      let deletes = ackedVersion < 0
      for (let one = ackedVersion; one <= this.#sent[key]!; one++) deletes ||= isTombstone(one)
      assert.ok(deletes, `${this.name}: key ${key} is gone; version ${ackedVersion} was acknowledged`)
    }
  }
}
