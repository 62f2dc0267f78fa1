import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { recordBatch } from '@ottla/protocol'
import { assertSound, Compacted, latestOf, LOG_PATH, producersOf, summary, type Pair } from './compacted.ts'

test('the latest record of each key stays, at its offset; the rest of the closed segments goes', async () => {
  const s = new Compacted(1)
  await s.begin()
  s.log.becomeLeader(3)
  for (let round = 0; round < 20; round++) {
    await s.put([
      ['a', 'a'.repeat(100)],
      ['b', `b${round}`],
      [`once${round}`, 'x'],
      ['a', `a${round}`],
    ])
  }
  await s.roll()
  await s.put([['a', 'active']])
  const before = s.log.sizeBytes
  const epochs = new Set((await s.batches()).map((batch) => batch.leaderEpoch))
  assert.equal(await s.clean(), 1)
  assert.ok(s.log.sizeBytes < before / 2, `${s.log.sizeBytes} of ${before}`)
  const records = await s.records()
  const expected: [number, string, string][] = []
  for (let round = 0; round < 20; round++) {
    if (round === 19) expected.push([77, 'b', 'b19'])
    expected.push([round * 4 + 2, `once${round}`, 'x'])
  }
  expected.push([79, 'a', 'a19'], [80, 'a', 'active'])
  assert.deepEqual(summary(records), expected)
  assert.deepEqual(new Set((await s.batches()).map((batch) => batch.leaderEpoch)), epochs)
  assert.equal(s.checkpoint(), '0\n1\nt 0 80\n')
  assert.equal(await s.clean(), 0)
  await assertSound(s)
  for (let offset = 0; offset <= 80; offset++) {
    const next = records.find((record) => record.offset >= offset)!
    const slice = s.log.read(offset, 1, s.log.highWatermark, true)!
    const bytes = Buffer.alloc(slice.length)
    slice.file.read(slice.position, bytes)
    assert.ok(recordBatch.lastOffset(bytes, 0) >= offset && recordBatch.baseOffset(bytes, 0) <= next.offset)
  }
  await s.pass(100)
  assert.deepEqual(
    (await s.names()).filter((name) => /deleted|cleaned|swap/.test(name)),
    [],
  )
  await s.do(s.home.close())
  assert.equal(s.host.disk.openCount, 0)
  s.host.kill()
  await s.begin()
  assert.deepEqual(await s.records(), records)
  assert.equal(await s.clean(), 0)
  await s.do(s.home.close())
})

test('where nothing stays of a segment, readers of its offsets go on with the next record, after a restart too', async () => {
  const s = new Compacted(15, { segmentBytes: 400 })
  await s.begin()
  const value = 'v'.repeat(100)
  for (const key of ['once', 'a', 'a', 'a', 'a', 'a', 'a', 'a', 'twice', 'a']) await s.put([[key, value]])
  await s.roll()
  await s.put([['a', 'active']])
  await s.clean()
  const sizes = s.log.segments.map((segment) => segment.sizeBytes)
  assert.ok(sizes.includes(0), `${sizes.join()}: a segment is empty`)
  const check = async (): Promise<void> => {
    assert.deepEqual(summary(await s.records()), [
      [0, 'once', value],
      [8, 'twice', value],
      [9, 'a', value],
      [10, 'a', 'active'],
    ])
    assert.ok(
      (await s.batches()).every((batch) => batch.records.length > 0),
      'a fetch brings a record',
    )
    for (let offset = 1; offset <= 8; offset++) {
      const slice = s.log.read(offset, 1, s.log.highWatermark, true)!
      const bytes = Buffer.alloc(slice.length)
      slice.file.read(slice.position, bytes)
      assert.equal(recordBatch.baseOffset(bytes, 0), 8)
      assert.equal(recordBatch.baseOffset((await s.do(s.log.readBatches(offset).next())).value!, 0), 8)
    }
    assert.equal((await s.do(s.log.offsetForTimestamp(0)))?.offset, 0)
    assert.equal(s.log.logEndOffset, 11)
    await assertSound(s)
  }
  await check()
  for (const stop of ['close', 'kill', 'crash'] as const) {
    if (stop === 'close') await s.do(s.home.close())
    else s.host[stop]()
    await s.begin()
    await check()
  }
  await s.do(s.home.close())
})

