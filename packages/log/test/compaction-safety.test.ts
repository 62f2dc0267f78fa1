/** What compaction must not touch, and in which order it may do things. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EnvError } from '@ottla/env'
import { Compacted, LOG_PATH, producersOf, summary } from './compacted.ts'

/** So that all is read from the batches. */
async function restartWithoutSnapshots(s: Compacted): Promise<void> {
  await s.do(s.home.close())
  s.host.kill()
  for (const name of await s.names()) if (name.endsWith('.snapshot')) await s.do(s.host.disk.remove(`${LOG_PATH}/${name}`))
  await s.begin()
}

test('the marker that gave a producer its epoch stays, however old, while nothing else tells of that epoch', async () => {
  const s = new Compacted(31)
  await s.begin()
  await s.put([['a', 'aborted']], { producerId: 1, producerEpoch: 0, baseSequence: 0, isTransactional: true })
  await s.mark(1, 1, false)
  await s.mark(1, 2, false)
  await s.put([['b', 'x']])
  for (const value of ['1', '2', '3']) {
    await s.pass(11_000)
    await s.put([['b', value]])
    await s.roll()
    await s.clean()
  }
  assert.deepEqual(
    (await s.batches()).filter((batch) => batch.isControl).map((batch) => batch.producer.slice(0, 2)),
    [[1, 2]],
  )
  const before = producersOf(s.log)
  assert.equal(before.length, 1)
  await restartWithoutSnapshots(s)
  assert.deepEqual(producersOf(s.log), before)
  await s.put([['c', 'x']], { producerId: 1, producerEpoch: 2, baseSequence: 0, isTransactional: true })
  await s.mark(1, 2, true)
  await s.put([['c', 'y']])
  for (const value of ['4', '5', '6']) {
    await s.pass(11_000)
    await s.put([['b', value]])
    await s.roll()
    await s.clean()
  }
  assert.deepEqual(
    (await s.batches()).filter(({ producer }) => producer[0] === 1).map(({ isControl, records }) => [isControl, records.length]),
    [
      [false, 0],
      [true, 1],
    ],
    'an emptied batch tells of it now, and the marker of that batch stays with it',
  )
  const after = producersOf(s.log)
  await restartWithoutSnapshots(s)
  assert.deepEqual(producersOf(s.log), after)
  await s.do(s.home.close())
})

test('nothing at or above the high watermark is cleaned, nor counts against what lies below', async () => {
  const s = new Compacted(32, { segmentBytes: 200 })
  await s.begin()
  s.log.soleReplica = false
  const start = s.log.highWatermark
  const value = 'v'.repeat(100)
  for (let i = 0; i < 8; i++) await s.put([['a', `${i}${value}`]])
  await s.roll()
  assert.equal(s.log.highWatermark, start)
  assert.equal(await s.clean(), 0)
  s.log.advanceHighWatermark(5)
  assert.equal(await s.clean(), 1)
  assert.deepEqual(
    (await s.records()).map(({ offset }) => offset),
    [4, 5, 6, 7],
  )
  s.log.advanceHighWatermark(8)
  assert.equal(await s.clean(), 1)
  assert.deepEqual(
    (await s.records()).map(({ offset }) => offset),
    [7],
  )
  await s.do(s.home.close())
})

test('an open transaction bounds the cleaning after a restart too, until it ends', async () => {
  const s = new Compacted(33, { segmentBytes: 200 })
  await s.begin()
  const value = 'v'.repeat(100)
  await s.put([['a', `1${value}`]])
  await s.put([['a', `2${value}`]])
  const openOffset = await s.put([['a', `open${value}`]], { producerId: 1, producerEpoch: 0, baseSequence: 0, isTransactional: true })
  for (const each of ['3', '4']) await s.put([['a', each + value]])
  await s.roll()
  await s.do(s.home.checkpoint())
  s.host.kill()
  await s.begin()
  assert.equal(s.log.lastStableOffset, openOffset)
  assert.equal(await s.clean(), 1)
  assert.deepEqual(
    (await s.records()).map(({ offset }) => offset),
    [1, 2, 3, 4],
  )
  await s.mark(1, 0, false)
  await s.roll()
  assert.equal(await s.clean(), 1)
  assert.deepEqual(
    (await s.records()).map(({ offset }) => offset),
    [4],
  )
  await s.do(s.home.close())
})

test('what is not synced yet, or whose indexes are not, is not cleaned', async () => {
  const s = new Compacted(34, { segmentBytes: 200 })
  await s.begin()
  for (let i = 0; i < 6; i++) await s.put([['a', `${i}${'v'.repeat(100)}`]])
  const { recoveryPoint, logEndOffset } = s.log
  await s.clean()
  assert.ok(recoveryPoint < logEndOffset)
  assert.ok((s.home.cleanedOffset(s.log) ?? 0) <= s.log.recoveryPoint)
  await s.do(s.home.close())
})

