import assert from 'node:assert/strict'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { test, type TestContext } from 'node:test'
import { exportKraft, loadBrokerConfig, refuseWithoutTree } from '@ottla/broker'
import { importZooKeeperData } from '@ottla/keeper'
import { recordBatch } from '@ottla/protocol'
import { InitProducerId } from '@ottla/protocol/messages/22-init-producer-id'
import { readMetadata } from '../src/kraft/metadata-log.ts'
import { fetch, produce } from './actions.ts'
import { assertServed, committed, GoldenPlace, latest, topicsOf } from './golden-place.ts'

/**
 * Two log directories that Kafka 3.9.2 wrote as broker 1 of a ZooKeeper 3.8.4, in the znode /kafka, and the ZooKeeper's data; both stopped in
 * order (tests/interop/take-over fills the like). Of the partitions those that are small; of the ZooKeeper's logs the zeros at the end are cut.
 */
class Place extends GoldenPlace {
  constructor(t: TestContext) {
    super(t, 'zookeeper-golden', ['data1', 'data2'])
  }

  async import(): Promise<void> {
    await importZooKeeperData(this.env, `${this.directory}/keeper`, { dataDir: `${this.directory}/zookeeper`, chroot: '/kafka' })
  }

  /** In whichever log directory it lies. */
  file(name: string): string {
    return ['data1', 'data2'].map((directory) => `${this.directory}/${directory}/${name}`).find((path) => existsSync(path))!
  }

  async setJson(path: string, value: object): Promise<void> {
    await this.withTree((zooKeeper) => zooKeeper.setData(path, Buffer.from(JSON.stringify(value))))
  }
}

const TOPICS = 'cleaned codec-gzip codec-lz4 codec-none codec-snappy codec-zstd compacted grown live trimmed txn txn-open'.split(' ')
const INTERNAL = ['__consumer_offsets', '__transaction_state']

test('a directory of Kafka 3.9 with its ZooKeeper is taken over: topics, ids, records, marks, groups and producers', async (t) => {
  const place = new Place(t)
  await place.import()
  const clusterId = (await place.json('/cluster/id'))['id']
  const block = Number((await place.json('/latest_producer_id_block'))['block_end'])
  const trimmed = await place.json('/brokers/topics/trimmed')
  const controllerEpoch = await place.withTree(async (zooKeeper) => Number((await zooKeeper.getData('/controller_epoch')).data))
  const properties = readFileSync(`${place.directory}/data1/meta.properties`)

  const client = await place.start()
  assert.equal(place.broker.broker.clusterId, clusterId)
  const topics = await topicsOf(client)
  assert.deepEqual([...topics.keys()].sort(), [...TOPICS, ...INTERNAL].sort())
  assert.deepEqual(topics.get('trimmed'), { id: trimmed['topic_id'], partitions: 1 })
  assert.equal(topics.get('grown')!.partitions, 4)
  await assertServed(place, client, 18)

  assert.ok((await committed(client, 'group-classic', 'codec-gzip')) > 200)
  // by a transaction that was committed; one that was aborted said 99, and one that is open says 88
  assert.equal(await committed(client, 'group-txn', 'codec-none'), 77)

  const given = await client.request(InitProducerId, 4, { transactionalId: null, transactionTimeoutMs: 0 })
  assert.equal(given.producerId, block + 1)
  assert.equal((await produce(client, 'trimmed', ['by Ottla'])).baseOffset, 100)
  const { records } = await fetch(client, 'trimmed', 100)
  assert.ok(recordBatch.leaderEpoch(records!, 0) > 0, `leader epoch ${recordBatch.leaderEpoch(records!, 0)}`)
  assert.deepEqual(readFileSync(`${place.directory}/data1/meta.properties`), properties)

  await place.broker.stop()
  const epochNow = await place.withTree(async (zooKeeper) => Number((await zooKeeper.getData('/controller_epoch')).data))
  assert.equal(epochNow, controllerEpoch + 1)
  const again = await place.start()
  assert.equal(await latest(again, 'trimmed', 0), 101)
  assert.deepEqual(await topicsOf(again), topics)
})

test('all else of the tree stays as it was: quotas, credentials, rights, offsets of old consumers', async (t) => {
  const place = new Place(t)
  await place.import()
  await place.withTree(async (zooKeeper) => {
    for (const path of ['/consumers/old', '/consumers/old/offsets', '/consumers/old/offsets/txn']) await zooKeeper.create(path, null)
    await zooKeeper.create('/consumers/old/offsets/txn/0', Buffer.from('7'))
  })
  await place.start()
  await place.broker.stop()
  assert.deepEqual(await place.configsOf('/config/users/alice/clients/app%2F1'), { request_percentage: '50.5' })
  assert.deepEqual(await place.configsOf('/config/clients/<default>'), { consumer_byte_rate: '4000000' })
  assert.deepEqual(await place.configsOf('/config/ips/10.0.0.1'), { connection_creation_rate: '10' })
  assert.match((await place.configsOf('/config/users/alice'))['SCRAM-SHA-256']!, /^salt=[\w+/=]+,stored_key=/)
  const rights = (await place.json('/kafka-acl/Topic/grown'))['acls'] as object[]
  assert.deepEqual(rights, [{ principal: 'User:alice', permissionType: 'Allow', operation: 'Read', host: '10.0.0.1' }])
  assert.equal(await place.withTree(async (zooKeeper) => (await zooKeeper.getData('/consumers/old/offsets/txn/0')).data!.toString()), '7')
  assert.deepEqual(await place.withTree((zooKeeper) => zooKeeper.getChildren('/brokers/ids').then(({ children }) => children)), [])
})

