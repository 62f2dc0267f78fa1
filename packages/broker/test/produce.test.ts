import assert from 'node:assert/strict'
import { codecNamed, ErrorCode, recordBatch } from '@ottla/protocol'
import { Produce } from '@ottla/protocol/messages/00-produce'
import { alterTopic, batchOf, createTopic, fetch, LATEST, offsetAt, produce, recordsIn, TIME, valuesIn } from './actions.ts'
import { brokerTest } from './test-broker.ts'

const requestOf = (topic: string, records: Buffer | null, acks = -1, partition = 0) => ({
  acks,
  timeoutMs: 30_000,
  topicData: [{ name: topic, partitionData: [{ index: partition, records }] }],
})

brokerTest('Produce: every version from 3 on appends a batch and answers where it is', {}, async (place) => {
  const client = await place.connect()
  const topicId = await createTopic(client, 'a')
  for (let version = 3; version <= 13; version++) {
    const acks = version % 2 === 0 ? 1 : -1
    const request = requestOf('a', batchOf([`v${version}`, 'second']), acks)
    const topicData = version < 13 ? request.topicData : [{ topicId, partitionData: request.topicData[0]!.partitionData }]
    const {
      responses: [topic],
    } = await client.request(Produce, version, { ...request, topicData })
    if (version === 13) assert.equal(topic!.topicId, topicId)
    else assert.equal(topic!.name, 'a')
    const [partition] = topic!.partitionResponses
    const { errorCode, baseOffset, logAppendTimeMs, logStartOffset, recordErrors, errorMessage } = partition!
    assert.deepEqual([errorCode, baseOffset, logAppendTimeMs, recordErrors, errorMessage], [0, (version - 3) * 2, -1, [], null])
    assert.equal(logStartOffset, version >= 5 ? 0 : -1)
  }
  const { records, highWatermark } = await fetch(client, 'a', 0)
  assert.equal(highWatermark, 22)
  assert.deepEqual(valuesIn(records), Array.from({ length: 11 }, (_, i) => [`v${i + 3}`, 'second']).flat())
  assert.deepEqual(
    recordsIn(records).map(({ offset }) => offset),
    Array.from({ length: 22 }, (_, i) => i),
  )
})

brokerTest('Produce: acks 0 has no answer, and what comes after it has', {}, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'a')
  for (let version = 3; version <= 12; version++) client.tell(Produce, version, requestOf('a', batchOf([`v${version}`]), 0))
  assert.equal((await produce(client, 'a', ['last'])).baseOffset, 10)
  assert.equal(recordsIn((await fetch(client, 'a', 0)).records).length, 11)
})

brokerTest('Produce: with acks 0 an error closes the connection, and no other', {}, async (place) => {
  const [client, neighbour] = [await place.connect(), await place.connect()]
  await createTopic(client, 'a')
  client.tell(Produce, 9, requestOf('absent', batchOf(['x']), 0))
  assert.match(await client.closedBy, /peer|reset/)
  assert.equal((await produce(neighbour, 'a', ['x'])).errorCode, 0)
})

