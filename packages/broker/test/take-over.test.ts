import assert from 'node:assert/strict'
import { appendFileSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { exportKraft, rebuildTree, refuseWithoutTree } from '@ottla/broker'
import { openKeeper } from '@ottla/keeper'
import { BatchBuilder, ControlType, recordBatch } from '@ottla/protocol'
import { VotersRecord } from '@ottla/protocol/data/control-records'
import { encodeMetadataRecord, type MetadataRecordToWrite } from '@ottla/protocol/data/metadata-records'
import { InitProducerId } from '@ottla/protocol/messages/22-init-producer-id'
import type { MetadataImage } from '../src/kraft/metadata-image.ts'
import { readMetadata } from '../src/kraft/metadata-log.ts'
import { mustBeOnlyVoter } from '../src/kraft/quorum-voters.ts'
import { fetch, produce } from './actions.ts'
import { assertServed, committed, GoldenPlace, latest, topicsOf } from './golden-place.ts'

/**
 * Two log directories that Kafka 4.3.1 wrote as one node and stopped in order (tests/interop/take-over fills the like): those of its partitions
 * that are small. Its metadata is whole twice: the log from its first record on, and a checkpoint with the records after it.
 */
const GOLDEN = fileURLToPath(new URL('kraft-golden', import.meta.url))
const CLUSTER = 'MkU3OEVBNTcwNTJENDM2Qk'
const METADATA = 'data1/__cluster_metadata-0'
const CHECKPOINT = '00000000000000000292-0000000001.checkpoint'
const LOG_END = 294
const TOPICS = 'codec-zstd compacted codec-lz4 txn trimmed codec-gzip codec-none grown txn-open codec-snappy'.split(' ')

class Place extends GoldenPlace {
  #metadataEnd = LOG_END

  constructor(t: TestContext) {
    super(t, 'kraft-golden', ['data1', 'data2', 'data3'])
  }

  get metadataLog(): string {
    return `${this.directory}/${METADATA}`
  }

  /** What the metadata comes to. A registration and a checkpoint list a broker's features in different order. */
  async image(): Promise<MetadataImage> {
    const { image } = await readMetadata(this.env, this.metadataLog)
    for (const broker of image.brokers.values()) {
      broker.features.sort((a, b) => (a.name < b.name ? -1 : 1))
      broker.logDirs.sort()
    }
    return image
  }

  /** As a quorum writes that it has other voters. */
  appendVoters(...ids: readonly number[]): void {
    const voters = ids.map((voterId) => ({
      voterId,
      voterDirectoryId: 'AAAAAAAAAAAAAAAAAAAAAQ',
      endpoints: [{ name: 'CONTROLLER', host: 'localhost', port: 9093 }],
      kRaftVersionFeature: { minSupportedVersion: 0, maxSupportedVersion: 1 },
    }))
    const builder = new BatchBuilder({ baseOffset: this.#metadataEnd, leaderEpoch: 2, isControl: true })
    const key = Buffer.from([0, 0, 0, ControlType.KRAFT_VOTERS])
    builder.append(key, VotersRecord.toBuffer(0, { version: 0, voters }), [], 0)
    appendFileSync(`${this.metadataLog}/00000000000000000000.log`, builder.build())
    this.#metadataEnd++
  }

  /** As Kafka would write it: one batch, in the epoch that comes next. */
  appendMetadata(...records: readonly (readonly [MetadataRecordToWrite, number?])[]): void {
    const builder = new BatchBuilder({ baseOffset: this.#metadataEnd, leaderEpoch: 2 })
    for (const [record, version = 0] of records) builder.append(null, encodeMetadataRecord(record, version), [], 0)
    appendFileSync(`${this.metadataLog}/00000000000000000000.log`, builder.build())
    this.#metadataEnd += records.length
  }
}

const quotasOf = ({ quotas }: MetadataImage): Set<string> =>
  new Set([...quotas.values()].map(({ entity, values }) => JSON.stringify([entity.map((part) => Object.values(part)).sort(), [...values]])))

test('the image of a checkpoint and the records after it is the image of all records', async (t) => {
  const place = new Place(t)
  const image = await place.image()
  assert.equal(image.endOffset, LOG_END)
  assert.deepEqual(
    [...image.topics.values()].map(({ name }) => name).sort(),
    [...TOPICS, '__consumer_offsets', '__transaction_state'].sort(),
  )
  rmSync(`${place.metadataLog}/${CHECKPOINT}`)
  assert.deepEqual(await place.image(), image)
  rmSync(`${place.metadataLog}/00000000000000000000-0000000000.checkpoint`)
  assert.deepEqual(await place.image(), image)
})

test('a checkpoint that was cut is passed over, and so is a torn end of the log', async (t) => {
  const place = new Place(t)
  const image = await place.image()
  const checkpoint = `${place.metadataLog}/${CHECKPOINT}`
  const whole = readFileSync(checkpoint)
  for (const length of [0, 60, whole.length - 1, whole.length - 90]) {
    writeFileSync(checkpoint, whole.subarray(0, length))
    assert.deepEqual(await place.image(), image)
  }
  appendFileSync(`${place.metadataLog}/00000000000000000000.log`, Buffer.alloc(100, 1))
  assert.deepEqual(await place.image(), image)
})

test('records that are in no file are missed', async (t) => {
  const place = new Place(t)
  renameSync(`${place.metadataLog}/00000000000000000000.log`, `${place.metadataLog}/00000000000000000300.log`)
  await assert.rejects(place.image(), /the records 292 to 299 are in no checkpoint and no segment/)
})

test('a transaction of metadata counts when it ends, and not where it is aborted or left open', async (t) => {
  const place = new Place(t)
  const feature = (featureLevel: number): [MetadataRecordToWrite] => [
    { type: 'FeatureLevel', value: { name: 'share.version', featureLevel } },
  ]
  const level = async (): Promise<number | undefined> => (await place.image()).features.get('share.version')
  assert.equal(await level(), 1)
  place.appendMetadata([{ type: 'BeginTransaction', value: {} }], feature(7))
  assert.equal(await level(), 1)
  place.appendMetadata([{ type: 'AbortTransaction', value: {} }])
  assert.equal(await level(), 1)
  place.appendMetadata([{ type: 'BeginTransaction', value: {} }], feature(0), [{ type: 'EndTransaction', value: {} }])
  assert.equal(await level(), undefined)
})

test('a directory of Kafka 4.3.1 is taken over: topics, ids, configs, records, marks, groups and producers', async (t) => {
  const place = new Place(t)
  const image = await place.image()
  const properties = readFileSync(`${place.directory}/data1/meta.properties`)
  let client = await place.start()
  assert.equal(place.broker.broker.clusterId, CLUSTER)

  const topics = await topicsOf(client)
  assert.equal(topics.size, TOPICS.length + 2)
  for (const { name, id, partitions } of image.topics.values())
    assert.deepEqual(topics.get(name), { id, partitions: partitions.size }, name)
  await assertServed(place, client, 16)

  assert.equal(await committed(client, 'group-classic', 'codec-gzip'), 1000)
  assert.equal(await committed(client, 'group-consumer', 'codec-zstd'), 1000)
  // the hash code of this group is negative
  assert.equal(await committed(client, 'group-txn', 'codec-none'), 77)

  const given = await client.request(InitProducerId, 4, { transactionalId: null, transactionTimeoutMs: 0 })
  assert.ok(given.producerId >= image.nextProducerId, `producer id ${given.producerId}`)
  assert.equal((await produce(client, 'trimmed', ['by Ottla'])).baseOffset, 100)
  const { records } = await fetch(client, 'trimmed', 100)
  assert.ok(recordBatch.leaderEpoch(records!, 0) > 1, `leader epoch ${recordBatch.leaderEpoch(records!, 0)}`)

  assert.deepEqual(readFileSync(`${place.directory}/data1/meta.properties`), properties)
  assert.match(readFileSync(`${place.directory}/data3/meta.properties`, 'utf8'), /version=0\nbroker\.id=1\n/)

  await place.broker.stop()
  client = await place.start()
  assert.equal(await latest(client, 'trimmed', 0), 101)
  await place.broker.stop()
})

test('records that were deleted do not come back where Kafka was killed before it wrote its epochs down', async (t) => {
  const place = new Place(t)
  writeFileSync(`${place.directory}/data2/trimmed-0/leader-epoch-checkpoint`, '0\n1\n0 0\n')
  for (let start = 0; start < 2; start++) {
    const client = await place.start()
    assert.equal(await latest(client, 'trimmed', 0, -2), 40)
    await place.broker.stop()
  }
})

test('quotas, credentials and configs of brokers and groups stand where ZooKeeper-mode Kafka has them', async (t) => {
  const place = new Place(t)
  await place.start()
  await place.broker.stop()
  assert.deepEqual(await place.configsOf('/config/users/alice/clients/app%2F1'), { request_percentage: '50.5' })
  assert.deepEqual(await place.configsOf('/config/clients/<default>'), { consumer_byte_rate: '4000000' })
  assert.deepEqual(await place.configsOf('/config/clients/loader'), { producer_byte_rate: '3000000' })
  assert.deepEqual(await place.configsOf('/config/ips/10.0.0.1'), { connection_creation_rate: '10' })
  assert.deepEqual(await place.configsOf('/config/brokers/1'), { 'log.cleaner.io.max.bytes.per.second': '10000000' })
  assert.equal((await place.configsOf('/config/brokers/<default>'))['log.cleaner.threads'], '2')
  assert.deepEqual(await place.configsOf('/config/groups/group-consumer'), { 'consumer.session.timeout.ms': '46000' })
  const alice = await place.configsOf('/config/users/alice')
  assert.equal(alice['producer_byte_rate'], '1000000')
  assert.equal(alice['consumer_byte_rate'], undefined)
  assert.match(alice['SCRAM-SHA-256']!, /^salt=[\w+/=]+,stored_key=[\w+/=]+,server_key=[\w+/=]+,iterations=4096$/)
  const features = await place.withTree(async (zooKeeper) => JSON.parse((await zooKeeper.getData('/feature')).data!.toString()) as object)
  assert.deepEqual((features as { features: Record<string, unknown> }).features['transaction.version'], { max_version_level: 2 })
})

test('what Kafka changed since the last take-over is taken over, and a take-over that was cut short begins again', async (t) => {
  const place = new Place(t)
  const image = await place.image()
  let client = await place.start()
  const before = await topicsOf(client)
  await place.broker.stop()
  await place.withTree((zooKeeper) => zooKeeper.delete('/ottla/kraft'))
  client = await place.start()
  assert.deepEqual(await topicsOf(client), before)
  await place.broker.stop()

  const topicId = 'jTu_BZFfSYeofFHQ2suv3Q'
  place.appendMetadata(
    [{ type: 'Topic', value: { name: 'later', topicId } }],
    [
      {
        type: 'Partition',
        value: { partitionId: 0, topicId, replicas: [1], isr: [1], removingReplicas: [], addingReplicas: [], leader: 1, leaderEpoch: 0 },
      },
    ],
    [{ type: 'RemoveTopic', value: { topicId: [...image.topics.values()].find(({ name }) => name === 'grown')!.id } }],
    [{ type: 'ProducerIds', value: { brokerId: 1, nextProducerId: 9000 } }],
  )
  client = await place.start()
  const after = await topicsOf(client)
  assert.deepEqual(after.get('later'), { id: topicId, partitions: 1 })
  assert.equal(after.get('grown'), undefined)
  assert.equal((await client.request(InitProducerId, 4, { transactionalId: null, transactionTimeoutMs: 0 })).producerId, 9000)
})

test('the way back: the metadata of an export is that of the take-over, and Ottla goes on from it too', async (t) => {
  const place = new Place(t)
  const taken = await place.image()
  let client = await place.start()
  const { config } = place.broker.broker
  await produce(client, 'trimmed', ['by Ottla'])
  await place.broker.stop()
  const written = await place.withTree((zooKeeper) => exportKraft(place.env, zooKeeper, config, null))
  assert.deepEqual(written.controller, { name: 'CONTROLLER', host: '127.0.0.1', port: 39201 })

  const given = await place.image()
  assert.equal(given.epoch, taken.epoch + 1)
  assert.deepEqual(given.features, taken.features)
  assert.deepEqual(given.configs, taken.configs)
  assert.deepEqual(quotasOf(given), quotasOf(taken))
  assert.deepEqual(given.credentials, taken.credentials)
  assert.equal(given.nextProducerId, taken.nextProducerId)
  for (const { id, name, partitions } of taken.topics.values()) {
    assert.equal(given.topics.get(id)!.name, name)
    for (const [number, before] of partitions) {
      const after = given.topics.get(id)!.partitions.get(number)!
      assert.ok(after.leaderEpoch > before.leaderEpoch, `${name}-${number}`)
      // what the golden directories lack was made anew, somewhere
      const lies = ['data1', 'data2'].some((path) => existsSync(`${GOLDEN}/${path}/${name}-${number}`))
      const directories = lies ? after.directories : before.directories
      assert.deepEqual({ ...after, leaderEpoch: 0, partitionEpoch: 0, directories }, { ...before, leaderEpoch: 0, partitionEpoch: 0 })
    }
  }
  for (const name of ['data1', 'data2', 'data3']) {
    const text = readFileSync(`${place.directory}/${name}/meta.properties`, 'utf8')
    assert.match(text, /^cluster\.id=MkU3OEVBNTcwNTJENDM2Qk\nversion=1\nnode\.id=1\ndirectory\.id=[\w-]{22}$/m)
    const { brokerEpoch } = JSON.parse(readFileSync(`${place.directory}/${name}/.kafka_cleanshutdown`, 'utf8')) as { brokerEpoch: number }
    assert.equal(brokerEpoch, given.brokers.get(1)!.brokerEpoch)
  }

  client = await place.start()
  await topicsOf(client)
  assert.equal(await latest(client, 'trimmed', 0), 101)
})

test('a start is refused, by a sentence and without a trace, where the directory is not to be taken over', async (t) => {
  const place = new Place(t)
  await assert.rejects(place.start({ 'broker.id': '2' }), /log\.dirs belong to node 1, not 2: set node\.id=1/)
  place.appendMetadata([{ type: 'FeatureLevel', value: { name: 'transaction.version', featureLevel: 3 } }])
  await assert.rejects(place.start(), /transaction\.version at level 3, and Ottla has the levels 0 to 2/)
  place.appendMetadata(
    [{ type: 'FeatureLevel', value: { name: 'transaction.version', featureLevel: 2 } }],
    [{ type: 'FeatureLevel', value: { name: 'time.travel', featureLevel: 1 } }],
  )
  await assert.rejects(place.start(), /the feature time\.travel at level 1, which Ottla does not have/)
  assert.equal(await place.withTree((zooKeeper) => zooKeeper.exists('/cluster/id')), null)
})

test('a directory of a quorum of several controllers, or with partitions that lie elsewhere too, is refused by name', async (t) => {
  const place = new Place(t)
  const untaken = (): Promise<unknown> => place.withTree((zooKeeper) => zooKeeper.exists('/cluster/id'))
  place.appendVoters(3, 1, 2)
  await assert.rejects(place.start(), /of the quorum of the controllers 1, 2, 3: .* kafka-metadata-quorum\.sh remove-controller/)
  assert.equal(await untaken(), null)
  place.appendVoters(1)
  const topicId = 'jTu_BZFfSYeofFHQ2suv3Q'
  const partition = { partitionId: 0, topicId, isr: [1], removingReplicas: [], addingReplicas: [], leader: 1, leaderEpoch: 0 }
  place.appendMetadata(
    [{ type: 'Topic', value: { name: 'shared', topicId } }],
    [{ type: 'Partition', value: { ...partition, replicas: [1, 2] } }],
  )
  await assert.rejects(place.start(), /shared-0 lies on the brokers 1, 2: .* move them there with kafka-reassign-partitions\.sh/)
  assert.equal(await untaken(), null)
  place.appendMetadata([{ type: 'PartitionChange', value: { partitionId: 0, topicId, replicas: [2], isr: [2], leader: 2 } }])
  await assert.rejects(place.start(), /shared-0 lies on the brokers 2:/)
  place.appendMetadata([{ type: 'PartitionChange', value: { partitionId: 0, topicId, replicas: [1], isr: [1], leader: 1 } }])
  await place.start()
})

test('the voters of a quorum of a fixed configuration are those of its quorum-state', async (t) => {
  const place = new Place(t)
  const check = (state: object, space = ''): Promise<void> => {
    writeFileSync(`${place.metadataLog}/quorum-state`, space + JSON.stringify(state))
    return mustBeOnlyVoter(place.env.disk, place.metadataLog, null)
  }
  const state = { clusterId: '', leaderId: 1, leaderEpoch: 1, votedId: -1, appliedOffset: 0, data_version: 0 }
  await check({ ...state, currentVoters: [{ voterId: 1 }] })
  await check({ ...state, data_version: 1 })
  await assert.rejects(check({ ...state, currentVoters: [{ voterId: 1 }, { voterId: 2 }] }), /of the controllers 1, 2:/)
  // whole, however long it is
  await assert.rejects(
    check({ ...state, currentVoters: [{ voterId: 1 }, { voterId: 2 }] }, ' '.repeat(1 << 20)),
    /of the controllers 1, 2:/,
  )
})

test('a directory that Kafka still runs on is not taken over', async (t) => {
  const place = new Place(t)
  const lock = place.env.disk.lock(`${place.directory}/data1/.lock`)
  await assert.rejects(place.start(), /data1\/\.lock is locked/)
  lock.release()
  await place.withTree(async (zooKeeper) => assert.equal(await zooKeeper.exists('/brokers/topics/compacted'), null))
})

test('the directory of another cluster is refused by a tree that has one', async (t) => {
  const place = new Place(t)
  await place.broker.start({ 'log.dirs': `${place.directory}/own` })
  await place.broker.stop()
  await assert.rejects(place.start(), /belongs to cluster MkU3OEVBNTcwNTJENDM2Qk, and the keeper's tree to cluster/)
})

test('a lost tree is not taken over from old metadata again: a start is refused until Kafka has run, and a rebuild passes it over', async (t) => {
  const place = new Place(t)
  const client = await place.start()
  const { config } = place.broker
  const before = await topicsOf(client)
  await place.broker.stop()
  await assert.rejects(
    refuseWithoutTree(place.env, config),
    /topic\(s\): __consumer_offsets, .* holds no tree that tells of them; nothing was written/,
  )
  rmSync(config.keeperDir, { recursive: true })
  const keeper = await openKeeper(place.env, config.keeperDir)
  const zooKeeper = keeper.connect()
  const asked = { configs: new Map(), makeMissing: false, brokerDefaults: false, from: null }
  await rebuildTree(place.env, config, asked, (_, write) => write(zooKeeper))
  await zooKeeper.close()
  await keeper.close()
  assert.deepEqual(await topicsOf(await place.start()), before)
  assert.equal(place.broker.broker.topics.byName('compacted')!.config.compact, false, 'not as the metadata says')
  await place.broker.stop()
  place.appendMetadata([{ type: 'NoOp', value: {} }])
  await refuseWithoutTree(place.env, config)
})
