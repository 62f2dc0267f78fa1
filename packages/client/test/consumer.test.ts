import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BatchBuilder, ErrorCode } from '@ottla/protocol'
import { Fetch } from '@ottla/protocol/messages/01-fetch'
import { Metadata } from '@ottla/protocol/messages/03-metadata'
import { JoinGroup } from '@ottla/protocol/messages/11-join-group'
import { ClientError, type Consumer } from '../src/index.ts'
import { DROP, type FakeCluster } from './fake-cluster.ts'
import type { FakePartition } from './fake-log.ts'
import { setUp } from './setup.ts'

const kind =
  (expected: string) =>
  (error: unknown): boolean =>
    error instanceof ClientError && error.kind === expected

/** Appends batches of one record each; timestamps are 1000, 1001 and so on. */
function write(cluster: FakeCluster, partition: FakePartition, ...values: string[]): void {
  for (const value of values) {
    const builder = new BatchBuilder()
    builder.append(null, Buffer.from(value), [], 1000 + partition.endOffset)
    cluster.log.append(partition, builder.build())
  }
}

/** The next `count` values, and of which partition they are. */
async function read(consumer: Consumer, count: number): Promise<string[]> {
  const values: string[] = []
  while (values.length < count) {
    const batch = await consumer.next()
    for (const { value } of batch!.records) values.push(`${batch!.partition}:${value}`)
  }
  return values
}

test('an assigned consumer reads each partition in order, and what is written later', async (t) => {
  const { cluster, client } = await setUp(t, { brokers: 2 })
  const { partitions } = cluster.createTopic('orders', 2)
  write(cluster, partitions[0]!, 'a', 'b')
  write(cluster, partitions[1]!, 'x', 'y')
  const consumer = client.consumer({ autoOffsetReset: 'earliest' })
  consumer.assign([
    { topic: 'orders', partition: 0 },
    { topic: 'orders', partition: 1 },
  ])
  assert.deepEqual((await read(consumer, 4)).sort(), ['0:a', '0:b', '1:x', '1:y'])
  const later = read(consumer, 1)
  write(cluster, partitions[1]!, 'z')
  assert.deepEqual(await later, ['1:z'])
  assert.equal(consumer.position({ topic: 'orders', partition: 1 }), 3)
  assert.equal(consumer.lag({ topic: 'orders', partition: 1 }), 0)
  await consumer.close()
  assert.equal(await consumer.next(), null)
})

test('iteration ends with the consumer', async (t) => {
  const { cluster, client } = await setUp(t)
  const [partition] = cluster.createTopic('orders').partitions
  write(cluster, partition!, 'a', 'b', 'c')
  const consumer = client.consumer({ autoOffsetReset: 'earliest', maxWaitMs: 20 })
  consumer.assign([{ topic: 'orders', partition: 0 }])
  const values: string[] = []
  for await (const batch of consumer) {
    for (const { value } of batch.records) values.push(String(value))
    if (values.length === 3) await consumer.close()
  }
  assert.deepEqual(values, ['a', 'b', 'c'])
})

test('next gives up after its timeout', async (t) => {
  const { cluster, client } = await setUp(t)
  cluster.createTopic('orders')
  const consumer = client.consumer()
  consumer.assign([{ topic: 'orders', partition: 0 }])
  assert.equal(await consumer.next(5), null)
  await consumer.close()
})

test('where to start: the earliest, the latest, or nowhere', async (t) => {
  const { cluster, client } = await setUp(t)
  const [partition] = cluster.createTopic('orders').partitions
  write(cluster, partition!, 'a', 'b')
  partition!.startOffset = 1
  const place = { topic: 'orders', partition: 0 }
  const earliest = client.consumer({ autoOffsetReset: 'earliest' })
  earliest.assign([place])
  assert.deepEqual(await read(earliest, 1), ['0:b'])
  const latest = client.consumer({ autoOffsetReset: 'latest', maxWaitMs: 10 })
  latest.assign([place])
  while (latest.position(place) < 0) await latest.next(5)
  write(cluster, partition!, 'c')
  assert.deepEqual(await read(latest, 1), ['0:c'])
  const none = client.consumer({ autoOffsetReset: 'none' })
  none.assign([place])
  await assert.rejects(none.next(), kind('no-offset'))
  none.seek(place, 1)
  none.resume([place])
  assert.deepEqual(await read(none, 2), ['0:b', '0:c'])
  for (const consumer of [earliest, latest, none]) await consumer.close()
})

