import assert from 'node:assert/strict'
import { test } from 'node:test'
import { World, type Host } from '@ottla/env/sim'
import { buildEndTransactionMarker, ErrorCode, KafkaError } from '@ottla/protocol'
import { checkSegment, CorruptLogError, LogDirectory, type LogConfig, type PartitionLog } from '../src/index.ts'
import { batch, CLIENT, config, TOPIC_ID } from './batches.ts'
import { contents } from './life.ts'

const LIMIT_MS = 60_000
const LOG = '/logs/t-0/00000000000000000000.log'

function openHome(host: Host): Promise<LogDirectory> {
  return LogDirectory.open(host, '/logs', { brokerId: 1, clusterId: null }, { retentionIntervalMs: 1e9 })
}

async function begin(host: Host, settings: LogConfig): Promise<{ home: LogDirectory; log: PartitionLog }> {
  const home = await openHome(host)
  await home.load(() => settings)
  return { home, log: home.get('t', 0) ?? (await home.create('t', 0, TOPIC_ID, settings)) }
}

test('a file torn at any byte is cut to its whole batches, and what was cut is kept', async () => {
  const world = new World(1)
  const host = world.host('a')
  const settings = config()
  const sizes = [batch({ count: 2 }), batch({ valueBytes: 3 }), batch({ count: 3, valueBytes: 1, codec: 1 })].map((each) => each.length)
  const fill = async (): Promise<Buffer> => {
    const { log } = await begin(host, settings)
    await Promise.all(
      [batch({ count: 2 }), batch({ valueBytes: 3 }), batch({ count: 3, valueBytes: 1, codec: 1 })].map((each) =>
        log.appendBytes(each, CLIENT),
      ),
    )
    return Buffer.from(host.disk.peek(LOG)!)
  }
  const whole = await world.complete(fill(), LIMIT_MS)
  const ends = [0, sizes[0]!, sizes[0]! + sizes[1]!, whole.length]
  const offsets = [0, 2, 3, 6]
  host.kill()
  const check = async (torn: Buffer, at: number): Promise<void> => {
    host.disk.replace(LOG, torn)
    const { log } = await begin(host, settings)
    const kept = ends.findLastIndex((end) => end <= at)
    assert.equal(log.logEndOffset, offsets[kept], `torn at ${at}`)
    assert.equal(host.disk.peek(LOG)!.length, ends[kept])
    assert.equal((await contents(log)).size, kept)
    const names = (await host.disk.list('/logs/t-0')).map((entry) => entry.name)
    const aside = names.filter((name) => name.includes('.cut-'))
    const lost = torn.subarray(ends[kept])
    assert.equal(aside.length, lost.some((byte) => byte !== 0) ? 1 : 0)
    for (const name of aside) {
      const saved = host.disk.peek(`/logs/t-0/${name}`)!
      assert.ok(lost.subarray(0, saved.length).equals(saved))
      await host.disk.remove(`/logs/t-0/${name}`)
    }
    host.kill()
  }
  for (let at = 0; at < whole.length; at++) {
    await world.complete(check(whole.subarray(0, at), at), LIMIT_MS)
    const zeroed = Buffer.from(whole)
    zeroed.fill(0, at)
    if (at % 5 === 0) await world.complete(check(zeroed, at), LIMIT_MS)
  }
})

test('a bad batch below the recovery point takes the partition offline and changes nothing', async () => {
  const world = new World(2)
  const host = world.host('a')
  const fill = async (): Promise<void> => {
    const { home, log } = await begin(host, config())
    await log.appendBytes(batch({ count: 2 }), CLIENT)
    await log.flush()
    // the epoch's file is on disk by then
    await new Promise<void>((resolve) => host.clock.after(100, resolve))
    await home.checkpoint()
  }
  await world.complete(fill(), LIMIT_MS)
  host.kill()
  host.disk.flipBit(LOG, 70)
  const before = Buffer.from(host.disk.peek(LOG)!)
  const { log, home } = await world.complete(begin(host, config()), LIMIT_MS)
  assert.ok(log.failed instanceof CorruptLogError)
  assert.throws(
    () => log.read(0, 1, 1, true),
    (error) => error instanceof KafkaError && error.code === ErrorCode.KAFKA_STORAGE_ERROR,
  )
  await assert.rejects(log.appendBytes(batch(), CLIENT), { code: ErrorCode.KAFKA_STORAGE_ERROR })
  assert.ok(host.disk.peek(LOG)!.equals(before))
  await world.complete(home.close(), LIMIT_MS)
  assert.match(host.disk.peek('/logs/recovery-point-offset-checkpoint')!.toString(), /t 0 2/)
  assert.equal(host.disk.peek('/logs/.kafka_cleanshutdown'), null)
})

