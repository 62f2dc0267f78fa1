import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BatchBuilder, downConvert, recordBatch } from '@ottla/protocol'
import { assertSound, Compacted, latestOf, LOG_PATH, producersOf, summary, type FoundBatch, type Pair } from './compacted.ts'

/** Dirty segments in several groups, with transactions, tombstones and producers; all of it synced. */
async function filled(seed: number): Promise<Compacted> {
  const s = new Compacted(seed, { segmentBytes: 700, deleteRetentionMs: 1e12 })
  await s.begin()
  const value = 'v'.repeat(60)
  for (let i = 0; i < 8; i++) {
    await s.put([
      [`k${i % 3}`, `${value}${i}`],
      [`own${i}`, value],
    ])
    await s.put(
      [
        [`k${i % 2}`, null],
        ['t', 'x'],
      ],
      { producerId: 1, producerEpoch: 0, baseSequence: 2 * i, isTransactional: true },
    )
    await s.mark(1, 0, i % 2 === 0)
    await s.put([['p', `${i}`]], { producerId: 2, producerEpoch: 0, baseSequence: i })
  }
  await s.roll()
  await s.do(s.home.checkpoint())
  return s
}

/** What a consumer with read_committed comes to. */
function committed(s: Compacted, batches: FoundBatch[]): Map<string, string> {
  const aborted = s.log.abortedTransactions(0, s.log.logEndOffset)
  const isAborted = (producerId: number, offset: number): boolean =>
    aborted.some((each) => each.producerId === producerId && each.firstOffset <= offset && offset <= each.lastOffset)
  const read = batches.filter((batch) => !batch.isControl && !isAborted(batch.producer[0], batch.baseOffset))
  return latestOf(read.flatMap((batch) => batch.records.map(({ key, value }): Pair => [key!, value])))
}

/** 1: every step. */
const STRIDE = Number(process.env['LOG_STRIDE'] ?? 6)

for (const end of ['killed', 'without power'] as const) {
  test(`a cleaning that is ${end} at any step, and a start that is at any step after it, leave the old segments or the new ones`, async () => {
    const seeds = Number(process.env['LOG_SEEDS'] ?? 1)
    for (let seed = 1; seed <= seeds; seed++) {
      const whole = await filled(seed)
      const before = committed(whole, await whole.batches())
      const producers = producersOf(whole.log)
      await whole.clean()
      const after = await whole.batches()
      assert.deepEqual(committed(whole, after), before)
      assert.ok(whole.bases().length > 2, 'several groups')
      for (let steps = 1, isDone = false; !isDone; steps += 1 + whole.world.dice.below(STRIDE)) {
        const s = await filled(seed)
        const stop = (): void => (end === 'killed' ? s.host.kill() : s.host.crash())
        const cleaning = s.home.runCleaner().then(() => (isDone = true))
        cleaning.catch(() => {})
        const limit = s.world.eventCount + steps
        await s.world.run(() => isDone || s.world.eventCount >= limit, 100_000)
        stop()
        // a start that is stopped too
        void s.start().catch(() => {})
        const until = s.world.eventCount + s.world.dice.below(60)
        await s.world.run(() => s.world.eventCount >= until, 100_000)
        stop()
        await s.begin()
        const left = (await s.names()).filter((name) => /\.(cleaned|swap)$/.test(name))
        assert.deepEqual(left, [], `step ${steps}`)
        assert.deepEqual(committed(s, await s.batches()), before, `step ${steps}`)
        assert.deepEqual(producersOf(s.log), producers, `step ${steps}`)
        assert.equal(s.log.lastStableOffset, s.log.logEndOffset)
        await s.clean()
        assert.deepEqual(committed(s, await s.batches()), before, `step ${steps}`)
        assert.deepEqual(summary(await s.records()), summary(after.filter((batch) => !batch.isControl).flatMap((batch) => batch.records)))
        await assertSound(s)
        await s.do(s.home.close())
      }
    }
  })
}