test('seek, rewind by time, pause and resume', async (t) => {
  const { cluster, client } = await setUp(t)
  const { partitions } = cluster.createTopic('orders', 2)
  write(cluster, partitions[0]!, 'a', 'b', 'c', 'd')
  write(cluster, partitions[1]!, 'x')
  const places = [0, 1].map((partition) => ({ topic: 'orders', partition }))
  const consumer = client.consumer({ autoOffsetReset: 'earliest', maxWaitMs: 20 })
  consumer.assign(places)
  await read(consumer, 5)
  consumer.pause([places[1]!])
  consumer.seek(places[0]!, 2)
  consumer.seek(places[1]!, 0)
  assert.deepEqual(await read(consumer, 2), ['0:c', '0:d'])
  consumer.resume([places[1]!])
  assert.deepEqual(await read(consumer, 1), ['1:x'])
  await consumer.seekToTime(1001)
  assert.equal(consumer.position(places[0]!), 1)
  assert.deepEqual(await read(consumer, 3), ['0:b', '0:c', '0:d'])
  consumer.seekToBeginning([places[0]!])
  assert.deepEqual(await read(consumer, 4), ['0:a', '0:b', '0:c', '0:d'])
  assert.deepEqual(
    (await consumer.endOffsets()).map(({ offset }) => offset),
    [4, 1],
  )
  assert.throws(() => consumer.seek({ topic: 'orders', partition: 2 }, 0), kind('usage'))
  await consumer.close()
})

test('an offset that is gone is reset as autoOffsetReset says', async (t) => {
  const { cluster, client } = await setUp(t)
  const [partition] = cluster.createTopic('orders').partitions
  write(cluster, partition!, 'a', 'b', 'c')
  partition!.startOffset = 2
  const place = { topic: 'orders', partition: 0 }
  const consumer = client.consumer({ autoOffsetReset: 'earliest' })
  consumer.assign([place])
  consumer.seek(place, 1)
  assert.deepEqual(await read(consumer, 1), ['0:c'])
  const strict = client.consumer({ autoOffsetReset: 'none' })
  strict.assign([place])
  strict.seek(place, 1)
  await assert.rejects(strict.next(), /OFFSET_OUT_OF_RANGE/)
  await consumer.close()
  await strict.close()
})

test('fetches go on in one session, and start another when the broker forgot it', async (t) => {
  const { cluster, client } = await setUp(t)
  const { partitions } = cluster.createTopic('orders', 2)
  write(cluster, partitions[0]!, 'a')
  const consumer = client.consumer({ autoOffsetReset: 'earliest', maxWaitMs: 5 })
  consumer.assign([0, 1].map((partition) => ({ topic: 'orders', partition })))
  await read(consumer, 1)
  const epochs = (): number[] => cluster.callsOf(Fetch).map(({ sessionEpoch }) => sessionEpoch)
  while (epochs().length < 4) await consumer.next(5)
  assert.deepEqual(epochs().slice(0, 4), [0, 1, 2, 3])
  const asked = cluster.callsOf(Fetch)
  assert.equal(asked[0]!.topics[0]!.partitions.length, 2)
  assert.deepEqual(
    asked[1]!.topics[0]!.partitions.map(({ partition, fetchOffset }) => [partition, fetchOffset]),
    [[0, 1]],
  )
  assert.deepEqual(asked[2]!.topics, [])
  cluster.log.sessions.clear()
  write(cluster, partitions[1]!, 'b')
  assert.deepEqual(await read(consumer, 1), ['1:b'])
  write(cluster, partitions[1]!, 'c')
  assert.deepEqual(await read(consumer, 1), ['1:c'])
  assert.ok(epochs().lastIndexOf(0) >= 4)
  await consumer.close()
})

