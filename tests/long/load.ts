/** Producers that send without end, and a committer of a group's offsets; both keep books of what was acknowledged. */
import assert from 'node:assert/strict'
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import type { Client, DeliveryResult, Producer, ProducerOptions } from '@ottla/client'
import { keyOf, valueOf, type Ledger } from './ledger.ts'

const BURST_MAX = 60

/** One producer: bursts of random size to random partitions, never more than so many without an answer, with pauses of up to `pauseMs`. */
export class LoadProducer {
  /** Sent and not answered. */
  unanswered = 0
  failure: Error | null = null
  /** Called with each ack, once it is in the books. */
  onAck: (() => void) | null = null
  readonly #id: number
  readonly #topic: string
  readonly #ledger: Ledger
  readonly #producer: Producer
  readonly #windowCount: number
  readonly #pauseMs: number
  readonly #sequences: number[]
  #stopping = false
  #wake: (() => void) | null = null

  constructor(client: Client, topic: string, ledger: Ledger, id: number, options: ProducerOptions, windowCount: number, pauseMs = 0) {
    this.#id = id
    this.#topic = topic
    this.#ledger = ledger
    this.#windowCount = windowCount
    this.#pauseMs = pauseMs
    this.#sequences = Array.from({ length: ledger.partitions }, () => 0)
    this.#producer = client.producer(options)
  }

  async run(): Promise<void> {
    while (!this.#stopping && this.failure === null) {
      if (this.unanswered < this.#windowCount) this.#burst()
      else await new Promise<void>((resolve) => void (this.#wake = resolve))
      await (this.#pauseMs > 0 ? pause(Math.random() * this.#pauseMs) : nextTurn())
    }
    await this.#producer.close()
    if (this.failure !== null) throw this.failure
    assert.equal(this.unanswered, 0, `producer ${this.#id}: ${this.unanswered} records without an answer after its close`)
  }

  /** No new records; `run` ends when all are answered. */
  stop(): void {
    this.#stopping = true
    this.#wake?.()
  }

  #burst(): void {
    const partition = Math.floor(Math.random() * this.#sequences.length)
    const count = 1 + Math.floor(Math.random() * BURST_MAX)
    let nextAcked = this.#sequences[partition]!
    const report = (result: DeliveryResult): void => {
      this.unanswered -= result.recordCount
      try {
        if (result.error !== null) throw result.error
        for (let i = 0; i < result.recordCount; i++) {
          const offset = result.baseOffset < 0 ? -1 : result.baseOffset + i
          this.#ledger.acknowledged(partition, offset, this.#id, nextAcked++)
        }
      } catch (error) {
        this.failure ??= error as Error
      }
      this.#wake?.()
      this.onAck?.()
    }
    for (let i = 0; i < count; i++) {
      const sequence = this.#sequences[partition]!++
      this.unanswered++
      this.#producer.append({ topic: this.#topic, partition, key: keyOf(this.#id), value: valueOf(this.#id, sequence) }, report)
    }
  }
}

/** Commits ever higher offsets of a group without members, one commit at a time. */
export class LoadCommitter {
  ackedCount = 0
  failure: Error | null = null
  readonly #client: Client
  readonly #topic: string
  readonly #groupId: string
  /** The last that was acknowledged, and the last that was tried, by partition. */
  readonly #acked: number[]
  readonly #tried: number[]
  #stopping = false

  constructor(client: Client, topic: string, partitions: number, groupId: string) {
    this.#client = client
    this.#topic = topic
    this.#groupId = groupId
    this.#acked = Array.from({ length: partitions }, () => -1)
    this.#tried = Array.from({ length: partitions }, () => -1)
  }

  async run(): Promise<void> {
    const consumer = this.#client.consumer({ groupId: this.#groupId, autoCommit: false })
    for (let offset = 0; !this.#stopping; offset++) {
      const partition = offset % this.#acked.length
      this.#tried[partition] = offset
      try {
        await consumer.commit([{ topic: this.#topic, partition, offset, metadata: `n${offset}` }])
        this.#acked[partition] = offset
        this.ackedCount++
      } catch (error) {
        this.failure ??= error as Error
        break
      }
      await nextTurn()
    }
    await consumer.close()
    if (this.failure !== null) throw this.failure
  }

  stop(): void {
    this.#stopping = true
  }

  /** What the broker has stored is nothing older than what it acknowledged before this call. */
  async check(client: Client): Promise<void> {
    const acked = [...this.#acked]
    const consumer = client.consumer({ groupId: this.#groupId, autoCommit: false })
    const stored = await consumer.committed(acked.map((_, partition) => ({ topic: this.#topic, partition })))
    await consumer.close()
    for (const [partition, offset] of acked.entries()) {
      if (offset < 0) continue
      const found = stored.find((one) => one.partition === partition)
      assert.ok(found !== undefined, `group ${this.#groupId}: no offset of partition ${partition} is left; ${offset} was acknowledged`)
      assert.ok(
        found.offset >= offset && found.offset <= this.#tried[partition]!,
        `group ${this.#groupId}, partition ${partition}: ${found.offset} is stored, ${offset} was acknowledged, ${this.#tried[partition]} tried last`,
      )
      assert.equal(found.metadata, `n${found.offset}`)
    }
  }
}
