import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCode, KafkaError, readRecords, recordBatch } from '@ottla/protocol'
import { Produce } from '@ottla/protocol/messages/00-produce'
import { Metadata } from '@ottla/protocol/messages/03-metadata'
import { InitProducerId } from '@ottla/protocol/messages/22-init-producer-id'
import { ClientError, partitionOfKey, type DeliveryResult } from '../src/index.ts'
import { DROP, type FakeCluster } from './fake-cluster.ts'
import type { FakePartition } from './fake-log.ts'
import { setUp } from './setup.ts'

function valuesOf(partition: FakePartition): string[] {
  return partition.batches.flatMap((batch) => [...readRecords(batch)].map(({ value }) => String(value)))
}

const kind =
  (expected: string) =>
  (error: unknown): boolean =>
    error instanceof ClientError && error.kind === expected

/** Answers the first `times` Produce requests with an error, without writing anything. */
function refuse(cluster: FakeCluster, errorCode: number, times: number): void {
  cluster.intercept(Produce, ({ topicData }) => {
    if (times-- <= 0) return undefined
    return {
      responses: topicData.map(({ name, topicId, partitionData }) => ({
        name,
        topicId,
        partitionResponses: partitionData.map(({ index }) => ({ index, errorCode, baseOffset: -1 })),
      })),
    }
  })
}

test('send tells where a record was written', async (t) => {
  const { cluster, client } = await setUp(t)
  const [partition] = cluster.createTopic('orders').partitions
  const producer = client.producer()
  const first = await producer.send({ topic: 'orders', key: 'k', value: 'one', timestamp: 123, headers: [{ key: 'h', value: 'v' }] })
  assert.deepEqual(first, { topic: 'orders', partition: 0, offset: 0, timestamp: 123 })
  assert.equal((await producer.send({ topic: 'orders', value: null })).offset, 1)
  const [record] = readRecords(partition!.batches[0]!)
  assert.equal(String(record!.key), 'k')
  assert.deepEqual(
    record!.headers.map(({ key, value }) => [key, String(value)]),
    [['h', 'v']],
  )
  assert.equal(recordBatch.producerId(partition!.batches[0]!, 0), 1000)
  await producer.close()
})

test('a client that is closed under its producer fails what is left, at once', async (t) => {
  const { cluster, client } = await setUp(t)
  cluster.createTopic('orders')
  const producer = client.producer()
  await producer.send({ topic: 'orders', value: 'one' })
  client.close()
  await assert.rejects(producer.send({ topic: 'orders', value: 'two' }), kind('closed'))
})

test('records of one turn share a batch, and each learns its own offset', async (t) => {
  const { cluster, client } = await setUp(t)
  const [partition] = cluster.createTopic('orders').partitions
  const producer = client.producer()
  const sent = await Promise.all(Array.from({ length: 100 }, (_, i) => producer.send({ topic: 'orders', value: `v${i}` })))
  assert.deepEqual(
    sent.map(({ offset }) => offset),
    sent.map((_, i) => i),
  )
  assert.equal(partition!.batches.length, 1)
  await producer.close()
})

test('a batch holds at most batchSizeBytes; append reports once for each batch', async (t) => {
  const { cluster, client } = await setUp(t)
  const [partition] = cluster.createTopic('orders').partitions
  const producer = client.producer({ batchSizeBytes: 1000, compression: 'gzip' })
  const results: DeliveryResult[] = []
  const report = (result: DeliveryResult): void => {
    results.push(result)
  }
  for (let i = 0; i < 200; i++) producer.append({ topic: 'orders', value: `value ${i}` }, report)
  await producer.flush()
  assert.equal(results.length, partition!.batches.length)
  assert.ok(results.length > 2)
  assert.equal(
    results.reduce((sum, { recordCount }) => sum + recordCount, 0),
    200,
  )
  for (const batch of partition!.batches) assert.ok(batch.length <= 1000)
  assert.deepEqual(
    valuesOf(partition!),
    Array.from({ length: 200 }, (_, i) => `value ${i}`),
  )
  await producer.close()
})

