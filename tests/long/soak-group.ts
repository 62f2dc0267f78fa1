/** Members of a group that come and go; between them they skip no record. */
import assert from 'node:assert/strict'
import { isRetriable, type Client, type ConsumedBatch, type Consumer } from '@ottla/client'

const WAIT_MS = 500
/** The least that the broker lets a member have. */
const SESSION_MS = 6_000

export class SoakGroup {
  readonly topic: string
  failure: Error | null = null
  /** Records that were handed out, again ones too. */
  count = 0
  readonly #client: Client
  readonly #groupId: string
  /** Up to where the group has seen all, by partition. */
  readonly #covered: number[]
  readonly #members = new Map<Consumer, Promise<void>>()

  constructor(client: Client, topic: string, partitions: number) {
    this.#client = client
    this.topic = topic
    this.#groupId = `group-of-${topic}`
    this.#covered = Array.from({ length: partitions }, () => 0)
  }

  get size(): number {
    return this.#members.size
  }

  join(): void {
    const options = {
      groupId: this.#groupId,
      autoOffsetReset: 'earliest',
      autoCommitIntervalMs: 100,
      sessionTimeoutMs: SESSION_MS,
    } as const
    const member = this.#client.consumer({ ...options, assignors: ['cooperative-sticky'] })
    member.subscribe([this.topic])
    const reading = this.#read(member)
    this.#members.set(member, reading)
    reading.catch((error: Error) => void (this.failure ??= error))
  }

  /** One member goes, in good order. */
  async leave(): Promise<void> {
    const [first] = this.#members
    if (first === undefined) return
    const [member, reading] = first
    this.#members.delete(member)
    await member.close().catch(allowUnavailable)
    await reading
  }

  /** Reads until all of the partitions is seen up to these ends, then all members go. */
  async finish(ends: readonly number[], withinMs: number): Promise<void> {
    const giveUpAt = performance.now() + withinMs
    while (this.#covered.some((offset, partition) => offset < ends[partition]!)) {
      if (this.failure !== null) throw this.failure
      assert.ok(performance.now() < giveUpAt, `the group of ${this.topic} has seen ${this.#covered.join()} of ${ends.join()}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    await this.stop()
  }

  async stop(): Promise<void> {
    while (this.size > 0) await this.leave()
    if (this.failure !== null) throw this.failure
  }

  async #read(member: Consumer): Promise<void> {
    for (;;) {
      let batch: ConsumedBatch | null
      try {
        batch = await member.next(WAIT_MS)
      } catch (error) {
        allowUnavailable(error)
        continue
      }
      if (batch === null) {
        if (!this.#members.has(member)) return
        continue
      }
      const { partition, records, nextOffset } = batch
      const covered = this.#covered[partition]!
      const first = records[0]?.offset ?? nextOffset
      assert.ok(
        first <= covered,
        `the group of ${this.topic} goes on at ${first} of partition ${partition}; nobody was given ${covered} up to there`,
      )
      this.#covered[partition] = Math.max(covered, nextOffset)
      this.count += records.length
    }
  }
}

/** The broker is away for a moment, now and then. */
function allowUnavailable(error: unknown): void {
  if (!isRetriable(error) && !/REBALANCE_IN_PROGRESS|UNKNOWN_MEMBER_ID|ILLEGAL_GENERATION/.test(String(error))) throw error
}
