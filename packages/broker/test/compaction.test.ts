/** `__consumer_offsets` and the cleaner of a broker, by its own clock. */
import assert from 'node:assert/strict'
import { GROUP_TOPIC } from '../src/internal-topics.ts'
import { ErrorCode } from '@ottla/protocol'
import { OffsetCommit } from '@ottla/protocol/messages/08-offset-commit'
import { OffsetFetch } from '@ottla/protocol/messages/09-offset-fetch'
import { FindCoordinator } from '@ottla/protocol/messages/10-find-coordinator'
import { DeleteGroups } from '@ottla/protocol/messages/42-delete-groups'
import { createTopic, fetch, produce, recordsIn } from './actions.ts'
import type { RawClient } from './raw-client.ts'
import { brokerTest, type TestBroker } from './test-broker.ts'

const PARTITIONS = 3
const DELETE_RETENTION_MS = 60_000
const settings = {
  'offsets.topic.num.partitions': 1,
  'offsets.topic.segment.bytes': 4000,
  'log.cleaner.backoff.ms': 1000,
  'log.cleaner.delete.retention.ms': DELETE_RETENTION_MS,
  'log.segment.delete.delay.ms': 100,
  'log.flush.before.ack': true,
}

/** Resolves once the groups are there. */
async function coordinated(place: TestBroker, client: RawClient): Promise<void> {
  for (;;) {
    const { coordinators } = await client.request(FindCoordinator, 4, { keyType: 0, coordinatorKeys: ['busy'] })
    if (coordinators[0]!.errorCode === 0) return
    await place.passTime(10)
  }
}

async function commit(client: RawClient, groupId: string, offset: number): Promise<void> {
  const partitions = Array.from({ length: PARTITIONS }, (_, partitionIndex) => ({
    partitionIndex,
    committedOffset: offset + partitionIndex,
    committedMetadata: `${groupId} ${offset}`,
  }))
  const { topics } = await client.request(OffsetCommit, 8, { groupId, topics: [{ name: 't', partitions }] })
  for (const { errorCode } of topics[0]!.partitions) assert.equal(errorCode, 0)
}

/** By partition, once the groups are read; -1: none. */
async function committed(place: TestBroker, client: RawClient, groupId: string): Promise<number[]> {
  const topics = [{ name: 't', partitionIndexes: Array.from({ length: PARTITIONS }, (_, partition) => partition) }]
  for (;;) {
    const { groups } = await client.request(OffsetFetch, 8, { groups: [{ groupId, topics }] })
    const { errorCode, topics: found } = groups[0]!
    if (errorCode === 0) return found[0]!.partitions.map(({ committedOffset }) => committedOffset)
    assert.equal(errorCode, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
    await place.passTime(10)
  }
}

/** Keys and whether each is a tombstone, of all records of the group topic's one partition. */
async function stored(place: TestBroker): Promise<{ key: string; isTombstone: boolean }[]> {
  const log = place.broker.topics.byName(GROUP_TOPIC)!.logs[0]!
  const found: { key: string; isTombstone: boolean }[] = []
  for await (const batch of log.readBatches(log.logStartOffset)) {
    for (const { key, value } of recordsIn(batch)) found.push({ key: key!.toString('latin1'), isTombstone: value === null })
  }
  return found
}

brokerTest(
  '__consumer_offsets stays small however often a group commits, and loads after a restart',
  { settings, simulatedOnly: true },
  async (place) => {
    let client = await place.connect()
    await createTopic(client, 't', { partitions: PARTITIONS })
    await coordinated(place, client)
    for (const groupId of ['gone', 'kept']) await commit(client, groupId, 7)
    for (let offset = 0; offset < 500; offset++) await commit(client, 'busy', offset)
    const log = place.broker.topics.byName(GROUP_TOPIC)!.logs[0]!
    await place.passTime(5000)
    assert.ok(log.logEndOffset > 1500 && log.sizeBytes < 2 * 4000, `${log.sizeBytes} bytes for ${log.logEndOffset} records`)
    const { results } = await client.request(DeleteGroups, 2, { groupsNames: ['gone'] })
    assert.equal(results[0]!.errorCode, 0)
    for (let offset = 500; offset < 600; offset++) await commit(client, 'busy', offset)
    await place.passTime(5000)
    const ofGone = async (): Promise<boolean[]> =>
      (await stored(place)).filter(({ key }) => key.includes('gone')).map(({ isTombstone }) => isTombstone)
    const tombstones = await ofGone()
    assert.ok(tombstones.length >= PARTITIONS && tombstones.every(Boolean), 'only that it was deleted is left of it')
    await place.passTime(DELETE_RETENTION_MS)
    for (let offset = 600; offset < 900; offset++) await commit(client, 'busy', offset)
    await place.passTime(5000)
    assert.deepEqual(await ofGone(), [], 'tombstones have had their time')
    for (const way of ['stop', 'kill', 'crash'] as const) {
      await (way === 'stop' ? place.restart() : place.dieAndStart(way))
      client = await place.connect()
      await coordinated(place, client)
      assert.deepEqual(await committed(place, client, 'busy'), [899, 900, 901], way)
      assert.deepEqual(await committed(place, client, 'kept'), [7, 8, 9], way)
      assert.deepEqual(await committed(place, client, 'gone'), [-1, -1, -1], way)
    }
  },
)

brokerTest(
  'a compacted topic is cleaned by the broker, and what is left is served after each kind of end',
  { settings: { ...settings, 'log.cleaner.threads': 2 }, simulatedOnly: true, seeds: 5 },
  async (place) => {
    let client = await place.connect()
    const configs = { 'cleanup.policy': 'compact', 'segment.bytes': 300, 'min.cleanable.dirty.ratio': 0.01 }
    for (const name of ['t', 'u']) await createTopic(client, name, { configs })
    const fill = async (from: number): Promise<void> => {
      for (let i = from; i < from + 30; i++) for (const name of ['t', 'u']) await produce(client, name, [`${i}`])
    }
    const check = async (): Promise<void> => {
      for (const name of ['t', 'u']) {
        const values: string[] = []
        for (let offset = 0; ;) {
          const found = await fetch(client, name, offset)
          assert.equal(found.errorCode, 0)
          const records = recordsIn(found.records ?? null, offset)
          if (records.length === 0) {
            assert.equal(offset, found.highWatermark, 'no answer is empty before the end')
            break
          }
          values.push(...records.map(({ value }) => value!.toString()))
          offset = records.at(-1)!.offset + 1
        }
        assert.ok(values.length < 10, values.join())
        assert.equal(values.at(-1), String(written - 1))
      }
    }
    let written = 0
    for (const way of ['stop', 'kill', 'crash', 'none'] as const) {
      await fill(written)
      written += 30
      await place.passTime(3000)
      await check()
      if (way === 'none') break
      await (way === 'stop' ? place.restart() : place.dieAndStart(way))
      client = await place.connect()
      await check()
    }
  },
)
