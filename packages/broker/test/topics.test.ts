import assert from 'node:assert/strict'
import { ErrorCode } from '@ottla/protocol'
import { CreateTopics } from '@ottla/protocol/messages/19-create-topics'
import { DeleteTopics } from '@ottla/protocol/messages/20-delete-topics'
import { Metadata } from '@ottla/protocol/messages/03-metadata'
import { ZERO_UUID, type Encodable } from '@ottla/wire'
import { createTopic, deleteTopic, describeTopic, EARLIEST, fetch, LATEST, offsetAt, produce, valuesIn } from './actions.ts'
import type { RawClient } from './raw-client.ts'
import { brokerTest } from './test-broker.ts'

type NewTopic = Encodable<typeof CreateTopics.request.fields>['topics'][number]

const topic = (name: string, more: Partial<NewTopic> = {}): NewTopic => ({
  name,
  numPartitions: 1,
  replicationFactor: 1,
  assignments: [],
  configs: [],
  ...more,
})

async function codes(client: RawClient, version: number, topics: readonly NewTopic[], validateOnly = false): Promise<number[]> {
  return (await client.request(CreateTopics, version, { topics, validateOnly })).topics.map(({ errorCode }) => errorCode)
}

brokerTest('CreateTopics: every version makes a topic that can be used at once', {}, async (place) => {
  const client = await place.connect()
  for (let version = 0; version <= 7; version++) {
    const name = `v${version}`
    const {
      topics: [made],
    } = await client.request(CreateTopics, version, { topics: [topic(name, { numPartitions: 2 })] })
    assert.deepEqual([made!.name, made!.errorCode], [name, 0])
    if (version >= 5) assert.deepEqual([made!.numPartitions, made!.replicationFactor], [2, 1])
    if (version >= 7) assert.equal(made!.topicId, (await describeTopic(client, name)).topicId)
    assert.equal((await produce(client, name, ['x'], { partition: 1 })).errorCode, 0)
  }
})

brokerTest('CreateTopics: -1 means the defaults of the broker', { settings: { 'num.partitions': 4 } }, async (place) => {
  const client = await place.connect()
  assert.deepEqual(await codes(client, 4, [topic('a', { numPartitions: -1, replicationFactor: -1 })]), [0])
  assert.equal((await describeTopic(client, 'a')).partitions.length, 4)
})

brokerTest('CreateTopics: what it refuses, topic by topic', {}, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'there.already')
  const wrong: [NewTopic, number][] = [
    [topic('there.already'), ErrorCode.TOPIC_ALREADY_EXISTS],
    [topic('there_already'), ErrorCode.INVALID_TOPIC_EXCEPTION],
    [topic(''), ErrorCode.INVALID_TOPIC_EXCEPTION],
    [topic('..'), ErrorCode.INVALID_TOPIC_EXCEPTION],
    [topic('a:b'), ErrorCode.INVALID_TOPIC_EXCEPTION],
    [topic('x'.repeat(250)), ErrorCode.INVALID_TOPIC_EXCEPTION],
    [topic('none', { numPartitions: 0 }), ErrorCode.INVALID_PARTITIONS],
    [topic('negative', { numPartitions: -2 }), ErrorCode.INVALID_PARTITIONS],
    [topic('far-too-many', { numPartitions: 0x7fffffff }), ErrorCode.INVALID_PARTITIONS],
    [topic('copies', { replicationFactor: 2 }), ErrorCode.INVALID_REPLICATION_FACTOR],
    [topic('no-copy', { replicationFactor: 0 }), ErrorCode.INVALID_REPLICATION_FACTOR],
    [topic('key', { configs: [{ name: 'no.such.key', value: '1' }] }), ErrorCode.INVALID_CONFIG],
    [topic('value', { configs: [{ name: 'segment.bytes', value: 'many' }] }), ErrorCode.INVALID_CONFIG],
    [topic('null', { configs: [{ name: 'segment.bytes', value: null }] }), ErrorCode.INVALID_CONFIG],
    [topic('good'), 0],
  ]
  assert.deepEqual(
    await codes(
      client,
      5,
      wrong.map(([one]) => one),
    ),
    wrong.map(([, code]) => code),
  )
  const { topics } = await client.request(Metadata, 5, { topics: null })
  assert.deepEqual(topics.map(({ name }) => name).toSorted(), ['good', 'there.already'])
})

