import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { createClient, isRetriable, type AssignorName, type Client, type ConsumedBatch, type Consumer } from '@ottla/client'
import type { Env } from '@ottla/env'
import { assertTaken, offsetsOf } from './passage.ts'
import { choose, Repeated, type Failures } from './repeated.ts'
import type { RetainedTopic } from './retained-topic.ts'

const MEMBERS_MAX = 3
/** The least that the broker lets a member have. */
const SESSION_MS = 6_000
const CHANGE_MS = 1500
const WAIT_MS = 300
const FINISH_MS = 60_000

interface Member {
  readonly client: Client
  readonly consumer: Consumer
  reading: Promise<void>
  /** It has gone, or is about to: what it meets now is nobody's. */
  gone: boolean
}

/** A group on a topic, whose members come, go in good order, and vanish; between them they skip nothing that retention has not taken. */
export class Members {
  readonly groupId: string
  count = 0
  /** What retention took before a member was there. */
  overtakenCount = 0
  readonly #env: Env
  readonly #bootstrap: string
  readonly #client: Client
  readonly #topic: RetainedTopic
  readonly #assignor: AssignorName
  readonly #failures: Failures
  /** Up to where the group has seen all, by partition. */
  readonly #covered: number[]
  readonly #members: Member[] = []
  readonly #changing: Repeated

  constructor(env: Env, bootstrap: string, client: Client, topic: RetainedTopic, assignor: AssignorName, failures: Failures) {
    this.groupId = `${assignor}-of-${topic.name}`
    this.#env = env
    this.#bootstrap = bootstrap
    this.#client = client
    this.#topic = topic
    this.#assignor = assignor
    this.#failures = failures
    this.#covered = Array.from({ length: topic.partitions }, () => 0)
    this.#changing = new Repeated(failures, `the group ${this.groupId}`, CHANGE_MS, () => this.#change())
  }

  /** All of the topic is read, its commits say no more than that, and the last member goes. */
  async end(): Promise<void> {
    await this.#changing.stop()
    if (this.#members.length === 0) this.#join()
    const { name, partitions } = this.#topic
    const ends = await offsetsOf(this.#client, name, partitions, 'latest')
    const giveUpAt = performance.now() + FINISH_MS
    for (;;) {
      const starts = await offsetsOf(this.#client, name, partitions, 'earliest')
      if (this.#covered.every((offset, partition) => Math.max(offset, starts[partition]!) >= ends[partition]!)) break
      this.#failures.check()
      assert.ok(performance.now() < giveUpAt, `the group ${this.groupId} has seen ${this.#covered.join()} of ${ends.join()}`)
      await pause(100)
    }
    await this.close()
    const committed = await this.#client.admin().listGroupOffsets(this.groupId)
    for (const { partition, offset } of committed)
      assert.ok(
        offset <= this.#covered[partition]!,
        `${this.groupId} committed ${offset} of ${name}-${partition}; seen is ${this.#covered[partition]}`,
      )
  }

  async close(): Promise<void> {
    await this.#changing.stop()
    while (this.#members.length > 0) await this.#leave()
  }

  /** The group goes once it is empty: those that vanished, or were just joining when they left, are members until their sessions end. */
  async delete(): Promise<void> {
    const giveUpAt = performance.now() + FINISH_MS
    for (;;) {
      try {
        return await this.#client.admin().deleteGroup(this.groupId)
      } catch (error) {
        if (!/NON_EMPTY_GROUP/.test(String(error)) || performance.now() > giveUpAt) throw error
      }
      await pause(100)
    }
  }

  #change(): Promise<void> | void {
    const { length } = this.#members
    if (length === 0 || (length < MEMBERS_MAX && Math.random() < 0.6)) return this.#join()
    return Math.random() < 0.3 ? this.#vanish() : this.#leave()
  }

  #join(): void {
    const client = createClient(this.#env, { bootstrap: this.#bootstrap, clientId: `member-of-${this.groupId}` })
    const consumer = client.consumer({
      groupId: this.groupId,
      autoOffsetReset: 'earliest',
      autoCommitIntervalMs: 300,
      sessionTimeoutMs: SESSION_MS,
      assignors: [this.#assignor],
      minBytes: 4096,
      maxWaitMs: 200,
    })
    consumer.subscribe([this.#topic.name])
    const member: Member = { client, consumer, reading: Promise.resolve(), gone: false }
    member.reading = this.#read(member).catch((error: unknown) => {
      if (!member.gone) this.#failures.add(error, `a member of ${this.groupId}`)
    })
    this.#members.push(member)
  }

  async #leave(): Promise<void> {
    const [member] = this.#members.splice(this.#members.indexOf(choose(this.#members)), 1)
    await member!.consumer.close().catch(allowRebalance)
    member!.gone = true
    await member!.reading
    member!.client.close()
  }

  /** Its connections end, and it says nothing: the broker waits for its session's end. */
  async #vanish(): Promise<void> {
    const [member] = this.#members.splice(this.#members.indexOf(choose(this.#members)), 1)
    member!.gone = true
    member!.client.close()
    await member!.consumer.close().catch(() => {})
    await member!.reading
  }

  async #read(member: Member): Promise<void> {
    const { consumer } = member
    for (;;) {
      let batch: ConsumedBatch | null
      try {
        batch = await consumer.next(WAIT_MS)
      } catch (error) {
        if (member.gone) return
        allowRebalance(error)
        continue
      }
      if (batch === null) {
        if (!this.#members.includes(member)) return
        continue
      }
      const { partition, nextOffset, records } = batch
      const first = records[0]!.offset
      if (first > this.#covered[partition]!) {
        await assertTaken(this.#client, this.#topic.name, partition, this.#covered[partition]!, first)
        this.overtakenCount += first - this.#covered[partition]!
      }
      this.#covered[partition] = Math.max(this.#covered[partition]!, nextOffset)
      this.count += records.length
    }
  }
}

function allowRebalance(error: unknown): void {
  if (!isRetriable(error) && !/REBALANCE_IN_PROGRESS|UNKNOWN_MEMBER_ID|ILLEGAL_GENERATION/.test(String(error))) throw error
}