test('a tombstone stays until the horizon that its batch got from the first pass, and goes with a pass after it', async () => {
  const s = new Compacted(2)
  await s.begin()
  await s.put([
    ['a', '1'],
    ['b', '2'],
  ])
  await s.put([
    ['a', null],
    ['c', '3'],
  ])
  await s.roll()
  await s.clean()
  const firstMs = s.host.clock.now()
  let [, second] = await s.batches()
  assert.deepEqual(summary(second!.records), [
    [2, 'a', null],
    [3, 'c', '3'],
  ])
  assert.ok(second!.horizonMs > firstMs && second!.horizonMs <= firstMs + 10_000)
  const horizonMs = second!.horizonMs
  const times = second!.records.map((record) => record.timestamp)
  for (const [waitMs, isLeft] of [
    [5_000, true],
    [6_000, false],
  ] as const) {
    await s.pass(waitMs)
    await s.put([['d', `${waitMs}`]])
    await s.roll()
    assert.equal(await s.clean(), 1)
    second = (await s.batches())[1]!
    assert.deepEqual(
      summary(second.records),
      isLeft
        ? [
            [2, 'a', null],
            [3, 'c', '3'],
          ]
        : [[3, 'c', '3']],
    )
    assert.equal(second.horizonMs, horizonMs)
    assert.deepEqual(
      second.records.map((record) => record.timestamp),
      isLeft ? times : times.slice(1),
    )
  }
  await assertSound(s)
  await s.do(s.home.close())
})

test('batches stay in the codec that they came in', async () => {
  const s = new Compacted(3)
  await s.begin()
  const value = 'v'.repeat(100)
  for (let codec = 0; codec <= 4; codec++) {
    await s.put(
      [
        ['a', `${codec}`],
        [`k${codec}`, value],
        ['b', null],
      ],
      { codec },
    )
  }
  await s.roll()
  await s.clean()
  const batches = await s.batches()
  assert.deepEqual(
    batches.map((batch) => batch.codec),
    [0, 1, 2, 3, 4],
  )
  assert.deepEqual(summary(batches.flatMap((batch) => batch.records)), [
    [1, 'k0', value],
    [4, 'k1', value],
    [7, 'k2', value],
    [10, 'k3', value],
    [12, 'a', '4'],
    [13, 'k4', value],
    [14, 'b', null],
  ])
  assert.deepEqual(
    batches.map((batch) => batch.horizonMs > 0),
    [false, false, false, false, true],
  )
  await s.do(s.home.close())
})

test('a log is due by its dirty part, or by the age of its oldest dirty record; young records wait', async () => {
  const s = new Compacted(4, { minCleanableDirtyRatio: 0.5, minCompactionLagMs: 1000, maxCompactionLagMs: 60_000 })
  await s.begin()
  const fill = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) await s.put([[`k${i}`, 'v'.repeat(100)]])
    await s.roll()
  }
  await fill(40)
  assert.equal(await s.clean(), 0, 'all are younger than min.compaction.lag.ms')
  await s.pass(2000)
  assert.equal(await s.clean(), 1)
  await fill(20)
  await s.pass(2000)
  assert.equal(await s.clean(), 0, 'a third is dirty')
  await fill(30)
  await s.pass(2000)
  assert.equal(await s.clean(), 1, 'more than half is dirty')
  await fill(1)
  await s.pass(2000)
  assert.equal(await s.clean(), 0)
  await s.pass(60_000)
  assert.equal(await s.clean(), 1, 'max.compaction.lag.ms')
  await s.do(s.home.close())
})

