import assert from 'node:assert/strict'
import { ErrorCode } from '@ottla/protocol'
import { DeleteRecords } from '@ottla/protocol/messages/21-delete-records'
import { alterTopic, batchOf, createTopic, EARLIEST, fetch, LATEST, offsetAt, produce, valuesIn, watched } from './actions.ts'
import type { RawClient } from './raw-client.ts'
import { brokerTest, type TestBroker } from './test-broker.ts'

const HIGH_WATERMARK = -1
const FOUR = ['a', 'b', 'c', 'd']

async function deleteBefore(client: RawClient, name: string, offset: number, partitionIndex = 0, version = 2) {
  const request = { topics: [{ name, partitions: [{ partitionIndex, offset }] }], timeoutMs: 30_000 }
  const { errorCode, lowWatermark } = (await client.request(DeleteRecords, version, request)).topics[0]!.partitions[0]!
  return [errorCode, lowWatermark]
}

const startOf = async (client: RawClient): Promise<number> => (await offsetAt(client, 'a', EARLIEST)).offset

brokerTest('DeleteRecords: every version moves the start up, never down, and readers find it there', {}, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'a')
  await produce(client, 'a', batchOf(FOUR))
  for (const [version, offset, start] of [
    [0, 0, 0],
    [0, 1, 1],
    [1, 2, 2],
    [2, 1, 2],
    [2, 3, 3],
  ] as const) {
    assert.deepEqual(await deleteBefore(client, 'a', offset, 0, version), [0, start])
    assert.equal(await startOf(client), start)
    const [below, at] = [await fetch(client, 'a', start - 1), await fetch(client, 'a', start)]
    assert.equal(below.errorCode, ErrorCode.OFFSET_OUT_OF_RANGE)
    assert.deepEqual([at.errorCode, at.logStartOffset, valuesIn(at.records, start)], [0, start, FOUR.slice(start)])
  }
  assert.deepEqual(await deleteBefore(client, 'a', HIGH_WATERMARK), [0, 4])
  assert.equal((await fetch(client, 'a', 4)).errorCode, 0)
  assert.equal((await produce(client, 'a', ['e'])).baseOffset, 4)
  assert.deepEqual(valuesIn((await fetch(client, 'a', 4)).records), ['e'])
})

/** What Kafka 4.3.1 answers to the same requests. */
brokerTest('DeleteRecords: what it refuses', {}, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'a')
  await createTopic(client, '__consumer_offsets', { configs: { 'cleanup.policy': 'compact' } })
  await produce(client, 'a', batchOf(FOUR))
  assert.deepEqual(await deleteBefore(client, 'a', 5), [ErrorCode.OFFSET_OUT_OF_RANGE, -1])
  assert.deepEqual(await deleteBefore(client, 'a', -2), [ErrorCode.OFFSET_OUT_OF_RANGE, -1])
  assert.deepEqual(await deleteBefore(client, 'a', 0, 7), [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, -1])
  assert.deepEqual(await deleteBefore(client, 'a', 0, -1), [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, -1])
  assert.deepEqual(await deleteBefore(client, 'absent', 0), [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, -1])
  assert.deepEqual(await deleteBefore(client, '__consumer_offsets', 0), [ErrorCode.INVALID_TOPIC_EXCEPTION, -1])
  for (const [policy, outcome] of [
    ['compact', [ErrorCode.POLICY_VIOLATION, -1]],
    ['', [0, 1]],
    ['compact,delete', [0, 2]],
  ] as const) {
    await alterTopic(client, 'a', { 'cleanup.policy': policy })
    assert.deepEqual(await deleteBefore(client, 'a', policy === '' ? 1 : 2), outcome)
  }
})

brokerTest('DeleteRecords: several partitions and topics at once, each with its own outcome', {}, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'a', { partitions: 2 })
  for (const partition of [0, 1]) await produce(client, 'a', batchOf(FOUR), { partition })
  const topics = [
    { name: 'a', partitions: [1, 0].map((partitionIndex) => ({ partitionIndex, offset: partitionIndex === 1 ? 9 : 3 })) },
    { name: 'absent', partitions: [{ partitionIndex: 0, offset: 0 }] },
  ]
  const answer = await client.request(DeleteRecords, 2, { topics, timeoutMs: 30_000 })
  assert.deepEqual(
    answer.topics.map(({ name, partitions }) => [name, ...partitions.map((one) => [one.partitionIndex, one.errorCode, one.lowWatermark])]),
    [
      ['a', [1, ErrorCode.OFFSET_OUT_OF_RANGE, -1], [0, 0, 3]],
      ['absent', [0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, -1]],
    ],
  )
})

