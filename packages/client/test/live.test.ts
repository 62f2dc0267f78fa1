import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadBrokerConfig } from '@ottla/broker'
import { startServer } from 'ottla'
import { createClient, type Consumer } from '../src/index.ts'
import { env } from './setup.ts'

async function read(consumer: Consumer, count: number): Promise<string[]> {
  const values: string[] = []
  while (values.length < count) for (const { value } of (await consumer.next())!.records) values.push(String(value))
  return values
}

test('producer, consumer, group and admin against the broker itself', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'ottla-client-'))
  const { config } = loadBrokerConfig(
    new Map([
      ['listeners', 'PLAINTEXT://127.0.0.1:0'],
      ['log.dirs', join(directory, 'data')],
      ['keeper.dir', join(directory, 'keeper')],
      ['group.initial.rebalance.delay.ms', '0'],
    ]),
    new Map(),
  )
  const server = await startServer(env, config)
  const { host, port } = server.addresses[0]!
  const client = createClient(env, { bootstrap: `${host}:${port}`, clientId: 'live' })
  t.after(async () => {
    client.close()
    await server.stop()
    rmSync(directory, { recursive: true })
  })
  const admin = client.admin()
  const [created, wrong] = await admin.createTopics([
    { name: 'orders', partitions: 3, configs: { 'retention.ms': '5000000' } },
    { name: 'a/b' },
  ])
  assert.equal(created!.error, null)
  assert.match(wrong!.error!.message, /INVALID_TOPIC_EXCEPTION/)
  assert.equal((await admin.describeTopics(['orders']))[0]!.partitions.length, 3)
  const topic = { type: 'topic', name: 'orders' } as const
  await admin.incrementalAlterConfigs(topic, [{ name: 'retention.ms', operation: 'set', value: '6000000' }])
  assert.equal((await admin.describeConfigs([topic], ['retention.ms']))[0]![0]!.value, '6000000')
  assert.equal((await admin.describeCluster()).brokers.length, 1)

  const values = Array.from({ length: 500 }, (_, i) => `value ${i}`)
  for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const) {
    const producer = client.producer({ compression })
    await producer.sendMany(values.slice(0, 100).map((value) => ({ topic: 'orders', key: 'k', value: `${compression} ${value}` })))
    await producer.close()
  }
  const group = { groupId: 'g', autoOffsetReset: 'earliest', autoCommit: false } as const
  const first = client.consumer(group)
  first.subscribe(['orders'])
  assert.equal(new Set(await read(first, 500)).size, 500)
  await first.commit()
  const [described] = await admin.describeGroups(['g'])
  assert.deepEqual([described!.state, described!.members[0]!.assignment.length], ['Stable', 3])
  assert.deepEqual(
    (await admin.listGroups()).map(({ groupId }) => groupId),
    ['g'],
  )
  await first.close()
  const committed = await admin.listGroupOffsets('g')
  const [{ topic: name, partition } = { topic: '', partition: -1 }] = committed.filter(({ offset }) => offset === 500)
  await admin.alterGroupOffsets('g', [{ topic: name, partition, offset: 498 }])
  const second = client.consumer(group)
  second.subscribe(['orders'])
  assert.deepEqual(await read(second, 2), ['zstd value 98', 'zstd value 99'])
  await second.close()
  await admin.deleteGroup('g')
  const [start] = await admin.deleteRecords([{ topic: 'orders', partition, before: 400 }])
  assert.equal(start!.offset, 400)
  assert.equal((await admin.listOffsets([{ topic: 'orders', partition, at: 'earliest' }]))[0]!.offset, 400)
  await admin.alterGroupOffsets('late', [{ topic: 'orders', partition, offset: 10 }])
  const late = client.consumer({ ...group, groupId: 'late' })
  late.subscribe(['orders'])
  assert.equal((await read(late, 1))[0], 'zstd value 0', 'a group that was behind goes on at the new start')
  await late.close()
  await assert.rejects(admin.deleteRecords([{ topic: 'orders', partition, before: 501 }]), /OFFSET_OUT_OF_RANGE/)
  await assert.rejects(admin.deleteRecords([{ topic: 'orders', partition: 3, before: 1 }]), /UNKNOWN_TOPIC_OR_PARTITION/)
  const ends = await admin.listOffsets([0, 1, 2].map((one) => ({ topic: 'orders', partition: one, at: 'latest' as const })))
  assert.equal(
    ends.reduce((sum, { offset }) => sum + offset, 0),
    500,
  )
  assert.equal((await admin.deleteTopics(['orders']))[0]!.error, null)
})
