/** Clients that never give up, in simulated time; each keeps books. A breach is kept in `failure` for the test to find. */
import assert from 'node:assert/strict'
import {
  isRetriable,
  type Client,
  type Consumer,
  type ConsumerRecord,
  type DeliveryResult,
  type ProducerOptions,
  type ProducerRecord,
} from '@ottla/client'
import type { Host } from '@ottla/env/sim'
import { keyOf, newPassage, valueOf, type Passage } from '../long/ledger.ts'

/** What a producer and a consumer tell whoever keeps the books. */
export interface Bookkeeper {
  readonly partitions: number
  acknowledged(partition: number, offset: number, producer: number, sequence: number): void
  refused?(partition: number, producer: number, sequence: number): void
  met(partition: number, passage: Passage, record: ConsumerRecord): void
  /** What a producer sends as its n-th record; without it, a value by which it is known, under one key. */
  recordOf?(producer: number, sequence: number): Sent
}

/** Without topic and partition. */
export type Sent = Pick<ProducerRecord, 'key' | 'value' | 'headers'>

const BURST_MAX = 6
const WINDOW_COUNT = 20

export abstract class Actor {
  failure: Error | null = null
  protected stopping = false
  protected readonly host: Host
  #ended: Promise<void> = Promise.resolve()

  constructor(host: Host) {
    this.host = host
  }

  start(): this {
    this.#ended = this.work()
    this.#ended.catch((error: Error) => void (this.failure ??= error))
    return this
  }

  /** Resolves when its last request is answered; rejects with what it found wrong. */
  async stop(): Promise<void> {
    this.stopping = true
    await this.#ended
    if (this.failure !== null) throw this.failure
  }

  protected abstract work(): Promise<void>

  protected pause(upToMs: number): Promise<void> {
    return new Promise((resolve) => void this.host.clock.after(this.host.random.fraction() * upToMs, resolve))
  }
}

/** Sends bursts to both partitions. What is refused for good counts as never acknowledged, where `mayFail`. */
export class Sender extends Actor {
  failedCount = 0
  #unanswered = 0
  readonly #client: Client
  readonly #topic: string
  readonly #ledger: Bookkeeper
  readonly #id: number
  readonly #options: ProducerOptions
  readonly #mayFail: boolean
  readonly #sequences: number[]

  constructor(host: Host, client: Client, topic: string, ledger: Bookkeeper, id: number, options: ProducerOptions, mayFail = false) {
    super(host)
    this.#client = client
    this.#topic = topic
    this.#ledger = ledger
    this.#id = id
    this.#options = options
    this.#mayFail = mayFail
    this.#sequences = Array.from({ length: ledger.partitions }, () => 0)
  }