brokerTest('CreateTopics: the same name twice in a request is refused both times', {}, async (place) => {
  const client = await place.connect()
  assert.deepEqual(await codes(client, 7, [topic('a'), topic('b'), topic('a')]), [ErrorCode.INVALID_REQUEST, 0, ErrorCode.INVALID_REQUEST])
  assert.equal((await describeTopic(client, 'a')).errorCode, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
})

brokerTest('CreateTopics: validateOnly checks all and makes nothing', {}, async (place) => {
  const client = await place.connect()
  for (const version of [1, 4, 7]) {
    assert.deepEqual(await codes(client, version, [topic('a'), topic('..')], true), [0, ErrorCode.INVALID_TOPIC_EXCEPTION])
    assert.equal((await describeTopic(client, 'a')).errorCode, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  }
})

brokerTest('CreateTopics: replicas assigned by hand', {}, async (place) => {
  const client = await place.connect()
  const by = (name: string, partitions: readonly (readonly [number, readonly number[]])[], more: Partial<NewTopic> = {}): NewTopic =>
    topic(name, {
      numPartitions: -1,
      replicationFactor: -1,
      assignments: partitions.map(([partitionIndex, brokerIds]) => ({ partitionIndex, brokerIds })),
      ...more,
    })
  const cases: [NewTopic, number][] = [
    [
      by('good', [
        [1, [1]],
        [0, [1]],
      ]),
      0,
    ],
    [by('counted', [[0, [1]]], { numPartitions: 1 }), ErrorCode.INVALID_REQUEST],
    [by('copied', [[0, [1]]], { replicationFactor: 1 }), ErrorCode.INVALID_REQUEST],
    [
      by('gap', [
        [0, [1]],
        [2, [1]],
      ]),
      ErrorCode.INVALID_REPLICA_ASSIGNMENT,
    ],
    [by('huge-gap', [[0x7ffffffe, [1]]]), ErrorCode.INVALID_REPLICA_ASSIGNMENT],
    [by('negative', [[-1, [1]]]), ErrorCode.INVALID_REPLICA_ASSIGNMENT],
    [
      by('twice', [
        [0, [1]],
        [0, [1]],
      ]),
      ErrorCode.INVALID_REPLICA_ASSIGNMENT,
    ],
    [by('nobody', [[0, []]]), ErrorCode.INVALID_REPLICA_ASSIGNMENT],
    [by('stranger', [[0, [7]]]), ErrorCode.INVALID_REPLICA_ASSIGNMENT],
    [by('repeated', [[0, [1, 1]]]), ErrorCode.INVALID_REPLICA_ASSIGNMENT],
  ]
  assert.deepEqual(
    await codes(
      client,
      4,
      cases.map(([one]) => one),
    ),
    cases.map(([, code]) => code),
  )
  assert.equal((await describeTopic(client, 'good')).partitions.length, 2)
})

brokerTest('CreateTopics: version 5 tells the resulting configuration', {}, async (place) => {
  const client = await place.connect()
  const configs = [{ name: 'retention.ms', value: '1234' }]
  const {
    topics: [made],
  } = await client.request(CreateTopics, 5, { topics: [topic('a', { configs })] })
  const told = new Map(made!.configs!.map((one) => [one.name, one]))
  assert.deepEqual([told.get('retention.ms')!.value, told.get('retention.ms')!.configSource], ['1234', 1])
  assert.deepEqual([told.get('segment.bytes')!.value, told.get('segment.bytes')!.configSource], ['1073741824', 5])
})

brokerTest('CreateTopics: of many clients that want the same topic at once, one makes it', { seeds: 5 }, async (place) => {
  const clients = await Promise.all([1, 2, 3, 4].map(() => place.connect()))
  const answers = await Promise.all(
    clients.map((client, i) =>
      client.request(CreateTopics, 7, {
        topics: [topic('a', { numPartitions: i + 1, configs: [{ name: 'retention.ms', value: String(1000 + i) }] })],
      }),
    ),
  )
  const winners = answers.map(({ topics: [one] }, i) => (one!.errorCode === 0 ? i : -1)).filter((i) => i >= 0)
  const told = answers.map(({ topics: [one] }) => one!.errorCode).filter((code) => code !== 0)
  assert.deepEqual([winners.length, told], [1, Array(3).fill(ErrorCode.TOPIC_ALREADY_EXISTS)])
  const there = place.broker.topics.byName('a')!
  assert.equal(there.partitions.length, winners[0]! + 1)
  assert.equal(there.overrides.get('retention.ms'), String(1000 + winners[0]!), 'the configuration is that of the topic that was made')
})

brokerTest('CreateTopics: 1,500 partitions in one topic', {}, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'wide', { partitions: 1500 })
  const { partitions, errorCode } = await describeTopic(client, 'wide')
  assert.deepEqual([errorCode, partitions.length], [0, 1500])
  assert(partitions.every((one, i) => one.partitionIndex === i && one.leaderId === 1 && one.errorCode === 0))
  for (const partition of [0, 449, 450, 900, 1499]) {
    assert.equal((await produce(client, 'wide', [`p${partition}`], { partition })).errorCode, 0)
    assert.deepEqual(valuesIn((await fetch(client, 'wide', 0, { partition })).records), [`p${partition}`])
  }
  await place.restart()
  const again = await place.connect()
  const after = await describeTopic(again, 'wide')
  assert(after.partitions.length === 1500 && after.partitions.every(({ leaderEpoch }) => leaderEpoch === 1))
  await deleteTopic(again, 'wide')
  assert.equal((await describeTopic(again, 'wide')).errorCode, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
})

brokerTest('DeleteTopics: by name in every version, by id from 6', {}, async (place) => {
  const client = await place.connect()
  for (let version = 0; version <= 6; version++) {
    const name = `v${version}`
    await createTopic(client, name)
    const request = version < 6 ? { topicNames: [name], topics: [] } : { topicNames: [], topics: [{ name, topicId: ZERO_UUID }] }
    const { responses } = await client.request(DeleteTopics, version, { ...request, timeoutMs: 30_000 })
    assert.deepEqual(
      responses.map((one) => [one.name, one.errorCode]),
      [[name, 0]],
    )
    assert.equal((await describeTopic(client, name)).errorCode, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    assert.equal((await produce(client, name, ['x'])).errorCode, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  }
  const topicId = await createTopic(client, 'by-id')
  const { responses } = await client.request(DeleteTopics, 6, { topicNames: [], topics: [{ name: null, topicId }], timeoutMs: 30_000 })
  assert.deepEqual(
    responses.map((one) => [one.name, one.topicId, one.errorCode]),
    [['by-id', topicId, 0]],
  )
})

brokerTest('DeleteTopics: what it refuses', {}, async (place) => {
  const client = await place.connect()
  const topicId = await createTopic(client, 'a')
  const unknownId = 'abcdefghijklmnopqrstuw'
  const topics = [
    { name: 'absent', topicId: ZERO_UUID },
    { name: null, topicId: unknownId },
    { name: 'a', topicId },
  ]
  const { responses } = await client.request(DeleteTopics, 6, { topicNames: [], topics, timeoutMs: 30_000 })
  assert.deepEqual(
    responses.map(({ errorCode }) => errorCode),
    [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, ErrorCode.UNKNOWN_TOPIC_ID, ErrorCode.INVALID_REQUEST],
  )
  assert.equal((await describeTopic(client, 'a')).errorCode, 0)
})

brokerTest('DeleteTopics: delete.topic.enable=false', { settings: { 'delete.topic.enable': false } }, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'a')
  const { responses } = await client.request(DeleteTopics, 5, { topicNames: ['a'], topics: [], timeoutMs: 30_000 })
  assert.equal(responses[0]!.errorCode, ErrorCode.TOPIC_DELETION_DISABLED)
  assert.equal((await describeTopic(client, 'a')).errorCode, 0)
})

brokerTest('DeleteTopics: two clients delete the same topic at once', { seeds: 5 }, async (place) => {
  const [one, two] = [await place.connect(), await place.connect()]
  await createTopic(one, 'a', { partitions: 5 })
  const request = { topicNames: ['a'], topics: [], timeoutMs: 30_000 }
  const answers = await Promise.all([one, two].map((client) => client.request(DeleteTopics, 5, request)))
  const told = answers.map(({ responses: [topic] }) => topic!.errorCode)
  assert(told.includes(0) && told.every((code) => code === 0 || code === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION), `${told}`)
})

brokerTest('a topic made again under its name is another one: new id, empty log', {}, async (place) => {
  const client = await place.connect()
  const first = await createTopic(client, 'a', { configs: { 'retention.ms': 5000 } })
  await produce(client, 'a', ['old', 'older'])
  await deleteTopic(client, 'a')
  const second = await createTopic(client, 'a')
  assert.notEqual(second, first)
  assert.equal(place.broker.topics.byName('a')!.overrides.size, 0)
  assert.equal((await offsetAt(client, 'a', LATEST)).offset, 0)
  assert.deepEqual(valuesIn((await fetch(client, 'a', 0)).records), [])
  assert.equal((await produce(client, 'a', ['new'])).baseOffset, 0)
  await place.restart()
  const again = await place.connect()
  assert.equal((await describeTopic(again, 'a')).topicId, second)
  assert.equal((await offsetAt(again, 'a', EARLIEST)).offset, 0)
  assert.deepEqual(valuesIn((await fetch(again, 'a', 0)).records), ['new'])
})
