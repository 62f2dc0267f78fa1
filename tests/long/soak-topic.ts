/** A topic of the soak: its producers, its books, and what was last set of its configs. */
import assert from 'node:assert/strict'
import type { Client } from '@ottla/client'
import { Ledger, newPassage, type Promised } from './ledger.ts'
import { LoadProducer } from './load.ts'
import { endsOf, readOn } from './reading.ts'

const WINDOW_COUNT = 60
const PAUSE_MS = 25
const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
/** What is set and set again while records come; every value is one that the promises must hold under. */
const CONFIGS: Readonly<Record<string, readonly string[]>> = {
  'segment.bytes': ['16384', '65536', '1048576'],
  'flush.messages': ['1', '50', '1000'],
  'flush.ms': ['20', '200'],
  'flush.before.ack': ['true', 'false'],
  'index.interval.bytes': ['256', '4096'],
  'message.timestamp.type': ['CreateTime', 'LogAppendTime'],
}

export const choose = <T>(from: readonly T[]): T => from[Math.floor(Math.random() * from.length)]!

export class SoakTopic {
  readonly name: string
  readonly partitions: number
  readonly ledger: Ledger
  /** What was acknowledged to be set. */
  readonly configs = new Map<string, string>()
  readonly #client: Client
  readonly #producers: readonly LoadProducer[]
  #running: Promise<unknown> = Promise.resolve()
  failure: Error | null = null

  private constructor(client: Client, name: string, partitions: number) {
    this.name = name
    this.partitions = partitions
    this.#client = client
    const promised: Promised[] = ['once', 'inOrder']
    this.ledger = new Ledger(partitions, promised)
    this.#producers = promised.map((how, id) => {
      const options = { compression: choose(CODECS), ...(how === 'once' ? { acks: 'all' as const } : { acks: 1 as const }) }
      return new LoadProducer(client, name, this.ledger, id, options, WINDOW_COUNT, PAUSE_MS)
    })
  }

  /** A new topic; empty, though one of that name may have been there before. */
  static async create(client: Client, name: string): Promise<SoakTopic> {
    const topic = new SoakTopic(client, name, 1 + Math.floor(Math.random() * 3))
    const configs = { 'segment.bytes': choose(CONFIGS['segment.bytes']!) }
    await client
      .admin()
      .createTopic({ name, partitions: topic.partitions, configs })
      .catch((error: Error) => {
        // asked again after a kill that came between the deed and its answer
        if (!/TOPIC_ALREADY_EXISTS/.test(error.message)) throw error
      })
    topic.configs.set('segment.bytes', configs['segment.bytes'])
    await client.cluster.refresh([name])
    const ends = await endsOf(client, name, topic.partitions)
    assert.deepEqual(
      ends,
      ends.map(() => 0),
      `${name} is new and has records`,
    )
    topic.#start()
    return topic
  }

  #start(): void {
    this.#running = Promise.all(this.#producers.map((producer) => producer.run()))
    this.#running.catch((error: Error) => void (this.failure ??= error))
  }

  /** Its producers end; resolves when all that they sent is acknowledged. */
  async stop(): Promise<void> {
    for (const producer of this.#producers) producer.stop()
    await this.#running
  }

  async changeConfig(): Promise<string> {
    const name = choose(Object.keys(CONFIGS))
    const value = choose(CONFIGS[name]!)
    await this.#client.admin().incrementalAlterConfigs({ type: 'topic', name: this.name }, [{ name, operation: 'set', value }])
    this.configs.set(name, value)
    return `${name}=${value}`
  }

  /** What was set and acknowledged is what the broker says. */
  async checkConfigs(): Promise<void> {
    const [entries] = await this.#client.admin().describeConfigs([{ type: 'topic', name: this.name }], [...this.configs.keys()])
    for (const [name, value] of this.configs) {
      assert.equal(entries!.find((one) => one.name === name)?.value, value, `${this.name}: ${name} was set, and acknowledged`)
    }
  }

  /** All that is there now, from the beginning, against the books. */
  async check(): Promise<number> {
    const ackedEnds = Array.from({ length: this.partitions }, (_, partition) => this.ledger.ackedEnd(partition))
    const ends = await endsOf(this.#client, this.name, this.partitions)
    const passages = ends.map(newPassage)
    const count = await readOn(
      this.#client,
      this.name,
      this.ledger,
      passages,
      ends.map((end, partition) => Math.max(end, ackedEnds[partition]!)),
    )
    return count
  }

  /** As `check`, once its producers have ended: nothing at all is missing. */
  async checkAll(): Promise<number> {
    // where flush.messages is set, what waits for more to come is shown to nobody yet
    await this.#client.admin().incrementalAlterConfigs({ type: 'topic', name: this.name }, [
      { name: 'flush.messages', operation: 'delete' },
      { name: 'flush.ms', operation: 'delete' },
      { name: 'flush.before.ack', operation: 'delete' },
    ])
    for (const name of ['flush.messages', 'flush.ms', 'flush.before.ack']) this.configs.delete(name)
    const ends = await endsOf(this.#client, this.name, this.partitions)
    const passages = ends.map(newPassage)
    const count = await readOn(this.#client, this.name, this.ledger, passages, ends)
    for (const [partition, passage] of passages.entries()) this.ledger.complete(partition, passage)
    return count
  }
}
