import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { DEFAULT_LOG_CONFIG, LogDirectory, type PartitionLog } from '@ottla/log'
import { BatchBuilder } from '@ottla/protocol'
import { decidedRecords } from '../src/groups/decided-records.ts'
import { groupFact, offsetRecord } from '../src/groups/group-records.ts'
import { committed, GoldenPlace } from './golden-place.ts'

/** Of Kafka 4.3.1 (see take-over.test.ts); `group-consumer` is a group of KIP-848, whose records no coordinator here understands. */
const LOG_DIRS = ['data1', 'data2']
const IDENTITY = { brokerId: 1, clusterId: 'MkU3OEVBNTcwNTJENDM2Qk' }
const CONFIG = { ...DEFAULT_LOG_CONFIG, compact: true, deleteOld: false, minCleanableDirtyRatio: 0, retentionMs: -1 }
/** Types of the records of a group of KIP-848 that stay while it has no member: its epoch, its assignment's epoch, its partitions. */
const KEPT_TYPES = [3, 6]

/** The value of each key that has one; keys in hex. */
async function valuesOf(log: PartitionLog): Promise<Map<string, string>> {
  const values = new Map<string, string>()
  for await (const { key, value } of decidedRecords(log.readBatches(log.logStartOffset))) {
    const id = key.toString('hex')
    if (value === null) values.delete(id)
    else values.set(id, value.toString('hex'))
  }
  return values
}

/** What `work` makes of each partition of `__consumer_offsets`, by its number. */
async function eachLog<T>(place: GoldenPlace, work: (log: PartitionLog, home: LogDirectory) => Promise<T>): Promise<Map<number, T>> {
  const results = new Map<number, T>()
  for (const name of LOG_DIRS) {
    const home = await LogDirectory.open(place.env, `${place.directory}/${name}`, IDENTITY, { cleaner: { backoffMs: Infinity } })
    const logs = (await home.load(() => CONFIG)).filter(({ topic }) => topic === '__consumer_offsets')
    for (const log of logs) results.set(log.partition, await work(log, home))
    await home.close()
  }
  return results
}

/** The types of the records that no coordinator here understands. */
function unknownTypes(all: ReadonlyMap<number, ReadonlyMap<string, string>>): Set<number> {
  const types = new Set<number>()
  for (const values of all.values()) {
    for (const key of values.keys()) {
      const fact = groupFact(Buffer.from(key, 'hex'), null)
      if (fact.kind === 'other') types.add(fact.type)
    }
  }
  return types
}

function golden(t: TestContext): GoldenPlace {
  return new GoldenPlace(t, 'kraft-golden', LOG_DIRS)
}

test('records of groups of a kind that is not served are kept by compaction, and so is what others say', async (t) => {
  const place = golden(t)
  const before = await eachLog(place, valuesOf)
  for (const type of KEPT_TYPES) assert.ok(unknownTypes(before).has(type), `type ${type}`)
  const removed = await eachLog(place, async (log, home) => {
    const offsetsBefore = await countOf(log)
    for (let round = 0; round < 3; round++) {
      const builder = new BatchBuilder()
      for (let offset = 0; offset < 10; offset++) {
        const at = { topic: 't', partition: 0, offset, leaderEpoch: -1, metadata: '', commitTimestampMs: 1, expireTimestampMs: null }
        const { key, value } = offsetRecord('later', at)
        builder.append(key, value, [], place.env.clock.now())
      }
      await log.appendBytes(builder.build(), { acks: -1, origin: 'coordinator' })
      log.roll()
    }
    // what may be cleaned is what is synced
    await log.flush()
    while (log.recoveryPoint < log.logEndOffset) await new Promise((resolve) => setImmediate(resolve))
    await home.runCleaner()
    return offsetsBefore + 30 - (await countOf(log))
  })
  for (const count of removed.values()) assert.ok(count >= 20, `${count} records were removed`)
  const after = await eachLog(place, valuesOf)
  for (const [partition, values] of before) {
    for (const [key, value] of values) assert.equal(after.get(partition)!.get(key), value, key)
    assert.equal(after.get(partition)!.size, values.size + 1)
  }
})

test('a broker that serves the offsets of such a group leaves the records of its kind alone', async (t) => {
  const place = golden(t)
  const before = await eachLog(place, valuesOf)
  const client = await place.start()
  assert.equal(await committed(client, 'group-consumer', 'codec-zstd'), 1000)
  await place.broker.stop()
  // those that had been left out of the golden directories are there, and empty
  for (const [partition, values] of await eachLog(place, valuesOf)) assert.deepEqual(values, before.get(partition) ?? new Map())
})

async function countOf(log: PartitionLog): Promise<number> {
  let count = 0
  for await (const _ of decidedRecords(log.readBatches(log.logStartOffset))) count++
  return count
}
