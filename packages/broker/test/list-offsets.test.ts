import assert from 'node:assert/strict'
import { ErrorCode } from '@ottla/protocol'
import { batchOf, createTopic, EARLIEST, LATEST, offsetAt, produce, TIME } from './actions.ts'
import type { RawClient } from './raw-client.ts'
import { brokerTest } from './test-broker.ts'

const MAX_TIMESTAMP = -3
const EARLIEST_LOCAL = -4
const LATEST_TIERED = -5
const EARLIEST_PENDING_UPLOAD = -6

async function fill(client: RawClient): Promise<void> {
  await createTopic(client, 'a', { configs: { 'internal.segment.bytes': 300, 'index.interval.bytes': 0 } })
  // batches of three records, 10 ms apart; the sixth is the latest, the last is early
  for (const [i, timestamp] of [0, 10, 20, 30, 40, 90, 50].entries()) {
    const { baseOffset } = await produce(client, 'a', batchOf(['x', 'y', 'z'], { timestamp: TIME + timestamp }))
    assert.equal(baseOffset, i * 3)
  }
}

brokerTest('ListOffsets: the special times, in every version that has them', {}, async (place) => {
  const client = await place.connect()
  await fill(client)
  for (let version = 1; version <= 11; version++) {
    const epoch = version >= 4 ? 0 : -1
    const at = async (time: number): Promise<number[]> => {
      const { errorCode, offset, timestamp, leaderEpoch } = await offsetAt(client, 'a', time, { version })
      return [errorCode, offset, timestamp, leaderEpoch]
    }
    assert.deepEqual(await at(LATEST), [0, 21, -1, epoch])
    assert.deepEqual(await at(EARLIEST), [0, 0, -1, epoch])
    if (version >= 7) assert.deepEqual(await at(MAX_TIMESTAMP), [0, 17, TIME + 92, epoch])
    if (version >= 8) assert.deepEqual(await at(EARLIEST_LOCAL), [0, 0, -1, epoch])
    if (version >= 9) assert.deepEqual((await at(LATEST_TIERED)).slice(0, 2), [0, -1])
    if (version >= 11) assert.deepEqual((await at(EARLIEST_PENDING_UPLOAD)).slice(0, 2), [0, -1])
  }
})

brokerTest('ListOffsets: by time, the first record that is not older', {}, async (place) => {
  const client = await place.connect()
  await fill(client)
  const cases: [time: number, offset: number, timestamp: number][] = [
    [0, 0, TIME],
    [TIME, 0, TIME],
    [TIME + 1, 1, TIME + 1],
    [TIME + 2, 2, TIME + 2],
    [TIME + 3, 3, TIME + 10],
    [TIME + 41, 13, TIME + 41],
    [TIME + 43, 15, TIME + 90],
    [TIME + 92, 17, TIME + 92],
    [TIME + 93, -1, -1],
    [Number.MAX_SAFE_INTEGER, -1, -1],
  ]
  for (const [time, offset, timestamp] of cases) {
    const found = await offsetAt(client, 'a', time)
    assert.deepEqual([found.errorCode, found.offset, found.timestamp], [0, offset, timestamp], `time ${time - TIME}`)
  }
})

brokerTest('ListOffsets: an empty log', {}, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'a')
  for (const [time, offset] of [
    [LATEST, 0],
    [EARLIEST, 0],
    [MAX_TIMESTAMP, -1],
    [0, -1],
    [TIME, -1],
  ] as const) {
    const found = await offsetAt(client, 'a', time)
    assert.deepEqual([found.errorCode, found.offset], [0, offset], `time ${time}`)
  }
})

brokerTest('ListOffsets: version 0 answers a list', {}, async (place) => {
  const client = await place.connect()
  await fill(client)
  const list = async (time: number): Promise<number[]> => (await offsetAt(client, 'a', time, { version: 0 })).oldStyleOffsets
  assert.equal((await list(LATEST))[0], 21)
  assert.deepEqual(await list(EARLIEST), [0])
})

brokerTest('ListOffsets: what it refuses', {}, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'a')
  await place.restart()
  const again = await place.connect()
  const codeOf = async (topic: string, time: number, options = {}): Promise<number> =>
    (await offsetAt(again, topic, time, options)).errorCode
  assert.equal(await codeOf('absent', LATEST), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  assert.equal(await codeOf('a', LATEST, { partition: 1 }), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  assert.equal(await codeOf('a', LATEST, { currentLeaderEpoch: 0 }), ErrorCode.FENCED_LEADER_EPOCH)
  assert.equal(await codeOf('a', LATEST, { currentLeaderEpoch: 1 }), 0)
  assert.equal(await codeOf('a', LATEST, { currentLeaderEpoch: 2 }), ErrorCode.UNKNOWN_LEADER_EPOCH)
  assert.equal(await codeOf('a', -7), ErrorCode.UNSUPPORTED_VERSION)
})
