import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PartitionLog } from '../src/index.ts'
import { Compacted, summary } from './compacted.ts'

/** Many updates of few keys in the active log, all of it closed. */
async function fill(s: Compacted, log: PartitionLog, count: number): Promise<void> {
  const own = s.log
  s.log = log
  for (let i = 0; i < count; i++) await s.put([[`k${i % 3}`, 'v'.repeat(100)]])
  await s.roll()
  s.log = own
}

const second = (s: Compacted): Promise<PartitionLog> => s.do(s.home.create('second', 0, 'AAAAAAAAAAAAAAAAAAAAAg', s.config))

test('log.cleaner.io.max.bytes.per.second holds for what is read and written; another value holds at once', async () => {
  const s = new Compacted(21)
  await s.begin({ cleaner: { ioBytesPerSecondMax: 1000 } })
  await fill(s, s.log, 100)
  const { sizeBytes } = s.log
  const beganMs = s.host.clock.now()
  assert.equal(await s.clean(), 1)
  const moved = 2 * sizeBytes + s.log.sizeBytes
  const tookMs = s.host.clock.now() - beganMs
  assert.ok(tookMs > moved * 0.9 && tookMs < moved * 1.3, `${tookMs} ms for ${moved} bytes`)
  s.home.configureCleaner({ ioBytesPerSecondMax: 1 })
  await fill(s, s.log, 100)
  const cleaning = s.home.runCleaner()
  await s.pass(60_000)
  const changedMs = s.host.clock.now()
  s.home.configureCleaner({ ioBytesPerSecondMax: Number.MAX_VALUE })
  assert.equal(await s.do(cleaning), 1)
  assert.ok(s.host.clock.now() - changedMs < 2000, 'it does not wait out what the old rate asked for')
  s.home.configureCleaner({ ioBytesPerSecondMax: 1 })
  await fill(s, s.log, 100)
  const last = s.home.runCleaner()
  await s.pass(60_000)
  const closedMs = s.host.clock.now()
  await s.do(s.home.close())
  assert.equal(await s.do(last), 0)
  assert.ok(s.host.clock.now() - closedMs < 2000, 'a close does not wait for a slow cleaning')
  assert.equal(s.host.disk.openCount, 0)
})

test('as many logs as log.cleaner.threads are cleaned at a time: a long one does not keep a short one waiting', async () => {
  const s = new Compacted(22)
  await s.begin({ cleaner: { ioBytesPerSecondMax: 1000, threads: 0 } })
  const short = await second(s)
  await fill(s, s.log, 400)
  await fill(s, short, 20)
  assert.equal(await s.clean(), 0, 'no threads')
  s.home.configureCleaner({ threads: 1 })
  let isDone = false
  const cleaning = s.home.runCleaner().then((count) => {
    isDone = true
    return count
  })
  await s.pass(1000)
  assert.equal(await s.clean(), 0, 'the one is at work')
  s.home.configureCleaner({ threads: 2 })
  assert.equal(await s.clean(), 1)
  assert.equal(s.home.cleanedOffset(short), 20)
  assert.equal(s.home.cleanedOffset(s.log), undefined)
  assert.ok(!isDone)
  assert.equal(await s.do(cleaning), 1)
  assert.equal(s.home.cleanedOffset(s.log), 400)
  await s.do(s.home.close())
})

test('a round begins after each log.cleaner.backoff.ms, also while a long log is cleaned; a new value counts from the next on', async () => {
  const s = new Compacted(23)
  await s.begin({ cleaner: { backoffMs: 1000, threads: 2, ioBytesPerSecondMax: 2000 } })
  const short = await second(s)
  await fill(s, s.log, 2000)
  const isCleaned = (count: number): Promise<boolean> => s.world.run(() => s.home.cleanedOffset(short) === count, 1_000_000)
  for (const count of [20, 40, 60]) {
    await fill(s, short, 20)
    await isCleaned(count)
    assert.equal(s.home.cleanedOffset(short), count)
    assert.equal(s.home.cleanedOffset(s.log), undefined)
  }
  s.home.configureCleaner({ backoffMs: 1e9 })
  await s.pass(1000)
  await fill(s, short, 20)
  await s.pass(60_000)
  assert.equal(s.home.cleanedOffset(short), 60)
  await s.do(s.home.close())
})