test('a leader that moves, and connections that break, lose nothing', async (t) => {
  const { cluster, client } = await setUp(t, { brokers: 2 })
  const [partition] = cluster.createTopic('orders').partitions
  write(cluster, partition!, 'a')
  const consumer = client.consumer({ autoOffsetReset: 'earliest', maxWaitMs: 10 })
  consumer.assign([{ topic: 'orders', partition: 0 }])
  assert.deepEqual(await read(consumer, 1), ['0:a'])
  partition!.leaderId = 1
  partition!.leaderEpoch = 1
  write(cluster, partition!, 'b')
  assert.deepEqual(await read(consumer, 1), ['0:b'])
  let drops = 3
  cluster.intercept(Fetch, () => (drops-- > 0 ? DROP : undefined))
  write(cluster, partition!, 'c')
  assert.deepEqual(await read(consumer, 1), ['0:c'])
  await consumer.close()
})

test('no more is fetched ahead than may be buffered', async (t) => {
  const { cluster, client } = await setUp(t)
  const [partition] = cluster.createTopic('orders').partitions
  const consumer = client.consumer({ autoOffsetReset: 'earliest', partitionFetchBytesMax: 100 })
  consumer.assign([{ topic: 'orders', partition: 0 }])
  write(cluster, partition!, 'x'.repeat(100))
  await consumer.next()
  // the next fetch is under way; what it brings fills the buffer, and no other follows
  write(cluster, partition!, 'y'.repeat(100))
  await client.cluster.refresh()
  for (let i = 0; i < 5; i++) {
    write(cluster, partition!, 'z'.repeat(100))
    await client.cluster.refresh()
  }
  assert.equal(cluster.callsOf(Fetch).length, 2)
  assert.equal((await read(consumer, 6)).length, 6)
  await consumer.close()
})

test('a member commits and another one goes on from there', async (t) => {
  const { cluster, client } = await setUp(t)
  const [partition] = cluster.createTopic('orders').partitions
  write(cluster, partition!, 'a', 'b')
  const options = { groupId: 'g', autoOffsetReset: 'earliest', heartbeatIntervalMs: 5 } as const
  const first = client.consumer({ ...options, autoCommit: false })
  first.subscribe(['orders'])
  assert.deepEqual(await read(first, 2), ['0:a', '0:b'])
  await first.commit()
  write(cluster, partition!, 'c')
  assert.deepEqual(await read(first, 1), ['0:c'])
  await first.close()
  assert.equal(cluster.groups.of('g').members.size, 0)
  const second = client.consumer(options)
  second.subscribe(['orders'])
  assert.deepEqual(await read(second, 1), ['0:c'])
  assert.deepEqual(
    (await second.committed()).map(({ offset }) => offset),
    [2],
  )
  // asking again says that c is dealt with; the commit comes at the end
  assert.equal(await second.next(5), null)
  await second.close()
  assert.equal(cluster.groups.of('g').offsets.get('orders/0')!.offset, 3)
})

test('what was handed out and not dealt with is not committed automatically', async (t) => {
  const { cluster, client } = await setUp(t)
  const [partition] = cluster.createTopic('orders').partitions
  write(cluster, partition!, 'a')
  const consumer = client.consumer({ groupId: 'g', autoOffsetReset: 'earliest' })
  consumer.subscribe(['orders'])
  await read(consumer, 1)
  await consumer.close()
  assert.equal(cluster.groups.of('g').offsets.get('orders/0')?.offset ?? 0, 0)
})

/** Asks all for records until `done`, as their users would. */
async function pollUntil(consumers: readonly Consumer[], done: () => boolean): Promise<void> {
  while (!done()) await Promise.all(consumers.map((consumer) => consumer.next(5)))
}

test('members share partitions, and take over those of one that leaves', async (t) => {
  const { cluster, client } = await setUp(t)
  cluster.createTopic('orders', 4)
  const events: string[] = []
  const join = (name: string): Consumer => {
    const consumer = client.consumer({
      groupId: 'g',
      heartbeatIntervalMs: 2,
      maxWaitMs: 10,
      onAssigned: (list) => void events.push(`${name}+${list.length}`),
      onRevoked: (list) => void events.push(`${name}-${list.length}`),
    })
    consumer.subscribe(['orders'])
    return consumer
  }
  const first = join('a')
  await pollUntil([first], () => first.assignment.length === 4)
  const second = join('b')
  await pollUntil([first, second], () => first.assignment.length === 2 && second.assignment.length === 2)
  assert.deepEqual(events.slice(0, 2), ['a+4', 'a-4'])
  await second.close()
  await pollUntil([first], () => first.assignment.length === 4)
  await first.close()
})

