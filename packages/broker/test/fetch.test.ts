import assert from 'node:assert/strict'
import { ErrorCode, recordBatch } from '@ottla/protocol'
import { Fetch } from '@ottla/protocol/messages/01-fetch'
import {
  batchOf,
  createTopic,
  deleteTopic,
  fetch,
  fetchRequest,
  produce,
  recordsIn,
  roundTrip,
  valuesIn,
  watched,
  type Fetched,
} from './actions.ts'
import type { RawClient } from './raw-client.ts'
import { brokerTest } from './test-broker.ts'

const FOR_EVER = 0x7fffffff

const perPartition = ({ responses }: Fetched) => responses.flatMap(({ topic, partitions }) => partitions.map((one) => ({ topic, ...one })))

/** One batch in each of these partitions of `a`, of about so many bytes. */
async function fill(client: RawClient, partitions: readonly number[], sizeBytes: number): Promise<void> {
  for (const partition of partitions) await produce(client, 'a', batchOf([Buffer.alloc(sizeBytes - 80, `${partition}`)]), { partition })
}

brokerTest('Fetch: every version from 4 on, by name and by id', {}, async (place) => {
  const client = await place.connect()
  const topicId = await createTopic(client, 'a')
  await produce(client, 'a', ['x', 'y'])
  for (let version = 4; version <= 18; version++) {
    const response = await client.request(Fetch, version, fetchRequest([{ topic: 'a', topicId, offset: 0 }]))
    assert.deepEqual([response.errorCode, response.sessionId, response.responses.length], [0, 0, 1])
    const [
      {
        topic,
        topicId: answeredId,
        partitions: [partition],
      },
    ] = response.responses as [Fetched['responses'][number]]
    if (version < 13) assert.equal(topic, 'a')
    else assert.equal(answeredId, topicId)
    const { errorCode, highWatermark, lastStableOffset, logStartOffset, abortedTransactions, preferredReadReplica, records } = partition!
    assert.deepEqual([errorCode, highWatermark, lastStableOffset, preferredReadReplica], [0, 2, 2, -1])
    assert.equal(logStartOffset, version >= 5 ? 0 : -1)
    assert.equal(abortedTransactions, null)
    assert.deepEqual(valuesIn(records), ['x', 'y'])
  }
})

brokerTest('Fetch: a batch that holds the offset comes whole, what is before is left out', {}, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'a')
  await produce(client, 'a', ['0', '1', '2'])
  await produce(client, 'a', ['3'])
  const { records } = await fetch(client, 'a', 1)
  assert.equal(recordBatch.baseOffset(records!, 0), 0)
  assert.deepEqual(valuesIn(records, 1), ['1', '2', '3'])
  assert.deepEqual(valuesIn((await fetch(client, 'a', 3)).records), ['3'])
})

brokerTest('Fetch: what is not there', {}, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'a')
  await produce(client, 'a', ['0', '1'])
  const codeAt = async (offset: number, options = {}): Promise<number> => (await fetch(client, 'a', offset, options)).errorCode
  assert.equal(await codeAt(2), 0)
  assert.equal(await codeAt(3), ErrorCode.OFFSET_OUT_OF_RANGE)
  assert.equal(await codeAt(-1), ErrorCode.OFFSET_OUT_OF_RANGE)
  assert.equal(await codeAt(Number.MAX_SAFE_INTEGER), ErrorCode.OFFSET_OUT_OF_RANGE)
  assert.equal(await codeAt(0, { partition: 1 }), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  assert.equal(await codeAt(0, { partition: -1 }), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  assert.equal((await fetch(client, 'absent', 0)).errorCode, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  assert.equal((await fetch(client, '', 0, { version: 13, topicId: 'abcdefghijklmnopqrstuw' })).errorCode, ErrorCode.UNKNOWN_TOPIC_ID)
})

brokerTest('Fetch: an error is answered at once, however long the fetch would wait', {}, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'a', { partitions: 2 })
  const asked = [
    { topic: 'a', offset: 0 },
    { topic: 'a', partition: 1, offset: 5 },
  ]
  const response = await client.request(Fetch, 12, fetchRequest(asked, { maxWaitMs: FOR_EVER, minBytes: 100 }))
  assert.deepEqual(
    perPartition(response).map(({ errorCode }) => errorCode),
    [0, ErrorCode.OFFSET_OUT_OF_RANGE],
  )
})