test('readers of the segments that are replaced go on, and miss nothing', async () => {
  const s = await filled(7)
  const expected = committed(s, await s.batches())
  s.log.configure({ ...s.config, fileDeleteDelayMs: 1e9 })
  const found: FoundBatch[] = []
  const slice = s.log.read(0, 1 << 20, s.log.highWatermark, true)!
  slice.hold()
  const bytes = Buffer.alloc(slice.length)
  slice.file.read(slice.position, bytes)
  const reader = s.log.readBatches(0)
  const first = await s.do(reader.next())
  assert.equal(recordBatch.baseOffset(first.value!, 0), 0)
  const before = s.bases()
  await s.clean()
  await s.put([['z', '']])
  await s.roll()
  await s.clean()
  assert.notDeepEqual(s.bases(), before)
  const again = Buffer.alloc(slice.length)
  slice.file.read(slice.position, again)
  assert.deepEqual(again, bytes)
  slice.release()
  const offsets: number[] = []
  for (let next = await s.do(reader.next()); next.done !== true; next = await s.do(reader.next())) {
    offsets.push(recordBatch.baseOffset(next.value, 0))
  }
  found.push(...(await s.batches()))
  // all that is left was met, whichever segments it was read from
  for (const batch of found)
    if (batch.records.length > 0 && batch.baseOffset > 0 && batch.baseOffset < 48) assert.ok(offsets.includes(batch.baseOffset))
  assert.deepEqual(
    [...offsets].sort((a, b) => a - b),
    offsets,
  )
  assert.deepEqual(committed(s, found), expected.set('z', ''))
  await s.do(s.home.close())
})

test('with little memory for keys a log is cleaned in several rounds, to the same end', async () => {
  const ends: unknown[] = []
  for (const dedupeBytesMax of [undefined, 24 * 6, 24]) {
    const s = new Compacted(8)
    await s.begin(dedupeBytesMax === undefined ? {} : { cleaner: { dedupeBytesMax } })
    for (let i = 0; i < 200; i++)
      await s.put([
        [`k${(i * 7) % 40}`, `${i}`],
        [`k${i % 11}`, `${i}`],
      ])
    await s.roll()
    const rounds = await s.clean()
    assert.equal(rounds === 1, dedupeBytesMax === undefined, `${rounds} rounds`)
    ends.push(summary(await s.records()))
    assert.equal(s.checkpoint(), '0\n1\nt 0 400\n')
    await s.do(s.home.close())
  }
  assert.deepEqual(ends[1], ends[0])
  assert.deepEqual(ends[2], ends[0])
})

test('small neighbours become one segment, and retention and compaction go together', async () => {
  const s = new Compacted(9, { segmentBytes: 100_000, deleteOld: true, retentionMs: 50_000 })
  await s.begin()
  for (let i = 0; i < 5; i++) {
    await s.put([
      ['a', `${i}`],
      [`own${i}`, ''],
    ])
    await s.roll()
    await s.pass(1000)
  }
  assert.equal(s.log.segments.length, 6)
  await s.clean()
  assert.deepEqual(s.bases(), [0, 10])
  await s.put([['a', 'new']])
  await s.roll()
  const retention = s.home.runRetention()
  await s.clean()
  assert.equal(await s.do(retention), 0)
  await s.pass(51_000)
  assert.equal(await s.do(s.home.runRetention()), 1)
  assert.equal(s.log.logStartOffset, s.log.segments[0]!.baseOffset)
  s.log.configure({ ...s.config, deleteOld: false, retentionMs: 1 })
  await s.pass(50_000)
  assert.equal(await s.do(s.home.runRetention()), 0, 'compact alone keeps what is old')
  await s.do(s.home.close())
})

test('a segment of which no record is left goes with the next one that is too old, however young its file is', async () => {
  const s = new Compacted(16, { segmentBytes: 200, deleteOld: true, retentionMs: 1e9 })
  await s.begin()
  for (let i = 0; i < 6; i++)
    await s.put([['a', 'v'.repeat(100)]], { producerId: 1 + (i % 3), producerEpoch: 0, baseSequence: i < 3 ? 0 : 1 })
  for (const key of ['b', 'a']) await s.put([[key, 'v'.repeat(100)]])
  await s.roll()
  await s.pass(5e7)
  await s.clean()
  await s.do(s.home.close())
  await s.begin()
  const latest = await s.do(s.log.maxTimestamp())
  assert.ok(latest!.offset >= 6, 'a batch without records has no time')
  const before = s.log.segments.map((segment) => [segment.baseOffset, segment.largestTimestamp >= 0])
  assert.deepEqual(before.slice(0, 4), [
    [0, false],
    [1, false],
    [2, false],
    [3, false],
  ])
  await assertSound(s)
  s.log.configure({ ...s.config, retentionMs: 3e7 })
  assert.equal(await s.do(s.home.runRetention()), before.length - 1)
  assert.equal(s.log.logStartOffset, 8)
  await s.do(s.home.close())
})