test('cooperative members keep what they have through a rebalance', async (t) => {
  const { cluster, client } = await setUp(t)
  cluster.createTopic('orders', 4)
  const events: string[] = []
  const join = (name: string): Consumer => {
    const consumer = client.consumer({
      groupId: 'g',
      heartbeatIntervalMs: 2,
      maxWaitMs: 10,
      assignors: ['cooperative-sticky'],
      onRevoked: (list) => void events.push(`${name}-${list.length}`),
    })
    consumer.subscribe(['orders'])
    return consumer
  }
  const first = join('a')
  await pollUntil([first], () => first.assignment.length === 4)
  const second = join('b')
  await pollUntil([first, second], () => second.assignment.length === 2)
  assert.deepEqual(events, ['a-2'])
  assert.equal(first.assignment.length, 2)
  await first.close()
  await second.close()
})

test('a member that the group gave up joins anew, and its partitions are lost', async (t) => {
  const { cluster, client } = await setUp(t)
  cluster.createTopic('orders', 2)
  let lost = 0
  const consumer = client.consumer({
    groupId: 'g',
    heartbeatIntervalMs: 2,
    maxWaitMs: 10,
    onLost: (list) => {
      lost += list.length
    },
  })
  consumer.subscribe(['orders'])
  await pollUntil([consumer], () => consumer.assignment.length === 2)
  const [memberId] = cluster.groups.of('g').members.keys()
  cluster.groups.expel('g', memberId!)
  await pollUntil([consumer], () => lost === 2 && consumer.assignment.length === 2)
  assert.notEqual([...cluster.groups.of('g').members.keys()][0], memberId)
  await consumer.close()
})

test('partitions that are added are shared out', async (t) => {
  const { cluster, client } = await setUp(t, { metadataMaxAgeMs: 5 })
  const topic = cluster.createTopic('orders', 1)
  const consumer = client.consumer({ groupId: 'g', heartbeatIntervalMs: 2, maxWaitMs: 10 })
  consumer.subscribe(/^ord/)
  await pollUntil([consumer], () => consumer.assignment.length === 1)
  topic.partitions.push({ ...topic.partitions[0]!, batches: [], producers: new Map() })
  await pollUntil([consumer], () => consumer.assignment.length === 2)
  await consumer.close()
})

test('a consumer by hand commits for its group while it has no members', async (t) => {
  const { cluster, client } = await setUp(t)
  cluster.createTopic('orders')
  const consumer = client.consumer({ groupId: 'g', autoCommit: false })
  await consumer.commit([{ topic: 'orders', partition: 0, offset: 7, metadata: 'note' }])
  assert.deepEqual(await consumer.committed([{ topic: 'orders', partition: 0 }]), [
    { topic: 'orders', partition: 0, offset: 7, leaderEpoch: -1, metadata: 'note' },
  ])
  const member = client.consumer({ groupId: 'g' })
  member.subscribe(['orders'])
  await pollUntil([member], () => member.assignment.length === 1)
  await assert.rejects(consumer.commit([{ topic: 'orders', partition: 0, offset: 8 }]), { code: ErrorCode.UNKNOWN_MEMBER_ID })
  await member.close()
  await consumer.close()
})

test('wrong uses say what to do', async (t) => {
  const { client } = await setUp(t)
  const consumer = client.consumer()
  assert.throws(() => consumer.subscribe(['orders']), kind('usage'))
  await assert.rejects(consumer.commit(), kind('usage'))
  assert.throws(() => client.consumer({ autoCommit: true }), kind('usage'))
  assert.throws(() => client.producer({ acks: 1, idempotent: true }), kind('usage'))
})

