import assert from 'node:assert/strict'
import { test } from 'node:test'
import { World, type Host } from '@ottla/env/sim'
import { ErrorCode } from '@ottla/protocol'
import { Slab } from '@ottla/wire'
import { LogDirectory, type LogConfig, type LogDirectoryOptions, type PartitionLog } from '../src/index.ts'
import { batch, CLIENT, config, TOPIC_ID } from './batches.ts'
import { contents } from './life.ts'

const LIMIT_MS = 600_000

class Setup {
  readonly world: World
  readonly host: Host
  home!: LogDirectory
  log!: PartitionLog

  constructor(seed: number) {
    this.world = new World(seed)
    this.host = this.world.host('a')
  }

  do<T>(work: Promise<T>): Promise<T> {
    return this.world.complete(work, LIMIT_MS)
  }

  async begin(settings: LogConfig, options: LogDirectoryOptions = {}): Promise<void> {
    this.home = await this.do(
      LogDirectory.open(this.host, '/logs', { brokerId: 1, clusterId: null }, { retentionIntervalMs: 1e9, ...options }),
    )
    await this.do(this.home.load(() => settings))
    this.log = await this.do(this.home.create('t', 0, TOPIC_ID, settings))
  }

  append(shape: Parameters<typeof batch>[0] = {}): Promise<unknown> {
    return this.do(this.log.appendBytes(batch(shape), CLIENT))
  }

  async names(path = '/logs/t-0'): Promise<string[]> {
    return (await this.do(this.host.disk.list(path))).map((entry) => entry.name)
  }

  bases(): number[] {
    return this.log.segments.map((segment) => segment.baseOffset)
  }

  /** Lets `ms` of simulated time pass. */
  async pass(ms: number): Promise<void> {
    await this.do(new Promise<void>((resolve) => this.host.clock.after(ms, resolve)))
  }
}

test('segments roll by size, by time between records, and by a full index', async () => {
  const s = new Setup(1)
  await s.begin(config({ segmentBytes: 1000, segmentMs: 5000 }))
  for (let i = 0; i < 4; i++) await s.append({ valueBytes: 300, timestamp: 1000 })
  assert.deepEqual(s.bases(), [0, 2])
  await s.append({ timestamp: 6000 })
  assert.deepEqual(s.bases(), [0, 2])
  await s.append({ timestamp: 6001 })
  assert.deepEqual(s.bases(), [0, 2, 5])
  s.log.configure(config({ indexIntervalBytes: 1, segmentIndexBytes: 24 }))
  for (let i = 0; i < 6; i++) await s.append({ timestamp: 6001 })
  assert.ok(s.bases().length > 4, 'three entries fill an index of 24 bytes')
  s.log.configure(config({ segmentBytes: 100 }))
  await assert.rejects(s.log.appendBytes(batch({ valueBytes: 200 }), CLIENT), { code: ErrorCode.RECORD_LIST_TOO_LARGE })
  await s.do(s.home.close())
})

test('with preallocate a segment has its room from the beginning, and gives back what it did not need', async () => {
  const s = new Setup(21)
  await s.begin(config({ segmentBytes: 5000, preallocate: true }))
  const reserved = (): number[] => s.log.segments.map(({ reservedBytes }) => reservedBytes)
  assert.deepEqual(reserved(), [5000])
  await s.append({ valueBytes: 300 })
  s.log.roll()
  await s.do(s.log.flush())
  await s.pass(100)
  assert.deepEqual(reserved(), [0, 5000])
  s.log.configure(config({ segmentBytes: 5000, preallocate: false }))
  await s.append({ valueBytes: 300 })
  s.log.roll()
  await s.pass(100)
  assert.deepEqual(reserved(), [0, 0, 0])
  s.log.configure(config({ segmentBytes: 5000, preallocate: true }))
  await s.append()
  s.log.roll()
  await s.append()
  await s.do(s.home.close())
  assert.deepEqual(reserved(), [0, 0, 0, 0])
})