test('a compacted log whose segment lost its end is cut there, save where a compaction left the gap', async () => {
  const settings = config({ compact: true, segmentBytes: 500, flushBeforeAck: false })
  for (const [checkpoint, expectedEnd] of [
    [null, 1],
    ['cleaner-offset-checkpoint', 12],
    ['recovery-point-offset-checkpoint', 12],
  ] as const) {
    const world = new World(1)
    const host = world.host('a')
    const run = async (): Promise<void> => {
      const { log } = await begin(host, settings)
      for (let i = 0; i < 12; i++) await log.appendBytes(batch({ valueBytes: 50 }), CLIENT)
      const bases = log.segments.map(({ baseOffset }) => baseOffset)
      assert.ok(bases.length >= 3 && bases[1]! > 1, `segments begin at ${bases.join()}`)
      host.kill()
      const first = host.disk.peek(LOG)!
      const one = first.length / bases[1]!
      host.disk.replace(LOG, first.subarray(0, one))
      if (checkpoint !== null) host.disk.replace(`/logs/${checkpoint}`, Buffer.from(`0\n1\nt 0 ${bases[1]!}\n`))
      const { log: again } = await begin(host, settings)
      assert.equal(again.logEndOffset, expectedEnd, String(checkpoint))
    }
    await world.complete(run(), LIMIT_MS)
  }
})

test('a log whose newest file is gone after a clean stop is offline, and not a shorter one', async () => {
  const world = new World(1)
  const host = world.host('a')
  const settings = config({ segmentBytes: 500 })
  const run = async (): Promise<void> => {
    const { home, log } = await begin(host, settings)
    for (let i = 0; i < 12; i++) await log.appendBytes(batch({ valueBytes: 50 }), CLIENT)
    await home.close()
    host.kill()
    const logs = host.disk.paths().filter((path) => path.endsWith('.log'))
    assert.ok(logs.length > 1)
    host.disk.lose(logs.toSorted().at(-1)!)
    assert.ok((await begin(host, settings)).log.failed instanceof CorruptLogError)
    host.kill()
    for (const path of host.disk.paths().filter((each) => each.endsWith('.log'))) host.disk.lose(path)
    assert.ok((await begin(host, settings)).log.failed instanceof CorruptLogError)
  }
  await world.complete(run(), LIMIT_MS)
})

test('retention that the loss of power cuts short leaves a log without a gap', async () => {
  for (let seed = 1; seed <= 60; seed++) {
    const world = new World(seed)
    const host = world.host('a')
    const settings = config({ segmentBytes: 500 })
    const fill = async (): Promise<LogDirectory> => {
      const { home, log } = await begin(host, settings)
      for (let i = 0; i < 18; i++) await log.appendBytes(batch({ valueBytes: 50 }), CLIENT)
      await log.flush()
      await new Promise<void>((resolve) => host.clock.after(100, resolve))
      await home.checkpoint()
      log.deleteRecordsBefore(16)
      return home
    }
    const home = await world.complete(fill(), LIMIT_MS)
    void home.runRetention()
    await world.run(() => false, world.dice.fraction() * 40)
    host.crash()
    const { log } = await world.complete(begin(host, settings), LIMIT_MS)
    assert.equal(log.failed, null, `seed ${seed}`)
    const read = await world.complete(contents(log), LIMIT_MS)
    assert.equal(read.size, 18 - log.logStartOffset, `seed ${seed}: the log starts at ${log.logStartOffset}`)
  }
})