brokerTest('Fetch: waits for an append, and is woken by it', { seeds: 5 }, async (place) => {
  const [client, producer] = [await place.connect(), await place.connect()]
  await createTopic(client, 'a', { partitions: 2 })
  const asked = [
    { topic: 'a', offset: 0 },
    { topic: 'a', partition: 1, offset: 0 },
  ]
  const waiting = watched(client.request(Fetch, 12, fetchRequest(asked, { maxWaitMs: FOR_EVER })))
  await roundTrip(producer)
  assert.equal(waiting.settled, false)
  await produce(producer, 'a', ['x'], { partition: 1 })
  assert.deepEqual(
    perPartition(await waiting.promise).map(({ records }) => valuesIn(records)),
    [[], ['x']],
  )
})

brokerTest('Fetch: many wait for the same partition, all are woken', {}, async (place) => {
  const clients = await Promise.all(Array.from({ length: 20 }, () => place.connect()))
  await createTopic(clients[0]!, 'a')
  const waiting = clients.map((client) => fetch(client, 'a', 0, { maxWaitMs: FOR_EVER }))
  await produce(await place.connect(), 'a', ['x'])
  for (const { records } of await Promise.all(waiting)) assert.deepEqual(valuesIn(records), ['x'])
})

brokerTest('Fetch: minBytes counts over all partitions', { seeds: 3 }, async (place) => {
  const [client, producer] = [await place.connect(), await place.connect()]
  await createTopic(client, 'a', { partitions: 2 })
  const asked = [
    { topic: 'a', offset: 0 },
    { topic: 'a', partition: 1, offset: 0 },
  ]
  const waiting = watched(client.request(Fetch, 12, fetchRequest(asked, { maxWaitMs: FOR_EVER, minBytes: 2000 })))
  await fill(producer, [0], 900)
  await fill(producer, [1], 900)
  await roundTrip(producer)
  assert.equal(waiting.settled, false)
  await fill(producer, [0], 900)
  assert.deepEqual(
    perPartition(await waiting.promise).map(({ records }) => recordsIn(records).length),
    [2, 1],
  )
})

brokerTest('Fetch: minBytes 0 does not wait', {}, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'a')
  assert.deepEqual(valuesIn((await fetch(client, 'a', 0, { maxWaitMs: FOR_EVER, minBytes: 0 })).records), [])
})

brokerTest('Fetch: never waits for more than it may take', {}, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'a')
  await fill(client, [0, 0, 0], 1000)
  const { records } = await fetch(client, 'a', 0, { maxWaitMs: FOR_EVER, minBytes: 100_000, maxBytes: 2000 })
  assert(recordsIn(records).length >= 1)
})

brokerTest('Fetch: at the end of an old segment it does not wait for minBytes', {}, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'a', { configs: { 'internal.segment.bytes': 1500 } })
  await fill(client, [0, 0, 0], 1000)
  const { records } = await fetch(client, 'a', 0, { maxWaitMs: FOR_EVER, minBytes: 100_000 })
  assert.equal(recordsIn(records).length, 1)
})

brokerTest('Fetch: time is up', { simulatedOnly: true }, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'a')
  const before = place.env.clock.monotonic()
  await produce(client, 'a', ['x'])
  const { records } = await fetch(client, 'a', 0, { maxWaitMs: 5000, minBytes: 100_000 })
  assert.deepEqual(valuesIn(records), ['x'], 'what is there is given then')
  assert(place.env.clock.monotonic() - before >= 5000)
})

