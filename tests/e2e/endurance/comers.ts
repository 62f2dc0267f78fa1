/** What comes and goes: topics, connections, and questions of an administrator. */
import assert from 'node:assert/strict'
import { BrokerConnection, createClient, type Client } from '@ottla/client'
import type { Env } from '@ottla/env'
import { Fetch } from '@ottla/protocol/messages/01-fetch'
import { Metadata } from '@ottla/protocol/messages/03-metadata'
import { offsetsOf, Passage, recordOf } from './passage.ts'
import { choose, Repeated, type Failures } from './repeated.ts'
import type { RetainedTopic } from './retained-topic.ts'

const TOPIC_MS = 800
const CONNECTION_MS = 150
const QUESTION_MS = 200
const STUCK_MS = 30_000
const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
/** What a topic is made with, and what is set while it is there. */
const CONFIGS: readonly Readonly<Record<string, string>>[] = [
  { 'segment.bytes': '16384' },
  { 'segment.ms': '100' },
  { 'cleanup.policy': 'compact', 'segment.bytes': '16384' },
  { 'flush.messages': '1' },
  { 'flush.before.ack': 'true' },
  { 'message.timestamp.type': 'LogAppendTime' },
  { 'index.interval.bytes': '256', preallocate: 'true', 'segment.bytes': '65536' },
  { 'compression.type': 'lz4' },
]

/** What all their names begin with. */
export const PASSING = 'passing-'

/** One topic after another: made, written, read, changed, read again, deleted; of the same name as the one before, or of a new one. */
export class PassingTopics {
  count = 0
  recordCount = 0
  readonly #env: Env
  readonly #bootstrap: string
  readonly #id: number
  readonly #loop: Repeated

  constructor(env: Env, bootstrap: string, id: number, failures: Failures) {
    this.#env = env
    this.#bootstrap = bootstrap
    this.#id = id
    this.#loop = new Repeated(failures, 'passing topics', TOPIC_MS, () => this.#pass())
  }

  stop(): Promise<void> {
    return this.#loop.stop()
  }

  async #pass(): Promise<void> {
    const name = `${PASSING}${this.#id}${this.count % 2 === 0 ? '' : `-${this.count}`}`
    const partitions = 1 + Math.floor(Math.random() * 3)
    const client = createClient(this.#env, { bootstrap: this.#bootstrap, clientId: 'writer' })
    try {
      const admin = client.admin()
      await admin.createTopic({ name, partitions, configs: choose(CONFIGS) })
      const ends = await offsetsOf(client, name, partitions, 'latest')
      assert.deepEqual(ends, Array<number>(partitions).fill(0), `${name} is new and has records`)
      const written = await this.#write(client, name, partitions, 0)
      const changes = Object.entries(choose(CONFIGS)).filter(([key]) => key !== 'cleanup.policy' && key !== 'compression.type')
      await admin.incrementalAlterConfigs(
        { type: 'topic', name },
        changes.map(([key, value]) => ({ name: key, operation: 'set', value })),
      )
      const [entries] = await admin.describeConfigs([{ type: 'topic', name }])
      for (const [key, value] of changes) assert.equal(entries!.find((entry) => entry.name === key)?.value, value, `${key} of ${name}`)
      const writtenLater = await this.#write(client, name, partitions, 1)
      assert.equal(await this.#read(client, name, partitions), written + writtenLater, `records of ${name}`)
      this.recordCount += written + writtenLater
      const [result] = await admin.deleteTopics([name])
      assert.equal(result!.error, null)
      assert.ok(!(await admin.listTopics()).some((topic) => topic.name === name), `${name} was deleted`)
      this.count++
    } finally {
      client.close()
    }
  }

  async #write(client: Client, topic: string, partitions: number, writer: number): Promise<number> {
    let written = 0
    const producer = client.producer({ compression: choose(CODECS), ...(Math.random() < 0.5 ? { acks: 1 as const } : {}) })
    for (let partition = 0; partition < partitions; partition++) {
      const count = 1 + Math.floor(Math.random() * 100)
      const records = Array.from({ length: count }, (_, sequence) => ({ topic, partition, ...recordOf(writer, sequence) }))
      await producer.sendMany(records)
      written += count
    }
    await producer.close()
    return written
  }

  /** All of it: the keys are unique, so that compaction takes none of them. */
  async #read(client: Client, topic: string, partitions: number): Promise<number> {
    const ends = await offsetsOf(client, topic, partitions, 'latest')
    const passages = ends.map((_, partition) => new Passage(`${topic}-${partition}`, 0))
    const consumer = client.consumer({ autoOffsetReset: 'none' })
    consumer.assign(ends.map((_, partition) => ({ topic, partition })))
    for (const partition of ends.keys()) consumer.seek({ topic, partition }, 0)
    while (passages.some(({ nextOffset }, partition) => nextOffset < ends[partition]!)) {
      const batch = await consumer.next(STUCK_MS)
      assert.ok(batch !== null, `nothing comes any more of ${topic}`)
      for (const record of batch.records) passages[batch.partition]!.meet(record)
    }
    await consumer.close()
    return passages.reduce((sum, { count }) => sum + count, 0)
  }
}

/** Connections that ask something and go, some of them before they have their answer. */
export class PassingConnections {
  count = 0
  readonly #loop: Repeated

  constructor(env: Env, port: number, topic: RetainedTopic, failures: Failures) {
    this.#loop = new Repeated(failures, 'passing connections', CONNECTION_MS, async () => {
      const connection = await BrokerConnection.open(env, { host: '127.0.0.1', port }, { clientId: 'comer' })
      this.count++
      if (Math.random() < 0.5) await connection.request(Metadata, { topics: null }, { versionMax: 9 })
      else {
        const partitions = [{ partition: 0, fetchOffset: topic.books[0]!.tail.nextOffset, partitionMaxBytes: 1 << 20 }]
        const request = { maxWaitMs: 20_000, minBytes: 1 << 20, topics: [{ topic: topic.name, partitions }], forgottenTopicsData: [] }
        connection.request(Fetch, request, { versionMax: 12 }).catch(() => {})
      }
      connection.close()
    })
  }

  stop(): Promise<void> {
    return this.#loop.stop()
  }
}

/** What a console asks all the time. */
export class Administrator {
  count = 0
  readonly #loop: Repeated

  constructor(client: Client, topics: readonly RetainedTopic[], failures: Failures) {
    const admin = client.admin()
    const questions = [
      () => admin.describeConfigs([{ type: 'topic', name: choose(topics).name }]),
      () => admin.describeConfigs([{ type: 'broker', name: '' }]),
      () => admin.listTopics(),
      () => admin.describeCluster(),
      async () => admin.describeGroups((await admin.listGroups()).map(({ groupId }) => groupId)),
      async () => {
        const { name, partitions, books } = choose(topics)
        const at = choose(['earliest', 'latest', 'max-timestamp', Date.now() - 2000] as const)
        const queries = Array.from({ length: partitions }, (_, partition) => ({ topic: name, partition, at }))
        const before = books.map(({ tail }) => tail.nextOffset)
        for (const { partition, offset } of await admin.listOffsets(queries))
          if (at === 'latest')
            assert.ok(offset >= before[partition]!, `${name}-${partition} ends at ${offset}, and ${before[partition]} was read`)
      },
    ]
    this.#loop = new Repeated(failures, 'the administrator', QUESTION_MS, async () => {
      await choose(questions)()
      this.count++
    })
  }

  stop(): Promise<void> {
    return this.#loop.stop()
  }
}