test('a log start that has decayed hides no record: the epochs begin where the log does', async () => {
  for (const clean of [true, false]) {
    const world = new World(1)
    const host = world.host('a')
    const run = async (): Promise<void> => {
      const { home, log } = await begin(host, config())
      for (let i = 0; i < 6; i++) await log.appendBytes(batch(), CLIENT)
      log.deleteRecordsBefore(3)
      await new Promise<void>((resolve) => host.clock.after(100, resolve))
      await home.checkpoint()
      if (clean) await home.close()
      host.kill()
      for (const [decayed, expected] of [
        ['3', 3],
        ['5', 3],
        ['7', 3],
        ['33', 3],
        ['1', 1],
      ] as const) {
        host.disk.replace('/logs/log-start-offset-checkpoint', Buffer.from(`0\n1\nt 0 ${decayed}\n`))
        const { log: again } = await begin(host, config())
        assert.deepEqual([again.logStartOffset, again.logEndOffset], [expected, 6], `log start ${decayed}`)
        host.kill()
      }
    }
    await world.complete(run(), LIMIT_MS)
  }
})

test('what a failed sync left in memory alone is written again by the recovery that takes it', async () => {
  for (let seed = 1; seed <= 30; seed++) {
    const world = new World(seed)
    const host = world.host('a')
    const settings = config({ flushBeforeAck: false })
    const recovered = async (): Promise<number> => {
      const { log } = await begin(host, settings)
      for (let i = 0; i < 3; i++) await log.appendBytes(batch({ valueBytes: 3000 }), CLIENT)
      await log.flush()
      await new Promise<void>((resolve) => host.clock.after(100, resolve))
      for (let i = 0; i < 3; i++) await log.appendBytes(batch({ valueBytes: 3000 }), CLIENT)
      host.disk.failNext('sync', 'io', '.log')
      await assert.rejects(log.flush())
      host.kill()
      const { log: again } = await begin(host, settings)
      assert.equal(again.flushedOffset, again.logEndOffset)
      return again.logEndOffset
    }
    const end = await world.complete(recovered(), LIMIT_MS)
    host.crash()
    const { log } = await world.complete(begin(host, settings), LIMIT_MS)
    assert.equal(log.logEndOffset, end, `seed ${seed}: recovery said that all below ${end} is safe`)
  }
})

test('where acks wait for the sync, a good batch far behind a bad one is corruption', async () => {
  const world = new World(3)
  const host = world.host('a')
  const settings = config({ flushBeforeAck: true, segmentBytes: 1 << 26 })
  const fill = async (): Promise<void> => {
    const { log } = await begin(host, settings)
    for (let i = 0; i < 4; i++) await log.appendBytes(batch({ valueBytes: 700_000 }), CLIENT)
  }
  await world.complete(fill(), LIMIT_MS)
  host.kill()
  host.disk.flipBit(LOG, 700_000 + 100)
  const { log } = await world.complete(begin(host, settings), LIMIT_MS)
  assert.match(log.failed?.message ?? '', /written after its sync/)
})