test('a cut takes the cleaned offset back at once, and the records that take the place of the cut ones are cleaned', async () => {
  const s = new Compacted(35, { segmentBytes: 200 })
  await s.begin()
  s.log.soleReplica = false
  const value = 'v'.repeat(100)
  const fill = async (from: number): Promise<void> => {
    for (let i = from; i < 8; i++) await s.put([[`k${i % 2}`, `${i}${value}`]])
    await s.roll()
    s.log.advanceHighWatermark(s.log.logEndOffset)
  }
  await fill(0)
  await s.clean()
  assert.equal(s.home.cleanedOffset(s.log), 8)
  await s.do(s.home.checkpoint())
  await s.do(s.log.truncateTo(6))
  assert.equal(s.home.cleanedOffset(s.log), 6)
  assert.equal(s.checkpoint(), '0\n1\nt 0 6\n')
  s.host.kill()
  await s.begin()
  assert.equal(s.home.cleanedOffset(s.log), 6)
  assert.equal(s.log.logEndOffset, 6, 'though compaction has left nothing right before it')
  s.log.soleReplica = false
  await fill(6)
  for (let i = 0; i < 2; i++) await s.put([[`k${i}`, `last${i}${value}`]])
  await s.roll()
  s.log.advanceHighWatermark(s.log.logEndOffset)
  await s.clean()
  assert.deepEqual(
    (await s.records()).map(({ offset }) => offset),
    [8, 9],
  )
  await s.do(s.home.close())
})

/** A log of ten segments that is being cleaned, slowly, and has got somewhere. */
async function beingCleaned(seed: number): Promise<{ s: Compacted; cleaning: Promise<number> }> {
  const s = new Compacted(seed, { segmentBytes: 200 })
  await s.begin({ cleaner: { ioBytesPerSecondMax: 100 } })
  s.log.soleReplica = false
  for (let i = 0; i < 10; i++) await s.put([[i === 0 ? 'own' : `k${i % 2}`, `${i}${'v'.repeat(100)}`]])
  await s.roll()
  s.log.advanceHighWatermark(10)
  const cleaning = s.home.runCleaner()
  await s.world.run(() => s.log.segments[2]!.sizeBytes === 0, 1_000_000)
  assert.ok(s.log.segments[7]!.sizeBytes > 0)
  return { s, cleaning }
}

test('records that take the place of cut ones while a log is cleaned are not replaced by those', async () => {
  const { s, cleaning } = await beingCleaned(39)
  await s.do(s.log.truncateTo(4))
  const value = 'w'.repeat(100)
  for (let i = 4; i < 10; i++) await s.put([[`new${i}`, value]])
  await s.roll()
  s.log.advanceHighWatermark(10)
  assert.equal(await s.do(cleaning), 0)
  assert.ok((s.home.cleanedOffset(s.log) ?? 0) <= 4)
  s.home.configureCleaner({ ioBytesPerSecondMax: Infinity })
  assert.equal(await s.clean(), 1)
  assert.ok(!s.host.log.lines.some(({ level }) => level === 'error'))
  assert.deepEqual(
    summary(await s.records()).slice(-6),
    [4, 5, 6, 7, 8, 9].map((offset) => [offset, `new${offset}`, value]),
  )
  await s.do(s.home.close())
})

test('a cleaning is given up where retention takes segments away under it, and begins anew', async () => {
  const { s, cleaning } = await beingCleaned(40)
  s.log.deleteRecordsBefore(7)
  assert.equal(await s.do(s.home.runRetention()), 7)
  assert.equal(await s.do(cleaning), 0)
  assert.equal(s.home.failed, null)
  assert.deepEqual(s.bases(), [7, 8, 9, 10])
  assert.ok(!s.host.log.lines.some(({ level }) => level === 'error'), 'it says nothing of that')
  s.home.configureCleaner({ ioBytesPerSecondMax: Infinity })
  assert.equal(await s.clean(), 1)
  assert.deepEqual(
    (await s.records()).map(({ offset }) => offset),
    [8, 9],
  )
  await s.do(s.home.close())
})

test('a start takes no gap that a compaction left for a loss: not ours, and not one of Kafka', async () => {
  const { s } = await beingCleaned(42)
  assert.equal(s.home.cleanedOffset(s.log), undefined, 'its first cleaning is under way')
  const ofFirst = await s.records()
  s.host.kill()
  // so that it is read again from its beginning
  await s.do(s.host.disk.remove(`${LOG_PATH}/${'0'.repeat(20)}.index`))
  await s.begin()
  assert.equal(s.log.logEndOffset, 10)
  assert.deepEqual(await s.records(), ofFirst)
  await s.clean()
  const left = await s.records()
  assert.equal(left.length, 3)
  // Kafka does not wait for its recovery point
  s.host.kill()
  const path = '/logs/recovery-point-offset-checkpoint'
  const file = s.host.disk.open(path, 'write')
  file.write(0, [Buffer.from('0\n0\n')])
  await s.do(file.truncate(4))
  file.close()
  await s.begin()
  assert.equal(s.log.logEndOffset, 10)
  assert.deepEqual(await s.records(), left)
  await s.do(s.home.close())
})