for (const how of ['kill', 'crash'] as const) {
  brokerTest(`DeleteRecords: what was deleted stays so after a ${how}`, { simulatedOnly: true, seeds: 3 }, async (place) => {
    const client = await place.connect()
    await createTopic(client, 'a')
    await produce(client, 'a', batchOf(FOUR))
    await produce(client, 'a', batchOf(FOUR))
    assert.deepEqual(await deleteBefore(client, 'a', 6), [0, 6])
    await place.dieAndStart(how)
    const again = await place.connect()
    assert.equal(await startOf(again), 6)
    const { baseOffset, errorCode } = await produce(again, 'a', ['e'])
    assert.equal(errorCode, 0)
    assert(baseOffset >= 6, `offset ${baseOffset} is given to a second record`)
    assert.deepEqual(valuesIn((await fetch(again, 'a', baseOffset)).records), ['e'])
  })
}

brokerTest(
  'DeleteRecords: whole segments below the start go with the next retention, under the eyes of who reads',
  { simulatedOnly: true, settings: { 'log.retention.check.interval.ms': 1000 } },
  async (place) => {
    const client = await place.connect()
    await createTopic(client, 'a', { configs: { 'internal.segment.bytes': 1000, 'file.delete.delay.ms': 5000 } })
    for (let i = 0; i < 10; i++) await produce(client, 'a', batchOf([Buffer.alloc(800, 97 + i)]))
    const reading = place.connect().then((reader) => readOn(reader, 10))
    assert.deepEqual(await deleteBefore(client, 'a', 7), [0, 7])
    await place.passTime(1500)
    assert.deepEqual(await logFiles(place), [7, 8, 9])
    assert.equal(await filesOf(place, '.log.deleted'), 7)
    await place.passTime(6000)
    assert.equal(await filesOf(place, '.deleted'), 0)
    const seen = await reading
    assert.deepEqual(seen.slice(-3), [7, 8, 9])
    assert.deepEqual(
      seen,
      seen.toSorted((a, b) => a - b),
    )
    await place.restart()
    assert.equal(await startOf(await place.connect()), 7)
  },
)

brokerTest('DeleteRecords: who waits at the end is not disturbed', {}, async (place) => {
  const [client, waiting] = [await place.connect(), await place.connect()]
  await createTopic(client, 'a')
  await produce(client, 'a', batchOf(FOUR))
  const wait = watched(fetch(waiting, 'a', 4, { maxWaitMs: 30_000 }))
  assert.deepEqual(await deleteBefore(client, 'a', HIGH_WATERMARK), [0, 4])
  assert.equal((await offsetAt(client, 'a', LATEST)).offset, 4)
  assert.equal(wait.settled, false)
  await produce(client, 'a', ['e'])
  assert.deepEqual(valuesIn((await wait.promise).records), ['e'])
})

/** Reads offset by offset to the end; where the start has moved on, from there, as a consumer does that resets to the earliest. */
async function readOn(client: RawClient, end: number): Promise<number[]> {
  const seen: number[] = []
  for (let at = 0; at < end;) {
    const { errorCode, records } = await fetch(client, 'a', at, { partitionMaxBytes: 900 })
    if (errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) at = await startOf(client)
    else if (valuesIn(records, at)[0]![0] === String.fromCharCode(97 + at)) seen.push(at++)
    else assert.fail(`offset ${at} holds another record`)
  }
  return seen
}

async function logFiles(place: TestBroker): Promise<number[]> {
  const names = (await place.env.disk.list(`${place.logDirectory}/a-0`)).map(({ name }) => name)
  return names.filter((name) => name.endsWith('.log')).map((name) => Number.parseInt(name, 10))
}

async function filesOf(place: TestBroker, suffix: string): Promise<number> {
  return (await place.env.disk.list(`${place.logDirectory}/a-0`)).filter(({ name }) => name.endsWith(suffix)).length
}
