/** What depends on the moment, on a simulated clock. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { World } from '@ottla/env/sim'
import { Produce } from '@ottla/protocol/messages/00-produce'
import { ListOffsets } from '@ottla/protocol/messages/02-list-offsets'
import { Metadata } from '@ottla/protocol/messages/03-metadata'
import { createClient, type Client } from '../src/index.ts'
import { FakeCluster, HANG } from './fake-cluster.ts'

const LIMIT_MS = 600_000

interface Simulated {
  readonly world: World
  readonly cluster: FakeCluster
  readonly client: Client
}

async function simulate(seed: number): Promise<Simulated> {
  const world = new World(seed)
  const host = world.host('a')
  const cluster = await world.complete(FakeCluster.start(host), LIMIT_MS)
  cluster.createTopic('orders')
  return { world, cluster, client: createClient(host, { bootstrap: cluster.bootstrap }) }
}

const EVENTS_MAX = 20_000

test('a batch fails at the very moment at which its time is over, however that is rounded', async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const { world, cluster, client } = await simulate(seed)
    cluster.intercept(Produce, () => HANG)
    const producer = client.producer({ deliveryTimeoutMs: 120_000, requestTimeoutMs: 1000 })
    for (let at = 0; at < 10; at++) {
      let failure: Error | null = null
      producer.send({ topic: 'orders', value: 'a' }).catch((error) => void (failure = error as Error))
      const endEvents = world.eventCount + EVENTS_MAX
      await world.run(() => failure !== null || world.eventCount > endEvents, LIMIT_MS)
      assert.match(String(failure), /could not be delivered within 120000 ms/)
    }
    client.close()
  }
})

test('offsets of a partition without a leader are asked for again with new metadata, those of the others at once', async () => {
  const { world, cluster, client } = await simulate(1)
  cluster.createTopic('two', 2)
  let isLed = false
  cluster.intercept(Metadata, () => {
    if (isLed) return undefined
    const topic = cluster.log.metadataOf('two')
    const partitions = topic.partitions!.map((partition, at) => (at === 0 ? partition : { ...partition, leaderId: -1 }))
    const brokers = cluster.brokers.map(({ nodeId, address }) => ({ nodeId, ...address }))
    return { brokers, clusterId: 'fake', controllerId: 0, topics: [{ ...topic, partitions }] }
  })
  const found = client.admin().listOffsets([0, 1].map((partition) => ({ topic: 'two', partition, at: 'latest' })))
  assert.ok(await world.run(() => cluster.callsOf(ListOffsets).length === 1, LIMIT_MS))
  isLed = true
  assert.deepEqual(
    (await world.complete(found, LIMIT_MS)).map(({ offset }) => offset),
    [0, 0],
  )
  client.close()
})