test("keys go where Java's clients send them; records without one fill one partition at a time", async (t) => {
  const { cluster, client } = await setUp(t)
  const { partitions } = cluster.createTopic('orders', 7)
  const producer = client.producer({ batchSizeBytes: 500 })
  for (const key of ['21', 'foobar', 'abc', 'a-little-bit-long-string']) {
    const { partition } = await producer.send({ topic: 'orders', key, value: key })
    assert.equal(partition, partitionOfKey(Buffer.from(key), 7))
  }
  assert.equal(partitionOfKey(Buffer.from('foobar'), 7), (-790332482 & 0x7fffffff) % 7)
  await producer.sendMany(Array.from({ length: 300 }, (_, i) => ({ topic: 'orders', value: `value ${i}` })))
  assert.ok(partitions.filter(({ endOffset }) => endOffset > 5).length >= 3, 'sticks, then moves')
  await assert.rejects(producer.send({ topic: 'orders', partition: 7, value: '' }), kind('usage'))
  await producer.close()
})

test('what is refused for now is sent again, in order and once', async (t) => {
  const { cluster, client } = await setUp(t)
  const [partition] = cluster.createTopic('orders').partitions
  const producer = client.producer({ batchSizeBytes: 100 })
  refuse(cluster, ErrorCode.NOT_ENOUGH_REPLICAS, 2)
  await producer.send({ topic: 'orders', value: 'value 0' })
  // now several are in flight: those behind the refused one come too early
  refuse(cluster, ErrorCode.NOT_ENOUGH_REPLICAS, 1)
  const values = Array.from({ length: 60 }, (_, i) => `value ${i + 1}`)
  const sent = await Promise.all(values.map((value) => producer.send({ topic: 'orders', value })))
  assert.deepEqual(valuesOf(partition!), ['value 0', ...values])
  assert.deepEqual(
    sent.map(({ offset }) => offset),
    values.map((_, i) => i + 1),
  )
  assert.equal(cluster.callsOf(InitProducerId).length, 1)
  await producer.close()
})

test('nothing overtakes the first batch of an identity, whose sequence a broker takes as it comes', async (t) => {
  const { cluster, client } = await setUp(t)
  const [partition] = cluster.createTopic('orders').partitions
  refuse(cluster, ErrorCode.NOT_ENOUGH_REPLICAS, 1)
  const producer = client.producer({ batchSizeBytes: 100 })
  const values = Array.from({ length: 20 }, (_, i) => `value ${i}`)
  await producer.sendMany(values.map((value) => ({ topic: 'orders', value })))
  assert.deepEqual(valuesOf(partition!), values)
  await producer.close()
})

test('a connection that breaks after the write makes no duplicate', async (t) => {
  const { cluster, client } = await setUp(t)
  const [partition] = cluster.createTopic('orders').partitions
  let requests = 0
  cluster.intercept(Produce, (body, { broker }) => {
    // the second, fourth ... request is written, but nobody hears of it
    if (++requests % 2 === 1 || requests > 9) return undefined
    cluster.log.produce(body, broker.nodeId)
    return DROP
  })
  const producer = client.producer({ batchSizeBytes: 100 })
  const values = Array.from({ length: 60 }, (_, i) => `value ${i}`)
  const sent = await Promise.all(values.map((value) => producer.send({ topic: 'orders', value })))
  assert.deepEqual(valuesOf(partition!), values)
  assert.deepEqual(
    sent.map(({ offset }) => offset),
    values.map((_, i) => i),
  )
  assert.ok(requests > 9)
  await producer.close()
})

