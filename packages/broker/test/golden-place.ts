import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { nodeEnv } from '@ottla/env/node'
import { withKeeper } from '@ottla/keeper'
import { ListOffsets } from '@ottla/protocol/messages/02-list-offsets'
import { Metadata } from '@ottla/protocol/messages/03-metadata'
import { OffsetFetch } from '@ottla/protocol/messages/09-offset-fetch'
import type { ZooKeeper } from '@ottla/zookeeper'
import { fetch, recordsIn } from './actions.ts'
import type { RawClient } from './raw-client.ts'
import { TestBroker } from './test-broker.ts'

/** A copy of golden directories that Kafka wrote, and a broker for it. */
export class GoldenPlace {
  readonly directory = mkdtempSync(`${tmpdir()}/ottla-take-over-`)
  readonly env = nodeEnv({ logLevel: 'silent' })
  readonly broker = new TestBroker(this.env, this.env, null, this.directory)
  readonly #logDirs: readonly string[]

  /** `golden` is a directory beside this file, and `logDirs` those below it. */
  constructor(t: TestContext, golden: string, logDirs: readonly string[]) {
    this.#logDirs = logDirs
    cpSync(fileURLToPath(new URL(golden, import.meta.url)), this.directory, { recursive: true })
    const alive = setInterval(() => {}, 1 << 30)
    t.after(async () => {
      clearInterval(alive)
      this.broker.closeClients()
      await this.broker.stop()
      rmSync(this.directory, { recursive: true, force: true })
    })
  }

  async start(settings: Record<string, string> = {}): Promise<RawClient> {
    const logDirs = this.#logDirs.map((name) => `${this.directory}/${name}`).join()
    await this.broker.start({ 'log.dirs': logDirs, ...settings })
    return this.broker.connect()
  }

  /** Looks at the tree while no broker runs. */
  withTree<T>(work: (zooKeeper: ZooKeeper) => Promise<T>): Promise<T> {
    return withKeeper(this.env, `${this.directory}/keeper`, work)
  }

  /** A znode's JSON. */
  json(path: string): Promise<Record<string, unknown>> {
    return this.withTree(async (zooKeeper) => JSON.parse((await zooKeeper.getData(path)).data!.toString()) as Record<string, unknown>)
  }

  async configsOf(path: string): Promise<Record<string, string>> {
    return (await this.json(path))['config'] as Record<string, string>
  }
}

export async function topicsOf(client: RawClient): Promise<Map<string, { id: string; partitions: number }>> {
  const { topics } = await client.request(Metadata, 12, { topics: null, allowAutoTopicCreation: false })
  return new Map(topics.map(({ name, topicId, partitions }) => [name!, { id: topicId, partitions: partitions.length }]))
}

/** What clients find in either golden directory; `stableEnd`: of the topic with an aborted, a committed and a last, aborted transaction. */
export async function assertServed({ broker: { broker } }: GoldenPlace, client: RawClient, stableEnd: number): Promise<void> {
  assert.equal(broker.topics.byName('grown')!.overrides.get('retention.ms'), '123456789')
  assert.deepEqual([...broker.topics.byName('compacted')!.config.cleanupPolicy], ['compact'])

  assert.equal(await latest(client, 'trimmed', 0, -2), 40)
  assert.equal(await latest(client, 'trimmed', 0), 100)
  assert.equal(recordsIn((await fetch(client, 'trimmed', 40)).records, 40)[0]!.value!.toString(), 'trimmed 40')

  // 0-4 aborted by 5, 6-10 committed by 11, 12 to the last but one aborted by the last
  const served = await fetch(client, 'txn', 0, { isolationLevel: 1 })
  assert.equal(served.lastStableOffset, stableEnd)
  assert.deepEqual(
    served.abortedTransactions!.map(({ firstOffset }) => firstOffset).sort((a, b) => a - b),
    [0, 12],
  )
  assert.equal(await latest(client, 'txn-open', 1), 0)
  assert.equal(await latest(client, 'txn-open', 0), 10)
}

/** Of partition 0: its end, or with `timestamp` -2 its start. */
export async function latest(client: RawClient, topic: string, isolationLevel: number, timestamp = -1): Promise<number> {
  const topics = [{ name: topic, partitions: [{ partitionIndex: 0, timestamp }] }]
  const answer = await client.request(ListOffsets, 7, { replicaId: -1, isolationLevel, topics })
  return answer.topics[0]!.partitions[0]!.offset
}

/** Of partition 0. */
export async function committed(client: RawClient, group: string, topic: string): Promise<number> {
  const request = { groupId: group, topics: [{ name: topic, partitionIndexes: [0] }], groups: [], requireStable: false }
  for (;;) {
    const answer = await client.request(OffsetFetch, 7, request)
    // the groups are read after the start
    if (answer.errorCode === 14) continue
    assert.equal(answer.errorCode, 0)
    return answer.topics[0]!.partitions[0]!.committedOffset
  }
}