test('indexes, producers, epochs and transactions are the same after a crash as before', async () => {
  const world = new World(4)
  const host = world.host('a')
  const settings = config({ segmentBytes: 2000, indexIntervalBytes: 100 })
  const producer = { producerId: 7, producerEpoch: 0, isTransactional: true }
  const fill = async (): Promise<PartitionLog> => {
    const { log } = await begin(host, settings)
    log.becomeLeader(3)
    for (let i = 0; i < 12; i++) await log.appendBytes(batch({ ...producer, baseSequence: i, valueBytes: 200 }), CLIENT)
    assert.equal(log.lastStableOffset, 0)
    const marker = buildEndTransactionMarker({ isCommit: false, producerId: 7, producerEpoch: 0, coordinatorEpoch: 1, timestamp: 5 })
    await log.appendBytes(marker, { acks: -1, origin: 'coordinator' })
    log.becomeLeader(5)
    await log.appendBytes(batch({ ...producer, baseSequence: 12 }), CLIENT)
    return log
  }
  const before = await world.complete(fill(), LIMIT_MS)
  const aborted = [{ producerId: 7, firstOffset: 0, lastOffset: 12, lastStableOffset: 13, aborted: true }]
  assert.deepEqual(before.abortedTransactions(3, 14), aborted)
  assert.equal(before.lastStableOffset, 13)
  host.kill()
  const { log, home } = await world.complete(begin(host, settings), LIMIT_MS)
  assert.equal(log.failed, null)
  assert.equal(log.logEndOffset, 14)
  assert.equal(log.lastStableOffset, 13)
  assert.deepEqual(
    log.abortedTransactions(3, 14).map((each) => [each.firstOffset, each.lastOffset]),
    [[0, 12]],
  )
  assert.deepEqual([log.epochFor(4), log.epochFor(13), log.latestEpoch], [3, 5, 5])
  assert.deepEqual(log.endOffsetForEpoch(4), { epoch: 3, endOffset: 13 })
  const again = await world.complete(log.appendBytes(batch({ ...producer, baseSequence: 12 }), CLIENT), LIMIT_MS)
  assert.deepEqual([again.duplicate, again.baseOffset], [true, 13])
  await assert.rejects(log.appendBytes(batch({ ...producer, baseSequence: 20 }), CLIENT), { code: ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER })
  for (const segment of log.segments.slice(0, -1)) {
    assert.deepEqual((await world.complete(checkSegment(host.disk, '/logs/t-0', segment.baseOffset), LIMIT_MS)).problems, [])
  }
  assert.ok(log.segments.length > 1)
  await world.complete(home.close(), LIMIT_MS)
})

test('a full disk is answered with an error, cut back to whole batches, and appends go on once there is room', async () => {
  const world = new World(5)
  const host = world.host('a')
  const { home, log } = await world.complete(begin(host, config()), LIMIT_MS)
  await world.complete(log.appendBytes(batch({ valueBytes: 100 }), CLIENT), LIMIT_MS)
  const size = host.disk.peek(LOG)!.length
  host.disk.failNext('write', 'full', LOG)
  const producing = { producerId: 9, producerEpoch: 0, baseSequence: 0 }
  const failing = [log.appendBytes(batch({ ...producing, valueBytes: 5000 }), CLIENT), log.appendBytes(batch({ valueBytes: 10 }), CLIENT)]
  const answers = await world.complete(Promise.allSettled(failing), LIMIT_MS)
  assert.deepEqual(
    answers.map((each) => each.status === 'rejected' && (each.reason as KafkaError).code),
    [56, 56],
  )
  assert.equal(host.disk.peek(LOG)!.length, size)
  assert.deepEqual([log.logEndOffset, log.visibleEnd, log.failed, home.failed], [1, 1, null, null])
  const result = await world.complete(log.appendBytes(batch({ ...producing, valueBytes: 5000 }), CLIENT), LIMIT_MS)
  assert.deepEqual([result.baseOffset, result.duplicate], [1, false])
  await world.complete(home.close(), LIMIT_MS)
})

test('an IO error takes all logs of the directory offline, and tells who waits', async () => {
  const world = new World(6)
  const host = world.host('a')
  const { home, log } = await world.complete(begin(host, config()), LIMIT_MS)
  const other = await world.complete(home.create('u', 1, TOPIC_ID, config()), LIMIT_MS)
  let woken = 0
  other.onAdvance({ wake: () => woken++ })
  host.disk.failNext('sync', 'io', LOG)
  await world.complete(log.appendBytes(batch(), CLIENT), LIMIT_MS)
  await assert.rejects(world.complete(log.flush(), LIMIT_MS))
  assert.ok(home.failed !== null && log.failed !== null && other.failed !== null)
  assert.equal(woken, 1)
  await assert.rejects(other.appendBytes(batch(), CLIENT), { code: ErrorCode.KAFKA_STORAGE_ERROR })
  await world.complete(home.close(), LIMIT_MS)
  assert.equal(host.disk.peek('/logs/.kafka_cleanshutdown'), null)
})
