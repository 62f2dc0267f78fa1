import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Env } from '@ottla/env'
import { World, type Host } from '@ottla/env/sim'
import { LogDirectory, type LogConfig, type LogDirectoryOptions, type PartitionLog } from '../src/index.ts'
import { batch, CLIENT, config, TOPIC_ID } from './batches.ts'
import { countReads, type ReadCounts } from './counting-disk.ts'
import { contents } from './life.ts'

const LIMIT_MS = 60_000
const SEGMENT = '/logs/t-0/00000000000000000000'
/** Headers are looked at in pieces of so much. */
const LOOK_BYTES = 4096
const BATCHES = 300
const VALUE_BYTES = 1000

interface Opened {
  readonly home: LogDirectory
  readonly log: PartitionLog
  readonly reads: ReadCounts
}

async function begin(host: Host, settings: LogConfig, options: LogDirectoryOptions = {}): Promise<Opened> {
  const { env, reads } = countReads(host)
  const home = await LogDirectory.open(env as Env, '/logs', { brokerId: 1, clusterId: null }, { retentionIntervalMs: 1e9, ...options })
  await home.load(() => settings)
  return { home, log: home.get('t', 0) ?? (await home.create('t', 0, TOPIC_ID, settings)), reads }
}

/** A log that was stopped in order with `BATCHES` batches, and has `more` of them since. */
async function fill(host: Host, settings: LogConfig, more: number, options?: LogDirectoryOptions): Promise<void> {
  const first = await begin(host, settings, options)
  for (let i = 0; i < BATCHES; i++) await first.log.appendBytes(oneBatch(i), CLIENT)
  await first.home.close()
  const { log } = await begin(host, settings, options)
  for (let i = BATCHES; i < BATCHES + more; i++) await log.appendBytes(oneBatch(i), CLIENT)
}

const oneBatch = (i: number): Buffer =>
  batch({ valueBytes: VALUE_BYTES, timestamp: 1000 + i, producerId: 7, producerEpoch: 0, baseSequence: i })

async function check({ log }: Opened, batches: number): Promise<void> {
  assert.equal(log.failed, null)
  assert.equal((await contents(log)).size, batches)
  assert.equal(log.producer(7)?.lastSequence, batches - 1)
  assert.deepEqual((await log.maxTimestamp())?.offset, batches - 1)
  for (const i of [0, 1, BATCHES - 1, batches - 1]) assert.equal((await log.offsetForTimestamp(1000 + i))?.offset, i)
}

/** Both indexes as they stand after a stop. */
function indexesOf(host: Host): Buffer[] {
  return ['.index', '.timeindex'].map((suffix) => Buffer.from(host.disk.peek(SEGMENT + suffix)!))
}

test('a recovery reads from the recovery point on, and leaves what a whole one would', async () => {
  const more = 20
  const settings = config({ indexIntervalBytes: 4096 })
  const indexes: Buffer[][] = []
  for (const isWhole of [false, true]) {
    const world = new World(1)
    const host = world.host('a')
    await world.complete(fill(host, settings, more), LIMIT_MS)
    host.kill()
    // without the snapshot it begins at the segment's base
    if (isWhole) host.disk.lose(`/logs/t-0/${String(BATCHES).padStart(20, '0')}.snapshot`)
    const opened = await world.complete(begin(host, settings), LIMIT_MS)
    const sizeBytes = host.disk.peek(`${SEGMENT}.log`)!.length
    const aboveBytes = Math.ceil((sizeBytes * more) / (BATCHES + more))
    const readBytes = opened.reads.bytesOf('.log')
    if (isWhole) assert.ok(readBytes >= sizeBytes)
    // once to check it, once to write it again
    else assert.ok(readBytes <= 2 * aboveBytes + 4 * LOOK_BYTES, `read ${readBytes}, ${aboveBytes} above the recovery point`)
    await world.complete(check(opened, BATCHES + more), LIMIT_MS)
    await world.complete(opened.home.close(), LIMIT_MS)
    indexes.push(indexesOf(host))
  }
  // but for the entry of the time index that the stop between wrote
  assert.deepEqual(indexes[0]![0], indexes[1]![0])
})

