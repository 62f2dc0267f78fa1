/** Commits ever higher offsets of some groups, and deletes a group now and then; what was acknowledged of either holds ever after. */
import assert from 'node:assert/strict'
import { isRetriable, type Client } from '@ottla/client'
import type { Host } from '@ottla/env/sim'
import { Actor } from './actors.ts'

const GROUPS = 3
const PARTITIONS = 3
/** Whose offsets they are. */
export const REGISTERED = { name: 'registered', partitions: PARTITIONS }
/** One deed in so many. */
const DELETIONS = 25
const PAUSE_MS = 15
const RETRIED = /KAFKA_STORAGE_ERROR|REQUEST_TIMED_OUT|UNKNOWN_SERVER_ERROR|COORDINATOR|NETWORK_EXCEPTION/

/** One group's stored offset of one partition. */
interface Stored {
  /** Acknowledged last, -1: none, or that it was deleted. */
  acked: number
  /** What may stand there beside it: asked for and not acknowledged. */
  readonly asked: Set<number>
}

export class Registrar extends Actor {
  commitCount = 0
  deletionCount = 0
  readonly #client: Client
  readonly #stored: readonly (readonly Stored[])[]
  #next = 0

  constructor(host: Host, client: Client) {
    super(host)
    this.#client = client
    this.#stored = Array.from({ length: GROUPS }, () => Array.from({ length: PARTITIONS }, () => ({ acked: -1, asked: new Set() })))
  }

  protected async work(): Promise<void> {
    const { random } = this.host
    while (!this.stopping) {
      const group = random.below(GROUPS)
      if (random.below(DELETIONS) === 0) await this.#delete(group)
      else await this.#commit(group, random.below(PARTITIONS))
      await this.pause(PAUSE_MS)
    }
  }

  async #commit(group: number, partition: number): Promise<void> {
    const stored = this.#stored[group]![partition]!
    const offset = ++this.#next
    await this.#ask([stored], offset, () =>
      this.#client.admin().alterGroupOffsets(nameOf(group), [{ topic: REGISTERED.name, partition, offset }]),
    )
    this.commitCount++
  }

  async #delete(group: number): Promise<void> {
    await this.#ask(this.#stored[group]!, -1, () => this.#client.admin().deleteGroup(nameOf(group)))
    this.deletionCount++
  }

  /** Again until it is done; till then either may stand there. */
  async #ask(all: readonly Stored[], offset: number, deed: () => Promise<void>): Promise<void> {
    for (const { asked } of all) asked.add(offset)
    for (;;) {
      try {
        await deed()
        break
      } catch (error) {
        const { message } = error as Error
        if (offset < 0 && /GROUP_ID_NOT_FOUND/.test(message)) break
        if (this.stopping) return
        if (!isRetriable(error) && !RETRIED.test(message)) throw error
        await this.pause(PAUSE_MS)
      }
    }
    for (const stored of all) {
      stored.acked = offset
      stored.asked.clear()
    }
  }

  /** To be called while the server lives. `mayBeOlder`: the power took what it might; what stands there now is what is known. */
  async check(client: Client, mayBeOlder: boolean): Promise<void> {
    for (const [group, each] of this.#stored.entries()) {
      const found = new Map((await client.admin().listGroupOffsets(nameOf(group))).map(({ partition, offset }) => [partition, offset]))
      for (const [partition, stored] of each.entries()) {
        const offset = found.get(partition) ?? -1
        if (mayBeOlder) {
          assert.ok(offset <= this.#next, `${nameOf(group)} has offset ${offset} of partition ${partition}, which nobody committed`)
          stored.acked = offset
          continue
        }
        const asked = [...stored.asked].join()
        assert.ok(
          offset === stored.acked || stored.asked.has(offset),
          `${nameOf(group)} has offset ${offset} of partition ${partition}; ${stored.acked} was acknowledged; asked for since: ${asked}`,
        )
      }
    }
  }
}

const nameOf = (group: number): string => `registered-${group}`