test('an emptied batch stays where it holds the last sequence of a producer, so a restart knows the producers as before', async () => {
  const s = new Compacted(5)
  await s.begin()
  for (let sequence = 0; sequence < 6; sequence += 2) {
    await s.put(
      [
        ['a', `p${sequence}`],
        ['b', 'x'],
      ],
      { producerId: 11, producerEpoch: 2, baseSequence: sequence },
    )
  }
  await s.put([
    ['a', 'last'],
    ['b', 'last'],
  ])
  await s.put([['c', 'last']])
  await s.roll()
  const before = producersOf(s.log)
  await s.clean()
  const batches = await s.batches()
  assert.deepEqual(
    batches.map(({ baseOffset, lastOffset, producer, records }) => [baseOffset, lastOffset, producer[2], records.length]),
    [
      [4, 5, 4, 0],
      [6, 7, -1, 2],
      [8, 8, -1, 1],
    ],
  )
  await assertSound(s)
  await s.do(s.home.close())
  s.host.kill()
  // so that all is read from the log
  for (const name of await s.names()) if (name.endsWith('.snapshot')) await s.do(s.host.disk.remove(`${LOG_PATH}/${name}`))
  await s.begin()
  assert.deepEqual(producersOf(s.log), before)
  const again = await s.put(
    [
      ['a', 'p4'],
      ['b', 'x'],
    ],
    { producerId: 11, producerEpoch: 2, baseSequence: 4 },
  )
  assert.equal(again, 4, 'a retry is answered with its first offset')
  await s.do(s.home.close())
})

test('what was aborted goes, then its marker once its horizon is past; what is open is not touched', async () => {
  const s = new Compacted(6)
  await s.begin()
  const txn = (producerId: number, baseSequence: number) => ({ producerId, producerEpoch: 0, baseSequence, isTransactional: true })
  await s.put([['a', 'old']])
  await s.put(
    [
      ['a', 'aborted'],
      ['b', 'aborted'],
    ],
    txn(1, 0),
  )
  await s.put([['c', 'committed']], txn(2, 0))
  await s.mark(1, 0, false)
  await s.mark(2, 0, true)
  await s.put([['d', 'more']], txn(1, 2))
  await s.mark(1, 0, true)
  await s.put([['z', '']])
  await s.roll()
  const openOffset = await s.put([['a', 'open']], txn(3, 0))
  await s.put([['c', 'new']])
  await s.roll()
  const before = producersOf(s.log)
  await s.clean()
  assert.deepEqual(
    s.log.abortedTransactions(0, 9).map(({ firstOffset }) => firstOffset),
    [1],
  )
  assert.deepEqual(summary(await s.records()), [
    [0, 'a', 'old'],
    [3, 'c', 'committed'],
    [6, 'd', 'more'],
    [8, 'z', ''],
    [openOffset, 'a', 'open'],
    [10, 'c', 'new'],
  ])
  assert.equal((await s.batches()).filter((batch) => batch.isControl).length, 3)
  await s.mark(3, 0, true)
  await s.roll()
  await s.clean()
  assert.deepEqual(s.log.abortedTransactions(0, 9), [])
  assert.deepEqual(summary(await s.records()), [
    [6, 'd', 'more'],
    [8, 'z', ''],
    [openOffset, 'a', 'open'],
    [10, 'c', 'new'],
  ])
  let markers = (await s.batches()).filter((batch) => batch.isControl)
  assert.deepEqual(
    markers.map((batch) => [batch.baseOffset, batch.horizonMs > 0]),
    [
      [4, true],
      [5, false],
      [7, false],
      [11, false],
    ],
  )
  await s.pass(11_000)
  await s.put([['y', '']])
  await s.roll()
  await s.clean()
  markers = (await s.batches()).filter((batch) => batch.isControl)
  assert.deepEqual(
    markers.map((batch) => batch.baseOffset),
    [5, 7, 11],
  )
  const after = producersOf(s.log)
  await s.do(s.home.close())
  s.host.kill()
  for (const name of await s.names()) if (name.endsWith('.snapshot')) await s.do(s.host.disk.remove(`${LOG_PATH}/${name}`))
  await s.begin()
  assert.deepEqual(producersOf(s.log), after)
  assert.equal(before.length, 3)
  await s.do(s.home.close())
})

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('put' as const),
      keys: fc.array(fc.tuple(fc.nat(7), fc.boolean()), { minLength: 1, maxLength: 5 }),
      codec: fc.nat(4),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('transaction' as const),
      keys: fc.array(fc.nat(7), { minLength: 1, maxLength: 4 }),
      commit: fc.boolean(),
      producer: fc.nat(2),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('idempotent' as const),
      keys: fc.array(fc.nat(7), { minLength: 1, maxLength: 4 }),
      producer: fc.nat(2),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('clean' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('roll' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.nat(15_000) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), lossy: fc.boolean() }) },
)