test('offsets that are missing inside a segment say that the gap behind it is of a compaction, whatever the checkpoints say', async () => {
  const s = new Compacted(43, { segmentBytes: 800 })
  await s.begin()
  const value = 'v'.repeat(100)
  for (const key of ['a', 'x', 'b', 'x']) await s.put([[key, value]])
  await s.roll()
  for (const key of ['x', 'c', 'd', 'e']) await s.put([[key, value]])
  await s.roll()
  await s.clean()
  const left = await s.records()
  assert.deepEqual(
    left.map(({ offset }) => offset),
    [0, 2, 4, 5, 6, 7],
  )
  assert.deepEqual(s.bases(), [0, 4, 8])
  s.host.kill()
  for (const name of ['recovery-point-offset-checkpoint', 'cleaner-offset-checkpoint'])
    s.host.disk.replace(`/logs/${name}`, Buffer.from('0\n0\n'))
  await s.begin()
  assert.equal(s.log.logEndOffset, 8)
  assert.deepEqual(await s.records(), left)
  await s.do(s.home.close())
})

test('a topic of the same name after a deletion is dirty from its start', async () => {
  const s = new Compacted(36, { segmentBytes: 200 })
  await s.begin()
  const fill = async (): Promise<void> => {
    for (let i = 0; i < 8; i++) await s.put([['a', `${i}${'v'.repeat(100)}`]])
    await s.roll()
  }
  await fill()
  await s.clean()
  assert.equal(s.checkpoint(), '0\n1\nt 0 8\n')
  await s.do(s.home.delete(s.log))
  assert.equal(s.checkpoint(), '0\n0\n')
  s.log = await s.do(s.home.create('t', 0, 'AAAAAAAAAAAAAAAAAAAAAg', s.config))
  assert.equal(s.home.cleanedOffset(s.log), undefined)
  await fill()
  assert.equal(await s.clean(), 1)
  assert.deepEqual(
    (await s.records()).map(({ offset }) => offset),
    [7],
  )
  await s.do(s.home.close())
})

/** What is done to the names in the log's directory. */
function watched(s: Compacted): string[] {
  const steps: string[] = []
  const { disk } = s.host
  const short = (path: string): string => path.slice(path.lastIndexOf('/') + 1).replace(/^0+(?=\d)/, '')
  const { rename, remove, syncDirectory } = disk
  disk.rename = (from, to) => {
    if (from.startsWith(LOG_PATH)) steps.push(`${short(from)} > ${short(to)}`)
    return rename.call(disk, from, to)
  }
  disk.remove = (path) => {
    if (path.startsWith(LOG_PATH)) steps.push(`remove ${short(path)}`)
    return remove.call(disk, path)
  }
  disk.syncDirectory = (path) => {
    if (path === LOG_PATH) steps.push('sync')
    return syncDirectory.call(disk, path)
  }
  return steps
}

for (const hasTransaction of [false, true]) {
  const kind = hasTransaction ? 'with an aborted transaction' : 'alone'
  test(`a cleaned segment, ${kind}, takes the place of others in steps, each of them durable before the next`, async () => {
    const s = new Compacted(37, { fileDeleteDelayMs: 1e9 })
    await s.begin()
    for (const key of ['a', 'a']) await s.put([[key, 'v'.repeat(30)]])
    await s.roll()
    if (hasTransaction) {
      await s.put([['a', 'aborted']], { producerId: 1, producerEpoch: 0, baseSequence: 0, isTransactional: true })
      await s.mark(1, 0, false)
    } else await s.put([['a', 'x']])
    await s.roll()
    const steps = watched(s)
    await s.clean()
    const suffixes = hasTransaction ? ['txnindex', 'index', 'timeindex', 'log'] : ['index', 'timeindex', 'log']
    const began = steps.indexOf(`0.${suffixes[0]}.cleaned > 0.${suffixes[0]}.swap`)
    const end = steps.indexOf('0.log.swap > 0.log')
    const before = steps.slice(0, began).filter((step) => !/^remove .*cleaned$/.test(step))
    // the index of transactions makes its name durable by itself
    assert.deepEqual(before, hasTransaction ? ['sync', 'sync'] : ['sync'])
    assert.deepEqual(
      steps.slice(began, began + suffixes.length),
      suffixes.map((suffix) => `0.${suffix}.cleaned > 0.${suffix}.swap`),
    )
    const old = steps.slice(began + suffixes.length, end)
    assert.equal(old[0], 'sync', 'all of it is there before any of the old ones goes')
    assert.equal(old.at(-1), 'sync', 'all old ones are gone before the new one takes a name of theirs')
    assert.ok(old.slice(1, -1).every((step) => step.endsWith('.deleted') || step.startsWith('remove ')))
    assert.ok(old.includes('0.log > 0.log.deleted') && old.includes('2.log > 2.log.deleted'))
    assert.deepEqual(steps.slice(end + 1), [...suffixes.slice(0, -1).map((suffix) => `0.${suffix}.swap > 0.${suffix}`), 'sync'])
    await s.do(s.home.close())
  })
}

