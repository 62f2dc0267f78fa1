import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Env } from '@ottla/env'
import { nodeEnv } from '@ottla/env/node'
import { decodeBatch, ErrorCode, KafkaError, recordBatch } from '@ottla/protocol'
import { checkSegment, LogDirectory, type PartitionLog } from '../src/index.ts'
import { batch, CLIENT, config, TOPIC_ID } from './batches.ts'

const env: Env = nodeEnv({ logLevel: 'error' })
const made: string[] = []
after(() => {
  for (const path of made) rmSync(path, { recursive: true, force: true })
})

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'ottla-log-'))
  made.push(path)
  return path
}

const open = (path: string): Promise<LogDirectory> => LogDirectory.open(env, path, { brokerId: 1, clusterId: 'c' })

function readAll(log: PartitionLog, offset: number, maxBytes = 1 << 20, end = log.visibleEnd): Buffer {
  const slice = log.read(offset, maxBytes, end, true)
  if (slice === null) return Buffer.alloc(0)
  const bytes = Buffer.alloc(slice.length)
  assert.equal(slice.file.read(slice.position, bytes), slice.length)
  return bytes
}

test('after a stop each segment has its index files, as Kafka wants them, whatever was written', async () => {
  const path = directory()
  const first = await open(path)
  const log = await first.create('written', 0, TOPIC_ID, config({ segmentBytes: 100 }))
  await first.create('empty', 0, TOPIC_ID, config())
  for (let count = 0; count < 3; count++) await log.appendBytes(batch({ count: 1 }), CLIENT)
  await first.close()
  for (const partition of ['written-0', 'empty-0']) {
    const names = readdirSync(`${path}/${partition}`)
    const bases = names.filter((name) => name.endsWith('.log')).map((name) => name.slice(0, -'.log'.length))
    assert.equal(bases.length, partition === 'empty-0' ? 1 : 3)
    for (const base of bases) for (const suffix of ['.index', '.timeindex']) assert.ok(names.includes(base + suffix), base + suffix)
  }
})

test('what is appended is numbered, read again, and there after a restart', async () => {
  const path = directory()
  const first = await open(path)
  const log = await first.create('t', 0, TOPIC_ID, config())
  const results = await Promise.all([log.appendBytes(batch({ count: 3 }), CLIENT), log.appendBytes(batch({ count: 2 }), CLIENT)])
  assert.deepEqual(
    results.map((each) => [each.baseOffset, each.lastOffset]),
    [
      [0, 2],
      [3, 4],
    ],
  )
  assert.equal(log.visibleEnd, 5)
  const bytes = readAll(log, 0)
  assert.equal(recordBatch.baseOffset(bytes, 0), 0)
  assert.ok(recordBatch.crcIsRight(bytes, 0))
  const second = readAll(log, 3)
  assert.deepEqual(
    decodeBatch(second, 0).map((record) => record.offset),
    [3, 4],
  )
  await first.close()
  assert.ok(readdirSync(path).includes('.kafka_cleanshutdown'))

  const again = await open(path)
  assert.ok(again.wasClean)
  const [loaded] = await again.load(() => config())
  assert.ok(loaded !== undefined)
  assert.equal(loaded.logEndOffset, 5)
  assert.equal(loaded.visibleEnd, 5)
  assert.equal(loaded.topicId, TOPIC_ID)
  assert.deepEqual(readAll(loaded, 0).length, bytes.length)
  assert.equal((await loaded.appendBytes(batch(), CLIENT)).baseOffset, 5)
  await again.close()
})

test('a second open of a directory is refused with a sentence', async () => {
  const path = directory()
  const first = await open(path)
  await assert.rejects(open(path), /in use by another process/)
  await first.close()
  await assert.rejects(LogDirectory.open(env, path, { brokerId: 2, clusterId: 'c' }), /belongs to broker 1/)
  await assert.rejects(LogDirectory.open(env, path, { brokerId: 1, clusterId: 'other' }), /belongs to cluster c/)
  await (await open(path)).close()
})

test('reading outside of the log is OFFSET_OUT_OF_RANGE, at its end nothing', async () => {
  const home = await open(directory())
  const log = await home.create('t', 0, TOPIC_ID, config())
  await log.appendBytes(batch({ count: 4 }), CLIENT)
  assert.equal(log.read(4, 100, Infinity, true), null)
  const isRange = (error: unknown): boolean => error instanceof KafkaError && error.code === ErrorCode.OFFSET_OUT_OF_RANGE
  assert.throws(() => log.read(5, 100, Infinity, true), isRange)
  assert.throws(() => log.read(-1, 100, Infinity, true), isRange)
  log.deleteRecordsBefore(2)
  assert.throws(() => log.read(1, 100, Infinity, true), isRange)
  assert.equal(recordBatch.baseOffset(readAll(log, 2), 0), 0)
  await home.close()
})

test('synced before the ack: many at once, over many segments, in order, there after a restart', async () => {
  const path = directory()
  const settings = config({ flushBeforeAck: true, segmentBytes: 20_000, indexIntervalBytes: 500 })
  const first = await open(path)
  const log = await first.create('t', 0, TOPIC_ID, settings)
  const acked: number[] = []
  const appends = Array.from({ length: 200 }, async (_, i) => {
    const result = await log.appendBytes(batch({ valueBytes: i * 5 }), CLIENT)
    assert.ok(log.flushedOffset > result.lastOffset && log.visibleEnd > result.lastOffset)
    acked.push(result.baseOffset)
  })
  await Promise.all(appends)
  assert.deepEqual(
    acked,
    acked.map((_, i) => i),
  )
  await first.close()
  for (const segment of log.segments) assert.deepEqual((await checkSegment(env.disk, log.directory, segment.baseOffset)).problems, [])
  assert.ok(log.segments.length > 4)
  const again = await open(path)
  const [loaded] = await again.load(() => settings)
  assert.equal(loaded?.logEndOffset, 200)
  for (let offset = 0; offset < 200; offset += 7) assert.equal(recordBatch.baseOffset(readAll(loaded!, offset), 0), offset)
  await again.close()
})