test('versions without topic ids, sessions or leader epochs are spoken too', async (t) => {
  const { cluster, client } = await setUp(t)
  const [partition] = cluster.createTopic('orders').partitions
  write(cluster, partition!, 'a')
  cluster.versions.set(Fetch.key, { min: 4, max: 6 })
  cluster.versions.set(Metadata.key, { min: 0, max: 5 })
  const consumer = client.consumer({ autoOffsetReset: 'earliest', maxWaitMs: 5 })
  consumer.assign([{ topic: 'orders', partition: 0 }])
  assert.deepEqual(await read(consumer, 1), ['0:a'])
  write(cluster, partition!, 'b')
  assert.deepEqual(await read(consumer, 1), ['0:b'])
  await consumer.close()
})

test('two consumers of one client do not wait for one another', async (t) => {
  const { cluster, client } = await setUp(t)
  const { partitions } = cluster.createTopic('orders', 2)
  const consumers = [0, 1].map((partition) => {
    const consumer = client.consumer({ autoOffsetReset: 'earliest', maxWaitMs: 60_000 })
    consumer.assign([{ topic: 'orders', partition }])
    return consumer
  })
  const asked = consumers.map((consumer) => read(consumer, 1))
  while (cluster.callsOf(Fetch).length < 2) await client.cluster.refresh()
  write(cluster, partitions[1]!, 'b')
  assert.deepEqual(await asked[1], ['1:b'])
  write(cluster, partitions[0]!, 'a')
  assert.deepEqual(await asked[0], ['0:a'])
  for (const consumer of consumers) await consumer.close()
})

test('an id that the coordinator forgot is given up for a new one', async (t) => {
  const { cluster, client } = await setUp(t)
  cluster.createTopic('orders')
  let forgotten = ''
  cluster.intercept(JoinGroup, ({ memberId }) => {
    if (memberId !== '' && forgotten === '') forgotten = memberId
    if (memberId === '' || memberId !== forgotten) return undefined
    return { errorCode: ErrorCode.UNKNOWN_MEMBER_ID, protocolName: '', leader: '', memberId, members: [] }
  })
  const consumer = client.consumer({ groupId: 'g', maxWaitMs: 10 })
  consumer.subscribe(['orders'])
  await pollUntil([consumer], () => consumer.assignment.length === 1)
  assert.equal(cluster.groups.of('g').members.has(forgotten), false)
  await consumer.close()
})

test('a consumer that closes while its group rebalances leaves at once', async (t) => {
  const { cluster, client } = await setUp(t)
  cluster.createTopic('orders')
  const first = client.consumer({ groupId: 'g', heartbeatIntervalMs: 60_000, maxWaitMs: 10 })
  first.subscribe(['orders'])
  await pollUntil([first], () => first.assignment.length === 1)
  const second = client.consumer({ groupId: 'g', maxWaitMs: 10 })
  second.subscribe(['orders'])
  // its join is held until the first member joins again, which it does not
  while (cluster.groups.of('g').members.size < 2) await second.next(5)
  await second.close()
  assert.equal(cluster.groups.of('g').members.size, 1)
  await first.close()
})

test('a seek drops what is buffered, and what a fetch under way brings', async (t) => {
  const { cluster, client } = await setUp(t)
  const { partitions } = cluster.createTopic('orders', 2)
  for (const partition of partitions) write(cluster, partition, 'a', 'b', 'c')
  const places = [0, 1].map((partition) => ({ topic: 'orders', partition }))
  const consumer = client.consumer({ autoOffsetReset: 'earliest', maxWaitMs: 10 })
  consumer.assign(places)
  // one fetch brought both: the other partition's records are buffered now
  const first = (await consumer.next())!.partition
  consumer.seek(places[1 - first]!, 2)
  assert.deepEqual(await read(consumer, 1), [`${1 - first}:c`])

  let release = (): void => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  let holding = (): void => {}
  const fetching = new Promise<void>((resolve) => {
    holding = resolve
  })
  cluster.intercept(Fetch, async ({ topics }) => {
    if (!topics.some((one) => one.partitions.some(({ partition, fetchOffset }) => partition === 0 && fetchOffset === 2))) return undefined
    holding()
    await held
    return undefined
  })
  consumer.pause([places[1]!])
  consumer.seek(places[0]!, 2)
  const next = read(consumer, 3)
  await fetching
  consumer.seek(places[0]!, 0)
  release()
  assert.deepEqual(await next, ['0:a', '0:b', '0:c'])
  await consumer.close()
})