brokerTest('Produce: several partitions and topics in one request, each with its own outcome', {}, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'a', { partitions: 3 })
  await createTopic(client, 'b')
  await createTopic(client, 'compacted', { configs: { 'cleanup.policy': 'compact' } })
  const damaged = batchOf(['damaged'])
  damaged[damaged.length - 1]! ^= 1
  const request = {
    acks: -1,
    timeoutMs: 30_000,
    topicData: [
      {
        name: 'a',
        partitionData: [
          { index: 2, records: batchOf(['a2']) },
          { index: 0, records: damaged },
          { index: 1, records: batchOf(['a1', 'a1']) },
          { index: 3, records: batchOf(['x']) },
          { index: -1, records: batchOf(['x']) },
        ],
      },
      { name: 'absent', partitionData: [{ index: 0, records: batchOf(['x']) }] },
      { name: 'compacted', partitionData: [{ index: 0, records: batchOf(['x', 'y'], { key: null }) }] },
      { name: 'b', partitionData: [{ index: 0, records: batchOf(['b']) }] },
      { name: '__consumer_offsets', partitionData: [{ index: 0, records: batchOf(['b']) }] },
    ],
  }
  const { responses } = await client.request(Produce, 9, request)
  const told = responses.flatMap(({ name, partitionResponses }) =>
    partitionResponses.map(({ index, errorCode, baseOffset }) => [name, index, errorCode, baseOffset]),
  )
  assert.deepEqual(told.slice(0, 8), [
    ['a', 2, 0, 0],
    ['a', 0, ErrorCode.CORRUPT_MESSAGE, -1],
    ['a', 1, 0, 0],
    ['a', 3, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, -1],
    ['a', -1, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, -1],
    ['absent', 0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, -1],
    ['compacted', 0, ErrorCode.INVALID_RECORD, -1],
    ['b', 0, 0, 0],
  ])
  const refusals: number[] = [ErrorCode.INVALID_TOPIC_EXCEPTION, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]
  assert(refusals.includes(told[8]![2] as number))
  assert.deepEqual(
    responses[2]!.partitionResponses[0]!.recordErrors.map(({ batchIndex }) => batchIndex),
    [0, 1],
  )
  assert.notEqual(responses[0]!.partitionResponses[1]!.errorMessage, null)
  assert.deepEqual(valuesIn((await fetch(client, 'a', 0, { partition: 1 })).records), ['a1', 'a1'])
  assert.equal((await offsetAt(client, 'a', LATEST)).offset, 0)
})

brokerTest('Produce: what a partition does not take', {}, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'a', { configs: { 'max.message.bytes': 1000 } })
  await createTopic(client, 'small-segments', { configs: { 'internal.segment.bytes': 1000 } })
  const tell = async (records: Buffer | null, version = 9, topic = 'a', acks = -1): Promise<number> =>
    (await client.request(Produce, version, requestOf(topic, records, acks))).responses[0]!.partitionResponses[0]!.errorCode
  const good = batchOf(['x'])
  assert.equal(await tell(null), ErrorCode.INVALID_RECORD)
  assert.equal(await tell(Buffer.alloc(0)), ErrorCode.INVALID_RECORD)
  assert.equal(await tell(Buffer.concat([good, batchOf(['y'])])), ErrorCode.INVALID_RECORD)
  assert.equal(await tell(batchOf([Buffer.alloc(2000)])), ErrorCode.MESSAGE_TOO_LARGE)
  assert.equal(await tell(batchOf([Buffer.alloc(2000)]), 9, 'small-segments'), ErrorCode.RECORD_LIST_TOO_LARGE)
  assert.equal(await tell(batchOf(['x'], { isControl: true })), ErrorCode.INVALID_RECORD)
  assert.equal(await tell(batchOf(['x'], { timestamp: 9_000_000_000_000 })), ErrorCode.INVALID_TIMESTAMP)
  assert.equal(await tell(batchOf(['x'], { codec: codecNamed('zstd')!.id }), 6), ErrorCode.UNSUPPORTED_COMPRESSION_TYPE)
  assert.equal(await tell(batchOf(['x'], { codec: codecNamed('zstd')!.id }), 7), 0)
  assert.equal(await tell(good, 9, 'a', 2), ErrorCode.INVALID_REQUIRED_ACKS)
  assert.equal(await tell(good.subarray(0, good.length - 1)), ErrorCode.INVALID_RECORD)
  assert.equal((await offsetAt(client, 'a', LATEST)).offset, 1, 'nothing that was refused is there')
})

brokerTest('Produce: an unknown topic id', {}, async (place) => {
  const client = await place.connect()
  const topicData = [{ topicId: 'abcdefghijklmnopqrstuw', partitionData: [{ index: 0, records: batchOf(['x']) }] }]
  const {
    responses: [topic],
  } = await client.request(Produce, 13, { acks: -1, timeoutMs: 30_000, topicData })
  assert.equal(topic!.partitionResponses[0]!.errorCode, ErrorCode.UNKNOWN_TOPIC_ID)
})