test('retention by time goes by the largest timestamp, spares what is not replicated, and removes files after the delay', async () => {
  const s = new Setup(2)
  const nowMs = s.host.clock.now()
  await s.begin(config({ segmentBytes: 500, retentionMs: 10_000, fileDeleteDelayMs: 60_000 }))
  s.log.soleReplica = false
  for (const age of [50_000, 40_000, 5_000, 30_000]) await s.append({ valueBytes: 300, timestamp: nowMs - age })
  assert.deepEqual(s.bases(), [0, 1, 2, 3])
  s.log.advanceHighWatermark(1)
  assert.equal(await s.do(s.home.runRetention()), 1)
  s.log.advanceHighWatermark(4)
  assert.equal(await s.do(s.home.runRetention()), 1)
  assert.deepEqual([s.bases(), s.log.logStartOffset], [[2, 3], 2])
  assert.throws(() => s.log.read(1, 1, 4, true), { code: ErrorCode.OFFSET_OUT_OF_RANGE })
  assert.equal((await s.names()).filter((name) => name.endsWith('.log.deleted')).length, 2)
  await s.pass(61_000)
  assert.equal((await s.names()).filter((name) => name.endsWith('.deleted')).length, 0)
  await s.pass(10_000)
  await s.do(s.home.runRetention())
  assert.deepEqual([s.bases(), s.log.logStartOffset, s.log.logEndOffset], [[4], 4, 4])
  await s.append()
  assert.equal((await s.do(contents(s.log))).size, 1)
  await s.do(s.home.close())
})

test('retention by size keeps at least the configured bytes; compacted topics are left alone', async () => {
  const s = new Setup(3)
  await s.begin(config({ segmentBytes: 500, retentionMs: -1, retentionBytes: 1000, deleteOld: false }))
  for (let i = 0; i < 6; i++) await s.append({ valueBytes: 300 })
  assert.equal(await s.do(s.home.runRetention()), 0)
  s.log.configure({ ...s.log.config, deleteOld: true })
  await s.do(s.home.runRetention())
  assert.ok(s.log.sizeBytes >= 1000 && s.log.sizeBytes < 1400, `${s.log.sizeBytes}`)
  s.log.deleteRecordsBefore(5)
  await s.do(s.home.runRetention())
  assert.deepEqual(s.bases(), [5])
  await s.do(s.home.close())
})

test('with flush.messages the append that reaches it waits for the sync, and consumers see nothing before', async () => {
  const s = new Setup(4)
  await s.begin(config({ flushMessages: 3 }))
  await s.append()
  await s.append()
  assert.deepEqual([s.log.logEndOffset, s.log.highWatermark, s.log.flushedOffset, s.log.visibleEnd], [2, 2, 0, 0])
  let seen = -1
  const waiter = { wake: (): void => void (seen = s.log.visibleEnd) }
  s.log.onAdvance(waiter)
  await s.append()
  assert.deepEqual([s.log.flushedOffset, s.log.visibleEnd, seen], [3, 3, 3])
  s.log.offAdvance(waiter)
  await s.append()
  assert.deepEqual([s.log.visibleEnd, seen], [3, 3])
  await s.do(s.home.close())
})

test('with flush.ms acks do not wait, and what is appended shows once the time is up', async () => {
  const s = new Setup(5)
  await s.begin(config({ flushMs: 1000 }))
  await s.append()
  assert.equal(s.log.visibleEnd, 0)
  await s.pass(1100)
  assert.equal(s.log.visibleEnd, 1)
  s.log.configure(config())
  await s.append()
  assert.equal(s.log.visibleEnd, 2)
  s.log.configure(config({ flushMs: 3_600_000 }))
  await s.append()
  s.log.configure(config({ flushMs: 1000 }))
  await s.pass(1100)
  assert.equal(s.log.visibleEnd, 3, 'a shorter time counts for what waits already')
  await s.do(s.home.close())
})