test('a second recovery finds what the first one left, and leader epochs that only batches told', async () => {
  const world = new World(5)
  const host = world.host('a')
  const refill = async (): Promise<void> => {
    await fill(host, config(), 0)
    host.kill()
    const { log } = await begin(host, config())
    log.becomeLeader(3)
    for (let i = BATCHES; i < BATCHES + 20; i++) await log.appendBytes(oneBatch(i), CLIENT)
  }
  await world.complete(refill(), LIMIT_MS)
  host.kill()
  // it was not written in time
  host.disk.lose('/logs/t-0/leader-epoch-checkpoint')
  for (const isFirst of [true, false]) {
    const opened = await world.complete(begin(host, config()), LIMIT_MS)
    if (!isFirst) assert.ok(opened.reads.bytesOf('.log') <= 3 * LOOK_BYTES)
    assert.equal(opened.log.latestEpoch, 3)
    await world.complete(check(opened, BATCHES + 20), LIMIT_MS)
    await world.complete(opened.home.checkpoint(), LIMIT_MS)
    host.kill()
  }
  const snapshots = host.disk.paths().filter((path) => path.endsWith('.snapshot'))
  assert.deepEqual(snapshots, [`/logs/t-0/${String(BATCHES + 20).padStart(20, '0')}.snapshot`])
})

test('a partition that nothing was written to since its recovery point is not written to by a recovery either', async () => {
  const world = new World(2)
  const host = world.host('a')
  await world.complete(fill(host, config(), 0), LIMIT_MS)
  host.kill()
  const before = indexesOf(host)
  const changed: string[] = []
  host.disk.watcher = (operation, path) => {
    if (/^(write|sync|truncate|remove|rename)$/.test(operation) && path.startsWith(SEGMENT)) changed.push(`${operation} ${path}`)
    return false
  }
  const opened = await world.complete(begin(host, config()), LIMIT_MS)
  host.disk.watcher = null
  assert.deepEqual(changed, [])
  assert.ok(opened.reads.bytesOf('.log') <= 3 * LOOK_BYTES)
  await world.complete(check(opened, BATCHES), LIMIT_MS)
  await world.complete(opened.home.close(), LIMIT_MS)
  assert.deepEqual(indexesOf(host), before)
})

test('index entries from after the recovery point, pages of zeros and an end that is lost are made good', async () => {
  for (const spoil of ['put aside', 'zeros', 'lost', 'foreign'] as const) {
    const world = new World(3)
    const host = world.host('a')
    await world.complete(fill(host, config({ indexIntervalBytes: 1000 }), 100), LIMIT_MS)
    host.kill()
    const path = `${SEGMENT}.index`
    const index = Buffer.from(host.disk.peek(path)!)
    const more = Buffer.alloc(80)
    for (let i = 0; i < 10 && spoil === 'put aside'; i++) {
      more.writeInt32BE(BATCHES + i, i * 8)
      more.writeInt32BE(400_000 + i * 1100, i * 8 + 4)
    }
    if (spoil === 'foreign') more.fill(0x11)
    host.disk.replace(path, spoil === 'lost' ? index.subarray(0, 800) : Buffer.concat([index, more]))
    const opened = await world.complete(begin(host, config({ indexIntervalBytes: 1000 })), LIMIT_MS)
    await world.complete(check(opened, BATCHES + 100), LIMIT_MS)
    await world.complete(opened.home.close(), LIMIT_MS)
    const entries = host.disk.peek(path)!
    for (let at = 8; at < entries.length; at += 8) {
      assert.ok(entries.readInt32BE(at) > entries.readInt32BE(at - 8) && entries.readInt32BE(at + 4) > entries.readInt32BE(at - 4), spoil)
    }
  }
})

test('a bad batch between the snapshot and the recovery point is corruption, and so is an end before it', async () => {
  for (const isCut of [false, true]) {
    const world = new World(4)
    const host = world.host('a')
    let sizeBytes = 0
    const refill = async (): Promise<void> => {
      await fill(host, config(), 0)
      host.kill()
      sizeBytes = host.disk.peek(`${SEGMENT}.log`)!.length
      const { home, log } = await begin(host, config())
      for (let i = BATCHES; i < BATCHES + 10; i++) await log.appendBytes(oneBatch(i), CLIENT)
      await log.flush()
      await new Promise<void>((resolve) => host.clock.after(100, resolve))
      await home.checkpoint()
    }
    await world.complete(refill(), LIMIT_MS)
    host.kill()
    const bytes = host.disk.peek(`${SEGMENT}.log`)!
    if (isCut) host.disk.replace(`${SEGMENT}.log`, bytes.subarray(0, sizeBytes))
    else host.disk.flipBit(`${SEGMENT}.log`, bytes.length - 500)
    const before = Buffer.from(host.disk.peek(`${SEGMENT}.log`)!)
    const { log } = await world.complete(begin(host, config()), LIMIT_MS)
    assert.match(log.failed?.message ?? '', /was synced/)
    assert.ok(host.disk.peek(`${SEGMENT}.log`)!.equals(before))
  }
})