brokerTest('Produce: acks all asks for min.insync.replicas, acks 1 does not', {}, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'a', { configs: { 'min.insync.replicas': 2 } })
  assert.equal((await produce(client, 'a', ['x'], { acks: -1 })).errorCode, ErrorCode.NOT_ENOUGH_REPLICAS)
  assert.equal((await produce(client, 'a', ['x'], { acks: 1 })).errorCode, 0)
  assert.equal(await alterTopic(client, 'a', { 'min.insync.replicas': 1 }), 0)
  assert.equal((await produce(client, 'a', ['y'], { acks: -1 })).baseOffset, 1)
})

brokerTest('Produce: every codec is stored as it came, and read back', {}, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'a')
  const values = Array.from({ length: 100 }, (_, i) => `value ${i}`)
  for (const name of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const) {
    const codec = codecNamed(name)!.id
    const { baseOffset, errorCode } = await produce(client, 'a', batchOf(values, { codec }))
    assert.equal(errorCode, 0, name)
    const { records } = await fetch(client, 'a', baseOffset)
    assert.equal(recordBatch.codec(records!, 0), codec)
    assert.deepEqual(valuesIn(records, baseOffset), values)
  }
})

brokerTest('Produce: requests of one connection are appended, and answered, in their order', { seeds: 5 }, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'a')
  const answers = Array.from({ length: 200 }, (_, i) => produce(client, 'a', [`${i}`], { acks: i % 3 === 0 ? 1 : -1 }))
  const offsets = (await Promise.all(answers)).map(({ baseOffset }) => baseOffset)
  assert.deepEqual(
    offsets,
    Array.from({ length: 200 }, (_, i) => i),
  )
  assert.deepEqual(
    valuesIn((await fetch(client, 'a', 0)).records),
    Array.from({ length: 200 }, (_, i) => `${i}`),
  )
})

brokerTest('Produce: many connections to one partition', { seeds: 3 }, async (place) => {
  const clients = await Promise.all(Array.from({ length: 8 }, () => place.connect()))
  await createTopic(clients[0]!, 'a')
  const answers = await Promise.all(
    clients.flatMap((client, who) =>
      Array.from({ length: 25 }, (_, i) => produce(client, 'a', [`${who}-${i}`]).then(({ baseOffset }) => ({ who, i, baseOffset }))),
    ),
  )
  const values = valuesIn((await fetch(clients[0]!, 'a', 0)).records)
  assert.equal(values.length, 200)
  for (const { who, i, baseOffset } of answers) assert.equal(values[baseOffset], `${who}-${i}`)
})

brokerTest('Produce: a request larger than one read, behind and before small ones', { seeds: 2 }, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'a', { configs: { 'max.message.bytes': 10_000_000 } })
  const large = Buffer.alloc(3_000_000, 'z')
  const answers = await Promise.all([
    produce(client, 'a', ['small']),
    produce(client, 'a', batchOf([large])),
    produce(client, 'a', ['last']),
  ])
  assert.deepEqual(
    answers.map(({ errorCode, baseOffset }) => [errorCode, baseOffset]),
    [
      [0, 0],
      [0, 1],
      [0, 2],
    ],
  )
  const [record] = recordsIn((await fetch(client, 'a', 1)).records, 1)
  assert(record!.value!.equals(large))
})

brokerTest("Produce: the leader epoch stands in the batch, not the client's", {}, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'a')
  assert.equal((await produce(client, 'a', batchOf(['x'], { leaderEpoch: 9 }))).errorCode, 0)
  assert.equal((await produce(client, 'a', batchOf(['x'], { baseOffset: 7 }))).errorCode, ErrorCode.INVALID_RECORD)
  await place.restart()
  const again = await place.connect()
  assert.equal((await produce(again, 'a', ['y'])).errorCode, 0)
  const records = recordsIn((await fetch(again, 'a', 0)).records)
  assert.deepEqual(
    records.map(({ offset, batch, timestamp }) => [offset, batch.leaderEpoch, timestamp]),
    [
      [0, 0, TIME],
      [1, 1, TIME],
    ],
  )
})