test('what the directories know better is taken from them, and what the tree lacks is made', async (t) => {
  const place = new Place(t)
  await place.import()
  writeFileSync(place.file('trimmed-0/leader-epoch-checkpoint'), '0\n2\n0 0\n50 90\n')
  const { topic_id: topicId } = await place.json('/brokers/topics/txn')
  for (const name of ['txn', 'grown']) {
    await place.setJson(`/brokers/topics/${name}`, { version: 1, partitions: (await place.json(`/brokers/topics/${name}`))['partitions'] })
  }
  // of a time before ids
  for (const partition of [0, 1, 2, 3]) rmSync(place.file(`grown-${partition}/partition.metadata`))
  await place.setJson('/latest_producer_id_block', { version: 1, broker: 1, block_start: '0', block_end: '-1' })
  await place.withTree((zooKeeper) => zooKeeper.delete('/brokers/topics/txn-open/partitions/0/state'))
  let client = await place.start()
  assert.equal((await produce(client, 'trimmed', ['by Ottla'])).baseOffset, 100)
  assert.equal(recordBatch.leaderEpoch((await fetch(client, 'trimmed', 100)).records!, 0), 51)
  const topics = await topicsOf(client)
  assert.equal(topics.get('txn')!.id, topicId)
  assert.equal(await latest(client, 'grown', 0), 25)
  assert.equal(await latest(client, 'txn', 0), 18)
  assert.equal(await latest(client, 'txn-open', 0), 10)
  const given = await client.request(InitProducerId, 4, { transactionalId: null, transactionTimeoutMs: 0 })
  assert.ok(given.producerId > 0, `producer id ${given.producerId}`)
  await place.broker.stop()

  // cut short before it said whose tree it is
  await place.withTree((zooKeeper) => zooKeeper.setData('/ottla', null))
  client = await place.start()
  assert.deepEqual(await topicsOf(client), topics)
  assert.equal((await produce(client, 'trimmed', ['again'])).baseOffset, 101)
})

test('who starts on the directories without the tree is told of the import', async (t) => {
  const place = new Place(t)
  const logDirs = ['data1', 'data2'].map((name) => `${place.directory}/${name}`).join()
  const { config } = loadBrokerConfig(new Map([['log.dirs', logDirs]]))
  await assert.rejects(refuseWithoutTree(place.env, config), /'ottla import --zookeeper-data DIR' copies it/)
})

test('a start is refused, by a sentence and without a trace, where the tree is not to be taken over', async (t) => {
  const place = new Place(t)
  await place.import()
  await assert.rejects(place.start({ 'broker.id': '2' }), /log\.dirs belong to broker 1, not 2: set broker\.id=1/)
  const lock = place.env.disk.lock(`${place.directory}/data1/.lock`)
  await assert.rejects(place.start(), /data1\/\.lock is locked/)
  lock.release()

  const topic = await place.json('/brokers/topics/txn')
  await place.setJson('/brokers/topics/txn', { ...topic, partitions: { 0: [1, 2] } })
  await assert.rejects(place.start(), /txn-0 lies on the brokers 1, 2: .* alone; move them there with kafka-reassign-partitions\.sh/)
  await place.setJson('/brokers/topics/txn', { ...topic, partitions: { 1: [1] } })
  await assert.rejects(place.start(), /the topic txn has no partition 0/)
  await place.setJson('/brokers/topics/txn', topic)

  await place.withTree((zooKeeper) => zooKeeper.create('/migration', Buffer.from('{"version":0,"kraft_controller_id":3000}')))
  await assert.rejects(place.start(), /its cluster moves to KRaft, under controller 3000/)
  await place.withTree((zooKeeper) => zooKeeper.delete('/migration'))

  await place.withTree((zooKeeper) => zooKeeper.create('/brokers/ids/4', null))
  await assert.rejects(place.start(), /has Kafka's brokers 4 registered: stop them first/)
  await place.withTree((zooKeeper) => zooKeeper.delete('/brokers/ids/4'))

  const cluster = await place.json('/cluster/id')
  await place.setJson('/cluster/id', { ...cluster, id: 'MkU3OEVBNTcwNTJENDM2Qk' })
  await assert.rejects(place.start(), /the tree is of Kafka's cluster MkU3OEVBNTcwNTJENDM2Qk: they are not each other's/)
  await place.setJson('/cluster/id', cluster)

  assert.equal(await place.withTree((zooKeeper) => zooKeeper.exists('/ottla')), null)
  await place.start()
})

test('from there the way leads on to Kafka 4: the metadata of an export is what the tree said', async (t) => {
  const place = new Place(t)
  await place.import()
  const client = await place.start()
  const topics = await topicsOf(client)
  const { config } = place.broker.broker
  await place.broker.stop()
  await place.withTree((zooKeeper) => exportKraft(place.env, zooKeeper, config, { name: 'CONTROLLER', host: '127.0.0.1', port: 1 }))
  const { image } = await readMetadata(place.env, `${place.directory}/data1/__cluster_metadata-0`)
  assert.deepEqual(
    new Map([...image.topics.values()].map(({ name, id, partitions }) => [name, { id, partitions: partitions.size }])),
    topics,
  )
  assert.equal(image.features.get('metadata.version'), 30)
  assert.equal(image.credentials.size, 1)
  assert.equal(image.quotas.size, 4)
  assert.equal(image.accessControlEntries.size, 3)
  assert.match(readFileSync(`${place.directory}/data2/meta.properties`, 'utf8'), /^version=1\nnode\.id=1\ndirectory\.id=[\w-]{22}$/m)
})
