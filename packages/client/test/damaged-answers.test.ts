import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BatchBuilder } from '@ottla/protocol'
import { setUp } from './setup.ts'

function batchOf(value: string): Buffer {
  const builder = new BatchBuilder()
  builder.append(null, Buffer.from(value), [], 1000)
  return builder.build()
}

test('bytes that are no batch are an error of their partition; the others are read on', async (t) => {
  const { cluster, client } = await setUp(t, { brokers: 1 })
  const { partitions } = cluster.createTopic('orders', 2)
  cluster.log.append(partitions[0]!, batchOf('a'))
  partitions[0]!.batches[0]!.writeInt32BE(5, 8)
  const consumer = client.consumer({ autoOffsetReset: 'earliest' })
  consumer.assign([
    { topic: 'orders', partition: 0 },
    { topic: 'orders', partition: 1 },
  ])
  await assert.rejects(consumer.next(), /A batch says a size of 17 bytes/)
  cluster.log.append(partitions[1]!, batchOf('x'))
  const batch = await consumer.next()
  assert.deepEqual([batch!.partition, String([...batch!.records][0]!.value)], [1, 'x'])
  await consumer.close()
})