test('a reader of a compacted log comes to the same end as one of the whole log, whatever is done to it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), fc.nat(1000), fc.boolean(), async (steps, seed, isSmall) => {
      const s = new Compacted(seed, { segmentBytes: 600, flushBeforeAck: true })
      const options = isSmall ? { cleaner: { dedupeBytesMax: 24 * 4 } } : {}
      await s.begin(options)
      const written: Pair[] = []
      const byOffset = new Map<number, Pair>()
      const sequences = new Map<number, number>()
      let count = 0
      const add = (pairs: readonly Pair[], base: number, isRead = true): void => {
        pairs.forEach((pair, i) => {
          if (!isRead) return
          written.push(pair)
          byOffset.set(base + i, pair)
        })
      }
      const check = async (): Promise<void> => {
        const records = await s.records()
        for (const { offset, key, value } of records) {
          const pair = byOffset.get(offset)
          if (pair !== undefined) assert.deepEqual([key, value], [...pair])
        }
        const isAborted = (offset: number): boolean => !byOffset.has(offset)
        const read = records.filter((record) => !isAborted(record.offset)).map(({ key, value }): Pair => [key!, value])
        assert.deepEqual(latestOf(read), latestOf(written))
      }
      const nextSequence = (producerId: number, by: number): number => {
        const sequence = sequences.get(producerId) ?? 0
        sequences.set(producerId, sequence + by)
        return sequence
      }
      for (const each of steps) {
        if (each.kind === 'put') {
          const pairs = each.keys.map(([key, isTombstone]): Pair => [`k${key}`, isTombstone ? null : `v${count++}`])
          add(pairs, await s.put(pairs, { codec: each.codec }))
        } else if (each.kind === 'transaction' || each.kind === 'idempotent') {
          const pairs = each.keys.map((key): Pair => [`k${key}`, `v${count++}`])
          const isTransactional = each.kind === 'transaction'
          const producerId = each.producer + (isTransactional ? 10 : 20)
          const base = await s.put(pairs, {
            producerId,
            producerEpoch: 0,
            baseSequence: nextSequence(producerId, pairs.length),
            isTransactional,
          })
          if (each.kind === 'transaction') await s.mark(producerId, 0, each.commit)
          add(pairs, base, each.kind === 'idempotent' || each.commit)
        } else if (each.kind === 'clean') {
          await s.clean()
          await assertSound(s)
        } else if (each.kind === 'roll') await s.roll()
        else if (each.kind === 'pass') await s.pass(each.ms)
        else {
          const producers = producersOf(s.log)
          const batches = await s.batches()
          if (each.lossy) s.host.crash()
          else s.host.kill()
          await s.begin(options)
          assert.deepEqual(await s.batches(), batches)
          assert.deepEqual(producersOf(s.log), producers)
        }
      }
      await check()
      await s.roll()
      await s.clean()
      await check()
      await s.do(s.home.close())
      assert.equal(s.host.disk.openCount, 0)
    }),
    { numRuns: Number(process.env['LOG_RUNS'] ?? 60) },
  )
})
