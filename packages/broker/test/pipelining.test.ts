/** Requests of one connection: one after the other but for a few, answers in their order (docs/decisions/0002). */
import assert from 'node:assert/strict'
import { Fetch } from '@ottla/protocol/messages/01-fetch'
import { Metadata } from '@ottla/protocol/messages/03-metadata'
import { ApiVersions } from '@ottla/protocol/messages/18-api-versions'
import { CreateTopics } from '@ottla/protocol/messages/19-create-topics'
import { DeleteTopics } from '@ottla/protocol/messages/20-delete-topics'
import { batchOf, createTopic, fetch, fetchRequest, produce, roundTrip, valuesIn } from './actions.ts'
import { encodeRequest } from './raw-client.ts'
import { brokerTest } from './test-broker.ts'

const FOR_EVER = 0x7fffffff

brokerTest('what is sent at once has its effects in order', { seeds: 10 }, async (place) => {
  const client = await place.connect()
  const topic = { name: 'a', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
  const [created, produced, fetched, deleted, described] = await Promise.all([
    client.request(CreateTopics, 4, { topics: [topic] }),
    produce(client, 'a', ['x']),
    fetch(client, 'a', 0, { maxWaitMs: FOR_EVER }),
    client.request(DeleteTopics, 3, { topicNames: ['a'], topics: [], timeoutMs: 1000 }),
    client.request(Metadata, 5, { topics: [{ name: 'a' }], allowAutoTopicCreation: false }),
  ])
  assert.deepEqual([created.topics[0]!.errorCode, produced.errorCode, deleted.responses[0]!.errorCode], [0, 0, 0])
  assert.deepEqual(valuesIn(fetched.records), ['x'])
  assert.equal(described.topics[0]!.errorCode, 3)
})

brokerTest('what comes behind a waiting fetch waits too, and is answered after it', { seeds: 5 }, async (place) => {
  const [client, other] = [await place.connect(), await place.connect()]
  await createTopic(client, 'a')
  const order: string[] = []
  const note = <T>(name: string, promise: Promise<T>): Promise<T> => promise.finally(() => order.push(name))
  const all = Promise.all([
    note('fetch', client.request(Fetch, 11, fetchRequest([{ topic: 'a', offset: 0 }], { maxWaitMs: FOR_EVER }))),
    note('versions', client.request(ApiVersions, 0, {})),
    note('produce', produce(client, 'a', ['second'])),
    note('metadata', client.request(Metadata, 1, { topics: [] })),
  ])
  await roundTrip(other)
  assert.deepEqual(order, [], 'the produce has not woken the fetch before it')
  assert.deepEqual(valuesIn((await fetch(other, 'a', 0)).records), [])
  await produce(other, 'a', ['first'])
  await all
  assert.deepEqual(order, ['fetch', 'versions', 'produce', 'metadata'])
  assert.deepEqual(valuesIn((await fetch(other, 'a', 0)).records), ['first', 'second'])
})

brokerTest('produces are appended while others before them wait for their sync', { simulatedOnly: true, seeds: 5 }, async (place) => {
  const client = await place.connect()
  const other = await place.connect()
  await createTopic(client, 'synced', { configs: { 'flush.before.ack': true } })
  await createTopic(client, 'plain')
  const order: string[] = []
  const slow = produce(client, 'synced', ['x']).then(() => order.push('synced'))
  const quick = produce(client, 'plain', ['y']).then(() => order.push('plain'))
  const seen = fetch(other, 'plain', 0, { maxWaitMs: FOR_EVER }).then(({ records }) => valuesIn(records))
  assert.deepEqual(await seen, ['y'])
  await Promise.all([slow, quick])
  assert.deepEqual(order, ['synced', 'plain'], 'the answers keep the order')
})

brokerTest('thousands of requests in one piece, all answered in order', {}, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'a')
  const answers = Array.from({ length: 3000 }, (_, i) => {
    if (i % 7 === 0) return produce(client, 'a', [`${i}`])
    return i % 3 === 0
      ? client.request(ApiVersions, 3, { clientSoftwareName: 'x', clientSoftwareVersion: '1' })
      : client.request(Metadata, 9, { topics: null })
  })
  await Promise.all(answers)
})

brokerTest('large answers that nobody reads hold the requests behind them back', {}, async (place) => {
  const [client, other] = [await place.connect(), await place.connect()]
  await createTopic(client, 'a', { configs: { 'max.message.bytes': 4_000_000 } })
  await produce(client, 'a', batchOf([Buffer.alloc(3_000_000)]))
  client.connection.pause()
  const request = fetchRequest([{ topic: 'a', offset: 0, partitionMaxBytes: 4_000_000 }], { maxBytes: 4_000_000 })
  const fetches = Array.from({ length: 40 }, () => client.request(Fetch, 11, request))
  for (let i = 0; i < 20; i++) await roundTrip(other)
  const last = produce(client, 'a', ['last'])
  for (let i = 0; i < 20; i++) await roundTrip(other)
  assert.deepEqual(valuesIn((await fetch(other, 'a', 1)).records), [], 'the last request has not begun')
  client.connection.resume()
  await Promise.all(fetches)
  assert.equal((await last).baseOffset, 1)
})

brokerTest('a frame that comes byte by byte', { seeds: 2 }, async (place) => {
  const [client, other] = [await place.connect(), await place.connect()]
  const bytes = encodeRequest(ApiVersions, 0, {}, { correlationId: 5 })
  const answer = client.request(ApiVersions, 0, {}, { correlationId: 5, unsent: true })
  for (const byte of bytes) {
    client.send(Buffer.of(byte))
    await roundTrip(other)
  }
  assert.equal((await answer).errorCode, 0)
})
