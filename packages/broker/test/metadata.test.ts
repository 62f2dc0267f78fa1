import assert from 'node:assert/strict'
import { ErrorCode } from '@ottla/protocol'
import { Metadata } from '@ottla/protocol/messages/03-metadata'
import { DescribeCluster } from '@ottla/protocol/messages/60-describe-cluster'
import { ZERO_UUID } from '@ottla/wire'
import { createTopic, describeTopic, produce } from './actions.ts'
import { brokerTest } from './test-broker.ts'

const NO_CREATION = { settings: { 'auto.create.topics.enable': false } }

brokerTest('Metadata: all topics by null, in version 0 by an empty list', NO_CREATION, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'a', { partitions: 3 })
  await createTopic(client, 'b')
  for (let version = 0; version <= 13; version++) {
    const response = await client.request(Metadata, version, { topics: version === 0 ? [] : null })
    const topics = response.topics.toSorted((x, y) => (x.name! < y.name! ? -1 : 1))
    assert.deepEqual(
      topics.map(({ name, partitions }) => [name, partitions.length]),
      [
        ['a', 3],
        ['b', 1],
      ],
      `version ${version}`,
    )
    assert.deepEqual(
      topics[0]!.partitions.map(({ partitionIndex }) => partitionIndex),
      [0, 1, 2],
    )
  }
  for (let version = 1; version <= 13; version++) {
    assert.deepEqual((await client.request(Metadata, version, { topics: [] })).topics, [], `version ${version}`)
  }
})

brokerTest('Metadata: the broker, the cluster and each partition, as far as the version tells', NO_CREATION, async (place) => {
  const client = await place.connect()
  const topicId = await createTopic(client, 'a')
  const { port } = place.broker.addresses[0]!
  for (let version = 0; version <= 13; version++) {
    const { brokers, clusterId, controllerId, topics } = await client.request(Metadata, version, { topics: [{ name: 'a' }] })
    assert.deepEqual(
      brokers.map((one) => [one.nodeId, one.port, one.rack]),
      [[1, port, null]],
    )
    if (version >= 1) assert.equal(controllerId, 1)
    if (version >= 2) assert.equal(clusterId, place.broker.clusterId)
    const [
      {
        partitions: [partition],
        ...topic
      },
    ] = topics as [(typeof topics)[number]]
    assert.equal(topic.errorCode, 0)
    assert.equal(topic.topicId, version >= 10 ? topicId : ZERO_UUID)
    assert.equal(topic.isInternal, false)
    assert.deepEqual(partition, {
      errorCode: 0,
      partitionIndex: 0,
      leaderId: 1,
      leaderEpoch: version >= 7 ? 0 : -1,
      replicaNodes: [1],
      isrNodes: [1],
      offlineReplicas: [],
    })
    assert.equal(topic.topicAuthorizedOperations, -2147483648)
  }
})

brokerTest('Metadata: by id from version 12, an unknown id is told so', NO_CREATION, async (place) => {
  const client = await place.connect()
  const topicId = await createTopic(client, 'a')
  for (const version of [12, 13]) {
    const known = await client.request(Metadata, version, { topics: [{ name: null, topicId }] })
    assert.deepEqual(
      known.topics.map((topic) => [topic.errorCode, topic.name, topic.topicId]),
      [[0, 'a', topicId]],
    )
    const unknown = 'abcdefghijklmnopqrstuw'
    const {
      topics: [topic],
    } = await client.request(Metadata, version, { topics: [{ name: null, topicId: unknown }] })
    assert.deepEqual([topic!.errorCode, topic!.name, topic!.topicId], [ErrorCode.UNKNOWN_TOPIC_ID, null, unknown])
  }
})

brokerTest('Metadata: names that are unknown or can not be', NO_CREATION, async (place) => {
  const client = await place.connect()
  const names = ['absent', '', '.', '..', 'a b', 'ä', 'a/b', 'x'.repeat(250)]
  for (const version of [1, 4, 9, 12]) {
    const { topics } = await client.request(Metadata, version, { topics: names.map((name) => ({ name })) })
    assert.deepEqual(
      topics.map(({ name }) => name),
      names,
    )
    assert.deepEqual(
      topics.map(({ errorCode }) => errorCode),
      [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, ...names.slice(1).map(() => ErrorCode.INVALID_TOPIC_EXCEPTION)],
    )
  }
})

brokerTest(
  'Metadata: makes the topic it is asked for, where client and broker allow it',
  { settings: { 'num.partitions': 2 } },
  async (place) => {
    const client = await place.connect()
    assert.equal((await describeTopic(client, 'refused')).errorCode, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    for (const version of [0, 3, 4, 13]) {
      const name = `made-${version}`
      const {
        topics: [topic],
      } = await client.request(Metadata, version, { topics: [{ name }], allowAutoTopicCreation: true })
      assert.deepEqual([topic!.errorCode, topic!.partitions.length], [0, 2])
      assert.equal((await produce(client, name, ['first'])).errorCode, 0)
    }
    const {
      topics: [invalid],
    } = await client.request(Metadata, 4, { topics: [{ name: 'not good' }], allowAutoTopicCreation: true })
    assert.equal(invalid!.errorCode, ErrorCode.INVALID_TOPIC_EXCEPTION)
  },
)

brokerTest('Metadata: many clients may ask for the same new topic at once', { seeds: 5 }, async (place) => {
  const clients = await Promise.all(Array.from({ length: 5 }, () => place.connect()))
  const answers = await Promise.all(clients.map((client) => client.request(Metadata, 12, { topics: [{ name: 'new' }] })))
  for (const {
    topics: [topic],
  } of answers) {
    assert(
      [0, ErrorCode.LEADER_NOT_AVAILABLE, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION].includes(topic!.errorCode),
      `error ${topic!.errorCode}`,
    )
  }
  assert.equal((await describeTopic(clients[0]!, 'new')).errorCode, 0)
})

brokerTest(
  'advertised.listeners is what clients are told',
  { settings: { 'advertised.listeners': 'PLAINTEXT://kafka.example:9099' } },
  async (place) => {
    const client = await place.connect()
    const { brokers } = await client.request(Metadata, 9, { topics: [] })
    assert.deepEqual(
      brokers.map(({ host, port }) => [host, port]),
      [['kafka.example', 9099]],
    )
  },
)

brokerTest('DescribeCluster: the cluster and its broker', { settings: { 'broker.rack': 'r1' } }, async (place) => {
  const client = await place.connect()
  for (let version = 0; version <= 2; version++) {
    const response = await client.request(DescribeCluster, version, { includeClusterAuthorizedOperations: false })
    assert.deepEqual([response.errorCode, response.clusterId, response.controllerId], [0, place.broker.clusterId, 1])
    assert.deepEqual(
      response.brokers.map(({ brokerId, rack }) => [brokerId, rack]),
      [[1, 'r1']],
    )
  }
  const controllers = await client.request(DescribeCluster, 1, { includeClusterAuthorizedOperations: false, endpointType: 2 })
  assert.equal(controllers.errorCode, ErrorCode.UNSUPPORTED_ENDPOINT_TYPE)
})