  protected async work(): Promise<void> {
    const producer = this.#client.producer(this.#options)
    while (!this.stopping && this.failure === null) {
      if (this.#unanswered < WINDOW_COUNT) {
        const partition = this.host.random.below(this.#sequences.length)
        for (let left = 1 + this.host.random.below(BURST_MAX); left > 0; left--) {
          const sequence = this.#sequences[partition]!++
          this.#unanswered++
          const sent = this.#ledger.recordOf?.(this.#id, sequence) ?? { key: keyOf(this.#id), value: valueOf(this.#id, sequence) }
          // a function of its own each: batches that are tried again may be answered in another order
          producer.append({ topic: this.#topic, partition, ...sent }, (result) => this.#answered(partition, result, sequence))
        }
      }
      await this.pause(12)
    }
    await producer.close()
    assert.equal(this.#unanswered, 0, `producer ${this.#id}: records without an answer after its close`)
  }

  #answered(partition: number, { baseOffset, recordCount, error }: DeliveryResult, first: number): void {
    this.#unanswered -= recordCount
    if (error !== null) {
      this.failedCount += recordCount
      if (!this.#mayFail) this.failure ??= error
      for (let i = 0; i < recordCount; i++) this.#ledger.refused?.(partition, this.#id, first + i)
      return
    }
    try {
      for (let i = 0; i < recordCount; i++) this.#ledger.acknowledged(partition, baseOffset < 0 ? -1 : baseOffset + i, this.#id, first + i)
    } catch (breach) {
      this.failure ??= breach as Error
    }
  }
}

/** Reads all partitions at their tails, through all lives of the server. What it was given must be there for ever after. */
export class Tail extends Actor {
  count = 0
  readonly #consumer: Consumer
  readonly #topic: string
  readonly #ledger: Bookkeeper
  readonly #passages: readonly Passage[]

  constructor(host: Host, client: Client, topic: string, ledger: Bookkeeper) {
    super(host)
    this.#topic = topic
    this.#ledger = ledger
    this.#passages = Array.from({ length: ledger.partitions }, newPassage)
    // an offset that is out of range would be one that was given and is gone
    this.#consumer = client.consumer({ autoCommit: false, autoOffsetReset: 'none', maxWaitMs: 100 })
  }

  protected async work(): Promise<void> {
    const partitions = this.#passages.map((_, partition) => ({ topic: this.#topic, partition }))
    this.#consumer.assign(partitions)
    for (const partition of partitions) this.#consumer.seek(partition, 0)
    while (!this.stopping) {
      const batch = await this.#consumer.next(200).catch((error: unknown) => {
        if (!isRetriable(error)) throw error
        return null
      })
      if (batch === null) continue
      for (const record of batch.records) this.#ledger.met(batch.partition, this.#passages[batch.partition]!, record)
      this.count += batch.records.length
    }
    await this.#consumer.close()
  }
}

/** Commits ever higher offsets of a group, and creates topics; what was acknowledged of both is there for ever after. */
export class Clerk extends Actor {
  commitCount = 0
  /** Those that were acknowledged. */
  readonly topics: string[] = []
  readonly #client: Client
  readonly #topic: string
  readonly #groupId = 'clerk'
  readonly #keepsOffsets: boolean
  #acked = -1
  #tried = -1

  constructor(host: Host, client: Client, topic: string, keepsOffsets: boolean) {
    super(host)
    this.#client = client
    this.#topic = topic
    this.#keepsOffsets = keepsOffsets
  }

  protected async work(): Promise<void> {
    const consumer = this.#client.consumer({ groupId: this.#groupId, autoCommit: false })
    while (!this.stopping) {
      this.#tried++
      await consumer.commit([{ topic: this.#topic, partition: 0, offset: this.#tried }])
      this.#acked = this.#tried
      this.commitCount++
      if (this.host.random.below(20) === 0) await this.#createTopic()
      await this.pause(20)
    }
    await consumer.close()
  }

  async #createTopic(): Promise<void> {
    const name = `more-${this.topics.length}`
    // asked again after an end that came between the deed and its answer
    await this.#client
      .admin()
      .createTopic({ name, partitions: 1 })
      .catch((error: Error) => {
        if (!/TOPIC_ALREADY_EXISTS/.test(error.message)) throw error
      })
    this.topics.push(name)
  }

  /** To be called while the server lives. */
  async check(client: Client): Promise<void> {
    const acked = this.#acked
    const topics = [...this.topics]
    const names = new Set((await client.admin().listTopics()).map(({ name }) => name))
    for (const name of topics) assert.ok(names.has(name), `topic ${name} was acknowledged and is gone`)
    if (acked < 0 || !this.#keepsOffsets) return
    const consumer = client.consumer({ groupId: this.#groupId, autoCommit: false })
    const [stored] = await consumer.committed([{ topic: this.#topic, partition: 0 }])
    await consumer.close()
    const offset = stored?.offset ?? -1
    assert.ok(
      offset >= acked && offset <= this.#tried,
      `offset ${offset} of the group is stored; ${acked} was acknowledged, ${this.#tried} tried last`,
    )
  }
}