test('a gap that compaction left is none to a recovery, whatever checkpoint was written last', async () => {
  for (const how of ['kill', 'crash'] as const) {
    const s = new Compacted(17, { segmentBytes: 400 })
    await s.begin({ recoveryPointIntervalMs: 1e12 })
    const value = 'v'.repeat(100)
    for (const key of ['once', 'a', 'a', 'a', 'a', 'a', 'a', 'a', 'twice', 'a']) await s.put([[key, value]])
    await s.roll()
    for (const key of ['b', 'b']) await s.put([[key, 'active']])
    await s.do(s.log.flush())
    let isSwapped = false
    const { length } = s.log.segments
    void s.home.runCleaner().catch(() => {})
    // at the first swap, before the cleaner's own checkpoint
    await s.world.run(
      () => (isSwapped ||= s.log.segments.length < length || s.log.segments.some(({ sizeBytes }) => sizeBytes === 0)),
      60_000,
    )
    assert.ok(isSwapped)
    await s.pass(how === 'kill' ? 20 : 5)
    s.host[how]()
    await s.begin()
    assert.deepEqual(
      (await s.records()).filter(({ offset }) => offset >= 8).map(({ offset, key }) => [offset, key]),
      [
        [8, 'twice'],
        [9, 'a'],
        [10, 'b'],
        [11, 'b'],
      ],
      how,
    )
    await s.do(s.home.close())
  }
})

test('a damaged batch leaves the log as it is and other logs are cleaned', async () => {
  const s = new Compacted(10)
  await s.begin()
  const other = await s.do(s.home.create('other', 0, 'AAAAAAAAAAAAAAAAAAAAAg', s.config))
  for (let i = 0; i < 30; i++)
    await s.put([
      ['a', 'a'.repeat(100)],
      [`k${i}`, ''],
    ])
  await s.roll()
  const { log } = s
  s.log = other
  for (let i = 0; i < 30; i++) await s.put([['a', 'a'.repeat(100)]])
  await s.roll()
  s.log = log
  const before = s.bases()
  s.host.disk.flipBit(`${LOG_PATH}/${String(before[1]).padStart(20, '0')}.log`, 80)
  assert.equal(await s.clean(), 1)
  assert.ok(s.host.log.lines.some((line) => line.message.includes('not compacted')))
  assert.deepEqual(s.bases(), before)
  assert.equal(log.failed, null)
  assert.equal(await s.clean(), 0)
  assert.equal(s.checkpoint(), '0\n1\nother 0 30\n')
  await s.do(s.home.close())
})

test('a full disk puts the cleaning off, and nothing is left of it', async () => {
  const s = await filled(11)
  const before = await s.batches()
  for (const operation of ['write', 'sync'] as const) {
    s.host.disk.failNext(operation, 'full', '.cleaned')
    assert.equal(await s.clean(), 0)
    assert.deepEqual(
      (await s.names()).filter((name) => /cleaned|swap/.test(name)),
      [],
    )
    assert.deepEqual(await s.batches(), before)
  }
  assert.equal(await s.clean(), 1)
  await s.pass(5000)
  assert.deepEqual(
    s.host.log.lines
      .filter(({ message }) => /no space|room/.test(message))
      .map(({ level, message }) => `${level} ${message.replace(/[;,].*/, '')}`),
    ['error /logs: no space left', 'info /logs: there is room again'],
  )
  await s.do(s.home.close())
  assert.equal(s.host.disk.openCount, 0)
})

