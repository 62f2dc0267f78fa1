import assert from 'node:assert/strict'
import { test } from 'node:test'
import { World, type Host } from '@ottla/env/sim'
import { ErrorCode, KafkaError } from '@ottla/protocol'
import { LogDirectory, type AppendResult, type LogConfig, type PartitionLog } from '../src/index.ts'
import { batch, CLIENT, config, TOPIC_ID } from './batches.ts'

const LIMIT_MS = 600_000
const OUT_OF_ORDER = { code: ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER }

interface Open {
  readonly home: LogDirectory
  readonly log: PartitionLog
}

class Setup {
  readonly world: World
  readonly host: Host

  constructor(seed: number, coldRate = 0) {
    this.world = new World(seed, { coldRate, diskMs: 1 })
    this.host = this.world.host('a')
  }

  do<T>(work: Promise<T>): Promise<T> {
    return this.world.complete(work, LIMIT_MS)
  }

  open(settings: LogConfig = config()): Promise<Open> {
    const opening = async (): Promise<Open> => {
      const home = await LogDirectory.open(this.host, '/logs', { brokerId: 1, clusterId: null }, { retentionIntervalMs: 1e9 })
      await home.load(() => settings)
      const log = home.get('t', 0) ?? (await home.create('t', 0, TOPIC_ID, settings))
      assert.equal(log.failed, null)
      return { home, log }
    }
    return this.do(opening())
  }

  append(log: PartitionLog, shape: Parameters<typeof batch>[0]): Promise<AppendResult> {
    return this.do(log.appendBytes(batch(shape), CLIENT))
  }

  /** Batch `i` has 2 records: sequences from 2i on. */
  send(log: PartitionLog, i: number, producerId = 7, timestamp = 1000 + i): Promise<AppendResult> {
    return this.append(log, { producerId, producerEpoch: 0, baseSequence: 2 * i, count: 2, valueBytes: 100, timestamp })
  }

  async pass(ms: number): Promise<void> {
    await this.do(new Promise<void>((resolve) => this.host.clock.after(ms, resolve)))
  }
}

/** Sends them again: all must be known. */
async function resend(s: Setup, log: PartitionLog, offsets: ReadonlyMap<number, number>): Promise<void> {
  const end = log.logEndOffset
  for (const [i, offset] of offsets) {
    const { duplicate, baseOffset, lastOffset } = await s.send(log, i)
    assert.deepEqual({ i, duplicate, baseOffset, lastOffset }, { i, duplicate: true, baseOffset: offset, lastOffset: offset + 1 })
  }
  assert.equal(log.logEndOffset, end)
}

test('after a clean stop each of the five newest batches of a producer is known, and none older', async () => {
  const s = new Setup(1)
  const first = await s.open(config({ logAppendTime: true }))
  const offsets = new Map<number, number>()
  const times: number[] = []
  for (let i = 0; i < 7; i++) {
    await s.pass(10)
    const result = await s.send(first.log, i)
    await s.send(first.log, i, 8)
    if (i > 1) offsets.set(i, result.baseOffset)
    times.push(result.logAppendTimeMs)
  }
  await s.do(first.home.close())
  const { home, log } = await s.open(config({ logAppendTime: true }))
  await resend(s, log, offsets)
  assert.equal((await s.send(log, 3)).logAppendTimeMs, times[3])
  assert.equal((await s.send(log, 2, 8)).duplicate, true)
  await assert.rejects(s.send(log, 1), OUT_OF_ORDER)
  await assert.rejects(s.send(log, 9), OUT_OF_ORDER)
  assert.equal((await s.send(log, 7)).duplicate, false)
  await s.do(home.close())
})

test('after a kill they are found across segments, and join those that recovery reads', async () => {
  const s = new Setup(2)
  const settings = config({ segmentBytes: 500 })
  const first = await s.open(settings)
  const offsets = new Map<number, number>()
  for (let i = 0; i < 5; i++) offsets.set(i, (await s.send(first.log, i)).baseOffset)
  assert.ok(first.log.segments.length >= 3)
  await s.do(first.log.flush())
  while (first.log.recoveryPoint < 8) await s.pass(10)
  await s.do(first.home.checkpoint())
  s.host.kill()
  const { log } = await s.open(settings)
  await resend(s, log, offsets)
})

test('a long log is read back by its index, within bounds', async () => {
  const s = new Setup(3)
  const first = await s.open()
  const offsets = new Map<number, number>()
  await s.send(first.log, 0)
  await s.send(first.log, 0, 8)
  await s.send(first.log, 1, 8)
  for (let i = 0; i < 18; i++) await s.append(first.log, { valueBytes: 500_000 })
  for (let i = 1; i < 4; i++) offsets.set(i, (await s.send(first.log, i)).baseOffset)
  await s.do(first.home.close())
  const { home, log } = await s.open()
  await resend(s, log, offsets)
  await assert.rejects(s.send(log, 0), OUT_OF_ORDER)
  await assert.rejects(s.send(log, 0, 8), OUT_OF_ORDER)
  await s.do(home.close())
})

test('what an epoch before wrote, and what lies before the start of the log, is not entered', async () => {
  const s = new Setup(4)
  const first = await s.open()
  for (let i = 0; i < 3; i++) await s.send(first.log, i)
  for (let i = 0; i < 2; i++) await s.append(first.log, { producerId: 7, producerEpoch: 1, baseSequence: i })
  for (let i = 0; i < 4; i++) await s.send(first.log, i, 8)
  first.log.deleteRecordsBefore(10)
  await s.do(first.home.close())
  const { home, log } = await s.open()
  assert.equal(log.logStartOffset, 10)
  assert.equal((await s.send(log, 2, 8)).duplicate, true)
  await assert.rejects(s.send(log, 0, 8), OUT_OF_ORDER)
  await assert.rejects(s.append(log, { producerId: 7, producerEpoch: 1, baseSequence: 0 }), OUT_OF_ORDER)
  await assert.rejects(s.send(log, 2), { code: ErrorCode.INVALID_PRODUCER_EPOCH })
  await s.do(home.close())
})

test('where the device must be asked first, the client is told to send again until they are there', async () => {
  let askedCount = 0
  for (let seed = 1; seed <= 6; seed++) {
    const s = new Setup(seed, 0.6)
    const first = await s.open(config({ segmentBytes: 500 }))
    const sent: number[] = []
    for (let i = 0; i < 5; i++) sent.push((await s.send(first.log, i)).baseOffset)
    await s.do(first.home.close())
    const { home, log } = await s.open(config({ segmentBytes: 500 }))
    for (const [i, offset] of sent.entries()) {
      for (;;) {
        try {
          const { duplicate, baseOffset } = await s.send(log, i)
          assert.deepEqual([duplicate, baseOffset], [true, offset])
          break
        } catch (error) {
          assert.ok(error instanceof KafkaError && error.code === ErrorCode.REQUEST_TIMED_OUT, String(error))
          askedCount++
          await s.pass(10)
        }
      }
    }
    await s.do(home.close())
  }
  assert.ok(askedCount > 0)
})