brokerTest('Fetch: a topic that is deleted meanwhile is answered at once', { seeds: 3 }, async (place) => {
  const [client, other] = [await place.connect(), await place.connect()]
  await createTopic(client, 'a')
  const waiting = fetch(client, 'a', 0, { maxWaitMs: FOR_EVER })
  await roundTrip(other)
  await deleteTopic(other, 'a')
  assert.equal((await waiting).errorCode, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
})

brokerTest('Fetch: a client that goes away while it waits leaves nothing behind', {}, async (place) => {
  const [client, other] = [await place.connect(), await place.connect()]
  await createTopic(client, 'a')
  const waiting = fetch(client, 'a', 0, { maxWaitMs: FOR_EVER }).catch(() => 'gone')
  await roundTrip(other)
  client.close()
  assert.equal(await waiting, 'gone')
  assert.equal((await produce(other, 'a', ['x'])).errorCode, 0)
  assert.deepEqual(valuesIn((await fetch(other, 'a', 0)).records), ['x'])
})

brokerTest('Fetch: maxBytes is filled in the order of the partitions (KIP-74)', {}, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'a', { partitions: 4 })
  await fill(client, [1, 1, 2, 2, 3, 3], 1000)
  const sizes = async (order: readonly number[], maxBytes: number, partitionMaxBytes = 100_000): Promise<number[]> => {
    const asked = order.map((partition) => ({ topic: 'a', partition, offset: 0, partitionMaxBytes }))
    const response = await client.request(Fetch, 12, fetchRequest(asked, { maxBytes }))
    return perPartition(response).map(({ records }) => recordsIn(records).length)
  }
  assert.deepEqual(await sizes([0, 1, 2, 3], 100_000), [0, 2, 2, 2])
  assert.deepEqual(await sizes([0, 1, 2, 3], 4200), [0, 2, 2, 0])
  assert.deepEqual(await sizes([3, 2, 1, 0], 4200), [2, 2, 0, 0])
  assert.deepEqual(await sizes([0, 1, 2, 3], 1), [0, 1, 0, 0], 'the first batch is whole, though larger than the limit')
  assert.deepEqual(await sizes([0, 1, 2, 3], 0), [0, 1, 0, 0])
  assert.deepEqual(await sizes([2, 1], 100_000, 1500), [1, 1])
  assert.deepEqual(await sizes([2, 1], 100_000, 1), [1, 0], 'only the first partition may exceed its limit')
})

brokerTest('Fetch: fetch.max.bytes of the broker bounds it', { settings: { 'fetch.max.bytes': 2500 } }, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'a')
  await fill(client, [0, 0, 0, 0], 1000)
  assert.equal(recordsIn((await fetch(client, 'a', 0)).records).length, 2)
})

brokerTest('Fetch: leader epochs that are over or unknown (KIP-320)', {}, async (place) => {
  await place.restart()
  const first = await place.connect()
  await createTopic(first, 'a')
  await produce(first, 'a', ['x'])
  await place.restart()
  const client = await place.connect()
  const codeIn = async (currentLeaderEpoch: number): Promise<number> => (await fetch(client, 'a', 0, { currentLeaderEpoch })).errorCode
  assert.equal(await codeIn(-1), 0)
  assert.equal(await codeIn(0), ErrorCode.FENCED_LEADER_EPOCH)
  assert.equal(await codeIn(1), 0)
  assert.equal(await codeIn(2), ErrorCode.UNKNOWN_LEADER_EPOCH)
})

brokerTest('Fetch: a history that parted is told where (KIP-595)', {}, async (place) => {
  const first = await place.connect()
  await createTopic(first, 'a')
  await produce(first, 'a', ['0', '1', '2'])
  await place.restart()
  const client = await place.connect()
  await produce(client, 'a', ['3'])
  const same = await fetch(client, 'a', 3, { lastFetchedEpoch: 0 })
  assert.deepEqual([same.divergingEpoch.endOffset, valuesIn(same.records)], [-1, ['3']])
  const parted = await fetch(client, 'a', 4, { lastFetchedEpoch: 0, maxWaitMs: FOR_EVER })
  assert.deepEqual([parted.errorCode, parted.divergingEpoch, valuesIn(parted.records)], [0, { epoch: 0, endOffset: 3 }, []])
})

brokerTest('Fetch: a megabyte from many segments, in order', { seeds: 2 }, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'a', { configs: { 'internal.segment.bytes': 20_000, 'index.interval.bytes': 1000 } })
  const values = Array.from({ length: 300 }, (_, i) => `${i}:`.padEnd(3000, 'x'))
  await Promise.all(values.map((value) => produce(client, 'a', [value])))
  const got: string[] = []
  while (got.length < values.length) {
    const part = valuesIn((await fetch(client, 'a', got.length, { maxBytes: 50_000 })).records, got.length)
    assert(part.length > 0)
    got.push(...part)
  }
  assert.deepEqual(got, values)
})

brokerTest('Fetch: a slow reader gets it all', { seeds: 2 }, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'a', { configs: { 'max.message.bytes': 5_000_000 } })
  const large = batchOf([Buffer.alloc(4_000_000, 'z')])
  await produce(client, 'a', large)
  client.connection.pause()
  const answers = Array.from({ length: 5 }, () => fetch(client, 'a', 0))
  await roundTrip(await place.connect())
  client.connection.resume()
  for (const { records } of await Promise.all(answers)) assert.equal(recordsIn(records)[0]!.value!.length, 4_000_000)
})