test('a disk that fails in the middle takes the directory offline, and a start finds all', async () => {
  for (const [operation, part] of [
    ['write', '.cleaned'],
    ['rename', '.cleaned'],
    ['rename', '.swap'],
    ['rename', '.log'],
    ['read', '.log'],
  ] as const) {
    const s = await filled(12)
    const before = committed(s, await s.batches())
    s.host.disk.failNext(operation, 'io', part)
    assert.equal(await s.clean(), 0)
    assert.notEqual(s.home.failed, null, `${operation} ${part}`)
    assert.notEqual(s.log.failed, null)
    await s.pass(100)
    s.host.kill()
    await s.begin()
    assert.deepEqual(committed(s, await s.batches()), before, `${operation} ${part}`)
    await s.do(s.home.close())
  }
})

test('a cut, a deletion or a close ends the cleaning under way', async () => {
  for (let events = 0; events < 240; events += 12) {
    for (const how of ['cut', 'delete', 'close'] as const) {
      const s = await filled(13)
      s.log.soleReplica = false
      const cleaning = s.home.runCleaner()
      const until = s.world.eventCount + events
      await s.world.run(() => s.world.eventCount >= until, 1_000_000)
      if (how === 'cut') {
        await s.do(s.log.truncateTo(30))
        await s.do(cleaning)
        assert.ok((s.home.cleanedOffset(s.log) ?? 0) <= 30)
        assert.ok(s.log.logEndOffset <= 30)
        await s.batches()
        await s.put([['z', '']])
      } else if (how === 'delete') {
        await s.do(s.home.delete(s.log))
        await s.do(cleaning)
        assert.equal(s.checkpoint() ?? '0\n0\n', '0\n0\n')
        s.log = await s.do(s.home.create('t', 0, 'AAAAAAAAAAAAAAAAAAAAAg', s.config))
        assert.equal(s.log.logEndOffset, 0)
      }
      await s.do(s.home.close())
      await s.do(cleaning)
      assert.equal(s.home.failed, null)
      assert.equal(s.host.disk.openCount, 0, `${how} after ${events}`)
    }
  }
})

test('messages of the old formats are compacted too; a compressed set of them stays or goes as one', async () => {
  const s = new Compacted(14, { deleteRetentionMs: 1e12, segmentBytes: 400 })
  const old = (magic: 0 | 1, baseOffset: number, pairs: readonly Pair[], codec = 0): Buffer => {
    const builder = new BatchBuilder({ baseOffset, codec })
    for (const [key, value] of pairs) builder.append(Buffer.from(key), value === null ? null : Buffer.from(value), [], 1000)
    return downConvert(builder.build(), magic, 0)
  }
  const bytes = Buffer.concat([
    old(0, 0, [
      ['a', '1'],
      ['b', '2'],
    ]),
    old(1, 2, [
      ['a', '3'],
      ['c', '4'],
    ]),
    old(
      1,
      4,
      [
        ['c', '5'],
        ['d', '6'],
      ],
      1,
    ),
    old(
      1,
      6,
      [
        ['e', '7'],
        ['f', '8'],
      ],
      2,
    ),
    old(1, 8, [
      ['g', null],
      ['c', '9'],
    ]),
  ])
  await s.do(s.host.disk.createDirectory(LOG_PATH))
  const file = s.host.disk.open(`${LOG_PATH}/00000000000000000000.log`, 'create')
  file.write(0, [bytes])
  await s.do(file.sync())
  file.close()
  await s.begin()
  assert.equal(s.log.logEndOffset, 10)
  await s.roll()
  await s.put([
    ['e', '10'],
    ['f', '11'],
  ])
  await s.put([['c', '12']])
  await s.roll()
  await s.clean()
  const kept: [number, string, string | null][] = [
    [1, 'b', '2'],
    [2, 'a', '3'],
    [4, 'c', '5'],
    [5, 'd', '6'],
    [8, 'g', null],
  ]
  assert.deepEqual(summary(await s.records()), [...kept, [10, 'e', '10'], [11, 'f', '11'], [12, 'c', '12']])
  await assertSound(s)
  s.log.configure({ ...s.config, deleteRetentionMs: 0 })
  await s.put([['z', '']])
  await s.roll()
  await s.clean()
  assert.ok(!(await s.records()).some((record) => record.key === 'g'))
  await s.do(s.home.close())
})