test('what a turn appends is one write, answered in order after it', async () => {
  const s = new Setup(6)
  await s.begin(config())
  await s.append()
  const { disk } = s.host
  let writes = 0
  const check = disk.check.bind(disk)
  disk.check = (operation, path) => {
    if (operation === 'write' && path.endsWith('.log')) writes++
    check(operation, path)
  }
  const order: number[] = []
  const all = Array.from({ length: 20 }, (_, i) => s.log.appendBytes(batch(), CLIENT).then(() => order.push(i)))
  await s.do(Promise.all(all))
  assert.equal(writes, 1)
  assert.deepEqual(
    order,
    all.map((_, i) => i),
  )
  await s.do(s.home.close())
})

test('a retry is answered with its first offsets, once that batch is stored', async () => {
  const s = new Setup(7)
  await s.begin(config({ flushBeforeAck: true }))
  const bytes = batch({ producerId: 3, producerEpoch: 0, baseSequence: 0, count: 2 })
  const order: string[] = []
  const send = (name: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const result = s.log.append(new Slab(Buffer.from(bytes)), 0, bytes.length, CLIENT, (error) => {
        order.push(name)
        if (error === null) resolve()
        else reject(error)
      })
      assert.deepEqual([result.baseOffset, result.lastOffset, result.duplicate], [0, 1, name !== 'first'])
    })
  await s.do(Promise.all([send('first'), send('second')]))
  await s.do(send('third'))
  assert.deepEqual(order, ['first', 'second', 'third'])
  assert.equal(s.log.logEndOffset, 2)
  await s.do(s.home.close())
})

test('a deleted partition is gone at once and its name is free; its files go after the delay', async () => {
  const s = new Setup(8)
  await s.begin(config())
  await s.append()
  await s.do(s.home.checkpoint())
  const old = s.log
  await s.do(s.home.delete(old))
  assert.equal(s.home.get('t', 0), undefined)
  assert.throws(() => old.read(0, 1, 1, true), { code: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION })
  const renamed = (await s.names('/logs')).find((name) => /^t-0\.[0-9a-f]{32}-delete$/.test(name))
  assert.ok(renamed !== undefined)
  s.log = await s.do(s.home.create('t', 0, 'AAAAAAAAAAAAAAAAAAAAAg', config()))
  assert.equal(s.log.logEndOffset, 0)
  await s.append()
  await s.pass(61_000)
  assert.ok(!(await s.names('/logs')).includes(renamed))
  await assert.rejects(s.do(s.home.create('t', 0, TOPIC_ID, config())), { code: ErrorCode.INCONSISTENT_TOPIC_ID })
  await s.do(s.home.close())
})

test('where the disk does not let go of a deleted partition, no other topic gets its records', async () => {
  const s = new Setup(22)
  await s.begin(config())
  await s.append()
  s.host.disk.failNext('rename', 'denied', '/logs/t-0')
  await s.do(s.home.delete(s.log))
  const made = s.do(s.home.create('t', 0, 'AAAAAAAAAAAAAAAAAAAAAg', config()))
  await assert.rejects(made, { code: ErrorCode.KAFKA_STORAGE_ERROR, message: /has no place for t-0/ })
  await s.do(s.home.create('u', 0, 'AAAAAAAAAAAAAAAAAAAAAg', config()))
  await s.do(s.home.close())
})

test('a reader that comes while its partition is deleted leaves no file open', async () => {
  const s = new Setup(13)
  await s.begin(config())
  await s.append()
  const openBefore = s.host.disk.openCount
  const slice = s.log.read(0, 1 << 20, s.log.logEndOffset, true)
  const deleted = s.home.delete(s.log)
  assert.ok(slice !== null && slice.file !== null)
  await s.do(deleted)
  await s.pass(61_000)
  assert.equal(s.host.disk.openCount, openBefore - 1)
  await s.do(s.home.close())
})

test('a partition that is deleted while retention is at work leaves no file open', async () => {
  for (let delay = 0; delay < 30; delay++) {
    const s = new Setup(100 + delay)
    await s.begin(config({ segmentBytes: 500, retentionBytes: 1000, fileDeleteDelayMs: 1000 }))
    for (let i = 0; i < 8; i++) await s.append({ valueBytes: 300 })
    assert.equal((await s.do(contents(s.log))).size, 8)
    const retained = s.home.runRetention()
    await s.pass(delay / 10)
    await s.do(s.home.delete(s.log))
    await s.do(retained)
    await s.pass(10_000)
    assert.equal(s.host.disk.openCount, 0, `deleted after ${delay / 10} ms`)
    await s.do(s.home.close())
  }
})

