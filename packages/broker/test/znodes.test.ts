/** A znode that somebody wrote by hand can't be read: who meets it says which one, what it has and what helps. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exportKraft } from '@ottla/broker'
import { ErrorCode } from '@ottla/protocol'
import { CreateTopics } from '@ottla/protocol/messages/19-create-topics'
import { withKeeper } from '@ottla/keeper'
import type { ZooKeeper } from '@ottla/zookeeper'
import { createTopic, fetch, produce, valuesIn } from './actions.ts'
import { Elsewhere } from './elsewhere.ts'
import { brokerTest, type TestBroker } from './test-broker.ts'

const STATE = '/brokers/topics/b/partitions/0/state'

function withTree<T>({ env, config }: TestBroker, work: (tree: ZooKeeper) => Promise<T>): Promise<T> {
  return withKeeper(env, config.keeperDir, work)
}

brokerTest('neither a start nor an export takes a znode that can not be read, and each names it', {}, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'b')
  await produce(client, 'b', ['kept'])
  await place.stop()
  for (const [path, data, shown] of [
    ['/brokers/topics/b', '{garbage', 'the data "{garbage"'],
    ['/brokers/topics/b', '', 'no data'],
    ['/brokers/topics/b', '{"partitions":{"0":1}}', 'the data '],
    ['/brokers/topics/b', 'null', 'the data "null"'],
    [STATE, '{x', 'the data "{x"'],
    [STATE, '{"leader":1}', 'the data '],
    [
      '/config/topics/b',
      `{"config":{"a":1},"${'x'.repeat(100)}":1}`,
      `the data ${JSON.stringify(`{"config":{"a":1},"${'x'.repeat(41)}…`)}`,
    ],
    ['/latest_producer_id_block', '{"block_end":"many"}', 'the data '],
    ['/cluster/id', '[]', 'the data "[]"'],
    ['/controller_epoch', 'abc', 'the data "abc"'],
    ['/controller_epoch', '', 'no data'],
  ] as const) {
    const before = await withTree(place, async (tree) => {
      const { data: known } = await tree.getData(path)
      await tree.setData(path, Buffer.from(data))
      return known
    })
    const says = ({ name, message }: Error): boolean => {
      assert.equal(name, 'Error')
      assert.ok(message.startsWith(`the znode ${path} has ${shown}`), message)
      assert.ok(message.includes(`'ottla zk set'`), message)
      assert.equal(message.includes('rebuild --from-keeper'), path.includes('/topics/'))
      return true
    }
    if (path !== '/latest_producer_id_block') await assert.rejects(place.start(), says, `${path} ${data}`)
    if (path !== '/controller_epoch')
      await assert.rejects(
        withTree(place, (tree) => exportKraft(place.env, tree, place.config, null)),
        says,
      )
    await withTree(place, (tree) => tree.setData(path, before))
  }
  await place.start()
  assert.deepEqual(valuesIn((await fetch(await place.connect(), 'b', 0)).records), ['kept'])
})

test('a broker goes on with what it had of a topic whose znode can not be read any more, warns, and follows it when it is mended', async () => {
  const place = await Elsewhere.open()
  await place.start()
  const client = await place.connect()
  await place.complete(createTopic(client, 'b'))
  const tree = await place.session()
  const { data } = await place.complete(tree.getData(STATE))
  await place.complete(tree.setData(STATE, Buffer.from('{x')))
  await place.until('a warning', () =>
    place.warnings.some((line) => line.startsWith(`b stays as it was: the znode ${STATE} has the data "{x"`)),
  )
  assert.equal((await place.complete(produce(client, 'b', ['on']))).errorCode, 0)
  await place.complete(tree.setData(STATE, Buffer.from(data!.toString().replace('"leader_epoch":0', '"leader_epoch":7'))))
  await place.until('it is followed', () => place.broker.topics.byName('b')!.partitions[0]!.leaderEpoch === 7)
  assert.deepEqual(place.errors, [])
})

test('who writes /controller_epoch is warned while it is no number; then the broker is elected again', async () => {
  const place = await Elsewhere.open()
  await place.start()
  const client = await place.connect()
  const tree = await place.session()
  const create = async (name: string): Promise<number> => {
    const asked = { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
    return (await place.complete(client.request(CreateTopics, 7, { topics: [asked] }))).topics[0]!.errorCode
  }
  await place.complete(tree.setData('/controller_epoch', Buffer.from('abc')))
  assert.equal(await create('a'), ErrorCode.NOT_CONTROLLER)
  await place.until('a warning', () => place.warnings.some((line) => line.includes('the znode /controller_epoch has the data "abc"')))
  assert.equal(await create('a'), ErrorCode.NOT_CONTROLLER)
  await place.complete(tree.setData('/controller_epoch', Buffer.from('9')))
  await place.passTime(10_000)
  assert.equal(await create('a'), 0)
  assert.deepEqual(place.errors, [])
})
