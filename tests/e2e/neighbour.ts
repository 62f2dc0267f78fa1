import assert from 'node:assert/strict'
import { BrokerConnection } from '@ottla/client'
import type { Env } from '@ottla/env'
import { BatchBuilder, readRecords } from '@ottla/protocol'
import { Produce } from '@ottla/protocol/messages/00-produce'
import { Fetch } from '@ottla/protocol/messages/01-fetch'
import { CreateTopics } from '@ottla/protocol/messages/19-create-topics'

/** A client that minds its own business: it writes a record and reads it back, over and over, whatever others do to the broker. */
export class Neighbour {
  readonly #connection: BrokerConnection
  readonly #topic: string
  #rounds = 0
  #failed: Error | null = null
  #stopping = false
  #waiting: { readonly rounds: number; readonly resolve: () => void; readonly reject: (error: Error) => void }[] = []
  readonly #done: Promise<void>

  static async start(env: Env, port: number, topic: string): Promise<Neighbour> {
    const connection = await BrokerConnection.open(env, { host: '127.0.0.1', port }, { clientId: 'neighbour' })
    const topics = [{ name: topic, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }]
    const {
      topics: [made],
    } = await connection.request(CreateTopics, { topics }, { versionMax: 6 })
    assert.equal(made!.errorCode, 0)
    return new Neighbour(connection, topic)
  }

  private constructor(connection: BrokerConnection, topic: string) {
    this.#connection = connection
    this.#topic = topic
    this.#done = this.#live()
  }

  /** Resolves when it has had `count` more rounds; rejects when one went wrong. */
  rounds(count: number): Promise<void> {
    if (this.#failed !== null) return Promise.reject(this.#failed)
    return new Promise((resolve, reject) => this.#waiting.push({ rounds: this.#rounds + count, resolve, reject }))
  }

  async stop(): Promise<void> {
    this.#stopping = true
    await this.#done
    this.#connection.close()
    if (this.#failed !== null) throw this.#failed
  }

  async #live(): Promise<void> {
    try {
      while (!this.#stopping) {
        await this.#round(`round ${this.#rounds}`)
        this.#rounds++
        this.#waiting = this.#waiting.filter(({ rounds, resolve }) => {
          if (rounds <= this.#rounds) resolve()
          return rounds > this.#rounds
        })
      }
    } catch (error) {
      this.#failed = error as Error
      for (const { reject } of this.#waiting.splice(0)) reject(this.#failed)
    }
  }

  async #round(text: string): Promise<void> {
    const builder = new BatchBuilder()
    builder.append(null, Buffer.from(text), [], Date.now())
    const partitionData = [{ index: 0, records: builder.build() }]
    const produced = await this.#connection.request(
      Produce,
      { acks: -1, timeoutMs: 30_000, topicData: [{ name: this.#topic, partitionData }] },
      { versionMax: 9 },
    )
    const { errorCode, baseOffset } = produced.responses[0]!.partitionResponses[0]!
    assert.deepEqual([errorCode, baseOffset], [0, this.#rounds])
    const partitions = [{ partition: 0, fetchOffset: baseOffset, partitionMaxBytes: 1 << 20 }]
    const request = { maxWaitMs: 30_000, minBytes: 1, topics: [{ topic: this.#topic, partitions }], forgottenTopicsData: [] }
    const fetched = await this.#connection.request(Fetch, request, { versionMax: 12 })
    const values = [...readRecords(fetched.responses[0]!.partitions[0]!.records!)].map(({ value }) => value!.toString())
    assert.deepEqual(values, [text])
  }
}
