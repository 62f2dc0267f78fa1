/** Creates topics and deletes them; what was acknowledged of either is so for ever after. */
import assert from 'node:assert/strict'
import { isRetriable, type Client } from '@ottla/client'
import type { Host } from '@ottla/env/sim'
import { Actor } from './actors.ts'

const PAUSE_MS = 40

export class Founder extends Actor {
  createdCount = 0
  deletedCount = 0
  readonly #client: Client
  /** Acknowledged as created and not asked to be deleted since, with the id that was told (null where the answer was lost). */
  readonly #there = new Set<string>()
  readonly #gone = new Set<string>()
  #next = 0

  constructor(host: Host, client: Client) {
    super(host)
    this.#client = client
  }

  protected async work(): Promise<void> {
    while (!this.stopping) {
      const { random } = this.host
      if (this.#there.size > 2 || (this.#there.size > 0 && random.below(3) === 0)) await this.#delete()
      else await this.#create()
      await this.pause(PAUSE_MS)
    }
  }

  async #create(): Promise<void> {
    const name = `town-${this.#next++}`
    await this.#ask(() => this.#client.admin().createTopic({ name, partitions: 1 + this.host.random.below(2) }), /TOPIC_ALREADY_EXISTS/)
    this.#there.add(name)
    this.createdCount++
  }

  async #delete(): Promise<void> {
    const [name] = this.#there
    this.#there.delete(name!)
    const deleteIt = async (): Promise<void> => {
      const [result] = await this.#client.admin().deleteTopics([name!])
      if (result!.error !== null) throw result!.error
    }
    await this.#ask(deleteIt, /UNKNOWN_TOPIC_OR_PARTITION/)
    this.#gone.add(name!)
    this.deletedCount++
  }

  /** Again after an end that came between the deed and its answer, which then is `done`; and where the disk was full or failing. */
  async #ask(deed: () => Promise<void>, done: RegExp): Promise<void> {
    while (true) {
      try {
        await deed()
        return
      } catch (error) {
        const { message } = error as Error
        if (done.test(message)) return
        if (this.stopping || !(isRetriable(error) || /KAFKA_STORAGE_ERROR|REQUEST_TIMED_OUT|UNKNOWN_SERVER_ERROR/.test(message)))
          throw error
        await this.pause(PAUSE_MS)
      }
    }
  }

  /** To be called soon after a start: what was acknowledged before holds. */
  async check(client: Client): Promise<void> {
    const [there, gone] = [[...this.#there], [...this.#gone]]
    const names = new Map((await client.admin().listTopics()).map((topic) => [topic.name, topic]))
    // one that is being deleted meanwhile was asked to be
    for (const name of there) assert.ok(names.has(name) || !this.#there.has(name), `topic ${name} was acknowledged and is gone`)
    for (const name of gone) assert.ok(!names.has(name), `topic ${name} was deleted and is back`)
  }
}