test('the memory for keys is shared among threads, and buffers smaller than a batch do no harm', async () => {
  const ends: unknown[] = []
  for (const cleaner of [{}, { ioBufferBytes: 0, loadFactor: 0.5, dedupeBytesMax: 24 * 40, threads: 2 }]) {
    const s = new Compacted(24, { segmentBytes: 50_000 })
    await s.begin({ cleaner })
    for (let i = 0; i < 40; i++) {
      await s.put([
        [`own${i}`, 'v'.repeat(i % 5 === 0 ? 9000 : 10)],
        [`k${i % 3}`, `${i}`],
      ])
    }
    await s.roll()
    await s.clean()
    ends.push(summary(await s.records()))
    const keys = s.host.log.lines.map(({ facts }) => (facts as { keys?: number } | undefined)?.keys ?? 0)
    assert.ok(Math.max(...keys) <= (cleaner.dedupeBytesMax === undefined ? 43 : 10), `${Math.max(...keys)} keys at a time`)
    await s.do(s.home.close())
  }
  assert.deepEqual(ends[1], ends[0])
})

test('min.compaction.lag.ms keeps every record that is younger, and counts none of them against older ones', async () => {
  const s = new Compacted(25, { minCompactionLagMs: 10_000 })
  await s.begin()
  await s.put([['a', 'old']])
  await s.put([['a', 'less old']])
  await s.roll()
  await s.pass(6000)
  await s.put([['a', 'young']])
  await s.put([['a', 'youngest']])
  await s.roll()
  assert.equal(await s.clean(), 0)
  await s.pass(5000)
  assert.equal(await s.clean(), 1)
  const young = [
    [2, 'a', 'young'],
    [3, 'a', 'youngest'],
  ]
  assert.deepEqual(summary(await s.records()), [[1, 'a', 'less old'], ...young])
  assert.equal(s.home.cleanedOffset(s.log), 2)
  s.log.configure({ ...s.config, minCompactionLagMs: 1000 })
  assert.equal(await s.clean(), 1, 'a new value holds for the next round')
  assert.deepEqual(summary(await s.records()), [young[1]])
  await s.do(s.home.close())
})

test('max.compaction.lag.ms makes a log due whatever its dirty ratio, by its oldest dirty record', async () => {
  const s = new Compacted(26, { minCleanableDirtyRatio: 1, maxCompactionLagMs: 60_000 })
  await s.begin()
  await fill(s, s.log, 10)
  await s.pass(50_000)
  await fill(s, s.log, 10)
  assert.equal(await s.clean(), 0)
  await s.pass(9_000)
  assert.equal(await s.clean(), 0)
  await s.pass(2_000)
  assert.equal(await s.clean(), 1)
  assert.equal(s.home.cleanedOffset(s.log), 20)
  await s.pass(55_000)
  await fill(s, s.log, 10)
  await s.pass(30_000)
  assert.equal(await s.clean(), 0, 'what is clean already does not age')
  s.log.configure({ ...s.config, minCleanableDirtyRatio: 0.1 })
  assert.equal(await s.clean(), 1)
  await s.do(s.home.close())
})

test('delete.retention.ms: a tombstone is there for that long after the round that met it, then the next round drops it', async () => {
  for (const deleteRetentionMs of [0, 5000]) {
    const s = new Compacted(27, { deleteRetentionMs })
    await s.begin()
    await s.put([['a', '1']])
    await s.put([['a', null]])
    await s.roll()
    const tombstones = async (): Promise<number> => (await s.records()).filter(({ value }) => value === null).length
    const round = async (): Promise<number> => {
      await s.put([['b', 'x']])
      await s.roll()
      await s.clean()
      return await tombstones()
    }
    assert.equal(await round(), 1, 'a reader of the whole log has yet to see it')
    if (deleteRetentionMs > 0) assert.equal(await round(), 1)
    await s.pass(deleteRetentionMs)
    assert.equal(await round(), 0)
    await s.do(s.home.close())
  }
})