test('a partition that moves to another broker is followed', async (t) => {
  const { cluster, client } = await setUp(t, { brokers: 2 })
  const [partition] = cluster.createTopic('orders').partitions
  const producer = client.producer()
  await producer.send({ topic: 'orders', value: 'a' })
  partition!.leaderId = 1
  partition!.leaderEpoch = 1
  await producer.send({ topic: 'orders', value: 'b' })
  assert.deepEqual(valuesOf(partition!), ['a', 'b'])
  assert.ok(cluster.callsOf(Metadata).length > 1)
  await producer.close()
})

test('a broker that goes for good is left for the one that leads now', async (t) => {
  const { cluster, client } = await setUp(t, { brokers: 2 })
  const [partition] = cluster.createTopic('orders').partitions
  const producer = client.producer()
  await producer.send({ topic: 'orders', value: 'a' })
  await cluster.brokers[0]!.stop()
  partition!.leaderId = 1
  partition!.leaderEpoch = 1
  await producer.send({ topic: 'orders', value: 'b' })
  assert.deepEqual(valuesOf(partition!), ['a', 'b'])
  await producer.close()
})

test('DUPLICATE_SEQUENCE_NUMBER is success', async (t) => {
  const { cluster, client } = await setUp(t)
  cluster.createTopic('orders')
  refuse(cluster, ErrorCode.DUPLICATE_SEQUENCE_NUMBER, 1)
  const producer = client.producer()
  assert.equal((await producer.send({ topic: 'orders', value: 'a' })).offset, -1)
  await producer.close()
})

test('a batch that fails for good leaves no gap: the next ones go on under a new epoch', async (t) => {
  const { cluster, client } = await setUp(t)
  const [partition] = cluster.createTopic('orders').partitions
  refuse(cluster, ErrorCode.INVALID_RECORD, 1)
  const producer = client.producer({ batchSizeBytes: 100 })
  const sent = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => producer.send({ topic: 'orders', value: `value ${i}` })))
  const failed = sent.filter(({ status }) => status === 'rejected').length
  assert.ok(failed > 0 && failed < 10, `${failed} failed`)
  assert.deepEqual(
    valuesOf(partition!),
    Array.from({ length: 20 - failed }, (_, i) => `value ${i + failed}`),
  )
  assert.equal(cluster.callsOf(InitProducerId).length, 2)
  assert.equal(recordBatch.producerEpoch(partition!.batches.at(-1)!, 0), 1)
  await producer.close()
})

test('a sequence that is refused though nothing is missing fails its batch, and the producer lives on', async (t) => {
  const { cluster, client } = await setUp(t)
  cluster.createTopic('orders')
  const producer = client.producer()
  await producer.send({ topic: 'orders', value: 'a' })
  refuse(cluster, ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, 1)
  await assert.rejects(
    producer.send({ topic: 'orders', value: 'b' }),
    (error: KafkaError) => error.code === ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
  )
  assert.equal((await producer.send({ topic: 'orders', value: 'c' })).offset, 1)
  await producer.close()
})

test('an identity that the broker forgot is renewed without a loss', async (t) => {
  const { cluster, client } = await setUp(t)
  const [partition] = cluster.createTopic('orders').partitions
  refuse(cluster, ErrorCode.UNKNOWN_PRODUCER_ID, 1)
  const producer = client.producer()
  assert.equal((await producer.send({ topic: 'orders', value: 'a' })).offset, 0)
  assert.equal(recordBatch.producerEpoch(partition!.batches[0]!, 0), 1)
  await producer.close()
})

test('without idempotence one batch of a partition is in flight, so that retries keep the order', async (t) => {
  const { cluster, client } = await setUp(t)
  const [partition] = cluster.createTopic('orders').partitions
  let requests = 0
  cluster.intercept(Produce, ({ topicData }) =>
    ++requests % 3 === 1
      ? {
          responses: topicData.map(({ name, topicId, partitionData }) => ({
            name,
            topicId,
            partitionResponses: partitionData.map(({ index }) => ({ index, errorCode: ErrorCode.REQUEST_TIMED_OUT, baseOffset: -1 })),
          })),
        }
      : undefined,
  )
  const producer = client.producer({ acks: 1, batchSizeBytes: 100 })
  const values = Array.from({ length: 40 }, (_, i) => `value ${i}`)
  await producer.sendMany(values.map((value) => ({ topic: 'orders', value })))
  assert.deepEqual(valuesOf(partition!), values)
  assert.equal(cluster.callsOf(InitProducerId).length, 0)
  await producer.close()
})