test('a start puts a swap in place in steps too: old neighbours first, then the batches before their indexes', async () => {
  const s = new Compacted(38, { segmentBytes: 2000, fileDeleteDelayMs: 1e9 })
  await s.begin()
  for (let i = 0; i < 4; i++) {
    await s.put([
      ['a', `${i}`],
      [`own${i}`, ''],
    ])
    await s.roll()
  }
  const expected = [
    [1, 'own0', ''],
    [3, 'own1', ''],
    [5, 'own2', ''],
    [6, 'a', '3'],
    [7, 'own3', ''],
  ]
  s.host.disk.failNext('rename', 'io', '2.log')
  assert.equal(await s.clean(), 0)
  await s.pass(100)
  s.host.kill()
  const found = await s.names()
  assert.ok(found.includes(`${'0'.repeat(20)}.log.swap`), found.join())
  assert.ok(found.includes(`${'2'.padStart(20, '0')}.log`), 'an old neighbour is left')
  const steps = watched(s)
  await s.begin()
  const put = steps.indexOf('0.log.swap > 0.log')
  assert.ok(steps.indexOf('remove 2.log') >= 0 && steps.indexOf('remove 2.log') < put)
  assert.ok(steps.slice(0, put).lastIndexOf('sync') > steps.indexOf('remove 6.log'), 'the old ones are gone for good')
  assert.ok(put < steps.indexOf('0.index.swap > 0.index') && put < steps.indexOf('0.timeindex.swap > 0.timeindex'))
  assert.deepEqual(s.bases(), [0, 8])
  assert.deepEqual(summary(await s.records()), expected)
  await s.do(s.home.close())
})

/** The next rename to this name fails. */
function failRename(s: Compacted, name: string): void {
  const { disk } = s.host
  const { rename } = disk
  disk.rename = (from, to) => {
    if (!to.endsWith(`0${name}`)) return rename.call(disk, from, to)
    disk.rename = rename
    return Promise.reject(new EnvError('io', `${to}: input/output error`))
  }
}

test('no start brings an aborted transaction back whose marker is gone: a later one of that producer would seem aborted', async () => {
  for (const step of ['0.log.deleted', '0.txnindex.deleted', '4.log.deleted', '0.log', '0.index', null]) {
    const s = new Compacted(41, { segmentBytes: 2000, fileDeleteDelayMs: 1e9 })
    await s.begin()
    await s.put([['a', 'aborted']], { producerId: 1, producerEpoch: 0, baseSequence: 0, isTransactional: true })
    await s.mark(1, 0, false)
    await s.roll()
    await s.put([['b', 'committed']], { producerId: 1, producerEpoch: 0, baseSequence: 1, isTransactional: true })
    await s.mark(1, 0, true)
    await s.roll()
    await s.clean()
    assert.equal(s.log.abortedTransactions(0, 4).length, 1, 'its marker is there')
    const aborted = (): number[] => s.log.abortedTransactions(0, 4).map(({ lastOffset }) => lastOffset)
    const markers = async (): Promise<number[]> =>
      (await s.batches()).filter(({ isControl }) => isControl).map(({ baseOffset }) => baseOffset)
    // the first one gives the marker its horizon, another takes it away: each is stopped
    for (const value of ['1', '2']) {
      await s.pass(11_000)
      await s.put([['c', value]])
      await s.roll()
      if (step !== null) failRename(s, step)
      await s.clean()
      await s.pass(100)
      s.host.kill()
      await s.begin()
      const found = await markers()
      assert.ok(
        aborted().every((offset) => found.includes(offset)),
        `${step}: ${aborted().join()} without a marker`,
      )
    }
    for (const value of ['3', '4']) {
      await s.pass(11_000)
      await s.put([['c', value]])
      await s.roll()
      await s.clean()
    }
    assert.deepEqual([aborted(), await markers()], [[], [3]], String(step))
    await s.do(s.home.close())
  }
})