test('idle partitions hold no file, and few are open at once', async () => {
  const s = new Setup(9)
  await s.begin(config(), { openSegmentsMax: 4 })
  const logs = await s.do(
    Promise.all(Array.from({ length: 20 }, (_, i) => s.home.create('many', i, TOPIC_ID, config({ indexIntervalBytes: 1 })))),
  )
  for (const log of logs) {
    await s.do(log.appendBytes(batch(), CLIENT))
    await s.do(log.appendBytes(batch(), CLIENT))
  }
  assert.ok(s.home.open.count <= 4)
  for (const log of logs) assert.equal((await s.do(contents(log))).size, 2)
  await s.do(s.home.close())
  assert.equal(s.host.disk.openCount, 0)
  await s.begin(config(), { openSegmentsMax: 4 })
  assert.equal(s.host.disk.openCount, 0)
  assert.ok([...s.home.logs()].every((log) => log.topic === 't' || log.logEndOffset === 2))
  await s.do(s.home.close())
})

test('log append time is stamped on the batch and answered', async () => {
  const s = new Setup(10)
  await s.begin(config({ logAppendTime: true }))
  const result = await s.do(s.log.appendBytes(batch({ timestamp: 5, count: 2 }), CLIENT))
  assert.equal(result.logAppendTimeMs, s.log.segments[0]!.largestTimestamp)
  assert.ok(result.logAppendTimeMs >= 1_700_000_000_000)
  await s.do(contents(s.log))
  assert.deepEqual(await s.do(s.log.offsetForTimestamp(1000)), { offset: 0, timestamp: result.logAppendTimeMs, leaderEpoch: 0 })
  await s.do(s.home.close())
})

test('the epoch that is led in counts before anything is written in it', async () => {
  const s = new Setup(12)
  await s.begin(config())
  s.log.becomeLeader(2)
  await s.append({ count: 3 })
  s.log.becomeLeader(4)
  assert.deepEqual(s.log.endOffsetForEpoch(4), { epoch: 4, endOffset: 3 })
  assert.deepEqual(s.log.endOffsetForEpoch(2), { epoch: 2, endOffset: 3 })
  assert.deepEqual(s.log.endOffsetForEpoch(3), { epoch: 2, endOffset: 3 })
  assert.deepEqual(s.log.endOffsetForEpoch(5), { epoch: -1, endOffset: -1 })
  await s.append({ count: 1 })
  assert.deepEqual(s.log.endOffsetForEpoch(2), { epoch: 2, endOffset: 3 })
  assert.deepEqual(s.log.endOffsetForEpoch(4), { epoch: 4, endOffset: 4 })
  await s.do(s.home.close())
})

test('a follower takes batches as its leader numbered them', async () => {
  const s = new Setup(11)
  await s.begin(config())
  s.log.becomeLeader(2)
  await s.append({ count: 3 })
  await s.append({ count: 2 })
  const follower = await s.do(s.home.create('follower', 0, TOPIC_ID, config()))
  follower.soleReplica = false
  const copy = async (): Promise<void> => {
    for await (const bytes of s.log.readBatches(0)) {
      const result = await follower.appendBytes(Buffer.from(bytes), { acks: 1, origin: 'leader' })
      assert.equal(result.lastOffset + 1, follower.logEndOffset)
    }
  }
  await s.do(copy())
  assert.deepEqual([follower.logEndOffset, follower.latestEpoch, follower.highWatermark], [5, 2, 0])
  follower.advanceHighWatermark(4)
  assert.equal(follower.visibleEnd, 4)
  await s.do(follower.truncateTo(3))
  assert.deepEqual([follower.logEndOffset, follower.highWatermark, follower.visibleEnd], [3, 3, 3])
  await s.do(s.home.close())
})