test('acks 0 waits for no answer', async (t) => {
  const { cluster, client } = await setUp(t)
  const [partition] = cluster.createTopic('orders').partitions
  const producer = client.producer({ acks: 0 })
  assert.equal((await producer.send({ topic: 'orders', value: 'a' })).offset, -1)
  await client.cluster.refresh(['orders'])
  assert.deepEqual(valuesOf(partition!), ['a'])
  await producer.close()
})

test("what can't be delivered in time fails", async (t) => {
  const { cluster, client } = await setUp(t)
  cluster.createTopic('orders')
  refuse(cluster, ErrorCode.NOT_ENOUGH_REPLICAS, Infinity)
  const producer = client.producer({ deliveryTimeoutMs: 30 })
  await assert.rejects(producer.send({ topic: 'orders', value: 'a' }), kind('timeout'))
  await producer.close()
})

test("a topic that doesn't exist is waited for, then refused", async (t) => {
  const { cluster, client } = await setUp(t)
  const producer = client.producer({ maxBlockMs: 60_000 })
  let asked = 0
  cluster.intercept(Metadata, ({ topics }) => {
    if (topics?.some(({ name }) => name === 'late') === true && ++asked === 3) cluster.createTopic('late')
    return undefined
  })
  const sent = producer.send({ topic: 'late', value: 'a' })
  assert.equal((await sent).offset, 0)
  await producer.close()
  const impatient = client.producer({ maxBlockMs: 5 })
  await assert.rejects(
    impatient.send({ topic: 'never', value: 'a' }),
    (error: KafkaError) => error.code === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  )
  await impatient.close()
})

test('a full buffer makes senders wait, and then fail', async (t) => {
  const { cluster, client } = await setUp(t)
  const [partition] = cluster.createTopic('orders').partitions
  let release = (): void => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  cluster.intercept(Produce, async () => {
    await held
    return undefined
  })
  const producer = client.producer({ bufferBytes: 1000, maxBlockMs: 20 })
  const value = 'x'.repeat(600)
  const early = [producer.send({ topic: 'orders', value }), producer.send({ topic: 'orders', value })]
  await client.cluster.topic('orders')
  await assert.rejects(producer.room(), kind('buffer-full'))
  await assert.rejects(producer.send({ topic: 'orders', value }), kind('buffer-full'))
  release()
  await Promise.all(early)
  await producer.send({ topic: 'orders', value })
  assert.equal(partition!.endOffset, 3)
  await producer.close()
})

test('close delivers what is under way, and takes no more', async (t) => {
  const { cluster, client } = await setUp(t)
  const [partition] = cluster.createTopic('orders').partitions
  const producer = client.producer({ lingerMs: 60_000 })
  const sent = producer.send({ topic: 'orders', value: 'a' })
  await producer.close()
  assert.equal((await sent).offset, 0)
  await assert.rejects(producer.send({ topic: 'orders', value: 'b' }), kind('closed'))
  assert.deepEqual(valuesOf(partition!), ['a'])
})

test('versions without topic ids are spoken too', async (t) => {
  const { cluster, client } = await setUp(t)
  cluster.createTopic('orders')
  cluster.versions.set(Produce.key, { min: 0, max: 7 })
  cluster.versions.set(Metadata.key, { min: 0, max: 5 })
  const producer = client.producer({ compression: 'zstd' })
  assert.equal((await producer.send({ topic: 'orders', value: 'a' })).offset, 0)
  await producer.close()
})
