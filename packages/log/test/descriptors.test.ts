import assert from 'node:assert/strict'
import { test } from 'node:test'
import { World, type Host } from '@ottla/env/sim'
import { ErrorCode } from '@ottla/protocol'
import { LogDirectory, type PartitionLog } from '../src/index.ts'
import { batch, CLIENT, config, TOPIC_ID } from './batches.ts'
import { contents } from './life.ts'

const LIMIT_MS = 60_000
const PARTITIONS = 100

async function begin(host: Host, openFilesMax: number): Promise<{ home: LogDirectory; logs: PartitionLog[] }> {
  host.disk.openFilesMax = openFilesMax
  const home = await LogDirectory.open(host, '/logs', { brokerId: 1, clusterId: null }, { retentionIntervalMs: 1e9 })
  await home.load(() => config())
  const logs: PartitionLog[] = []
  for (let partition = 0; partition < PARTITIONS; partition++) logs.push(await home.create('t', partition, TOPIC_ID, config()))
  return { home, logs }
}

const errorsOf = (host: Host): string[] => host.log.lines.filter(({ level }) => level === 'error').map(({ message }) => message)

test('more partitions than descriptors are all written to and read, one after another and at once', async () => {
  const world = new World(1)
  const host = world.host('a')
  const work = async (): Promise<void> => {
    for (const end of ['close', 'kill', 'close'] as const) {
      // as many as are opened or recovered at once
      const { home, logs } = await begin(host, 60)
      for (const log of logs) await log.appendBytes(batch(), CLIENT)
      await Promise.all(logs.map((log) => log.appendBytes(batch(), { ...CLIENT, acks: -1 })))
      for (const log of logs) assert.equal((await contents(log)).size, log.logEndOffset)
      await Promise.all(logs.slice(0, 20).map((log) => log.flush()))
      assert.ok(host.disk.openCount <= 60)
      await home.checkpoint()
      if (end === 'close') await home.close()
      else host.kill()
    }
  }
  await world.complete(work(), LIMIT_MS)
  assert.deepEqual(errorsOf(host), [])
})

test('where no descriptor can be spared, an append is refused and a read waits, in one line; nothing goes offline', async () => {
  const world = new World(2)
  const host = world.host('a')
  const { home, logs } = await world.complete(begin(host, Infinity), LIMIT_MS)
  await world.complete(Promise.all(logs.map((log) => log.appendBytes(batch(), CLIENT))), LIMIT_MS)
  home.open.spare(1000)
  host.disk.openFilesMax = host.disk.openCount
  const refused = { code: ErrorCode.KAFKA_STORAGE_ERROR }
  // the newest one stays open
  for (const log of logs.slice(0, 5)) {
    await assert.rejects(world.complete(log.appendBytes(batch(), CLIENT), LIMIT_MS), refused)
    assert.notEqual(log.read(0, 1000, 1, true)?.open(), true)
  }
  assert.equal((await world.complete(logs.at(-1)!.appendBytes(batch(), CLIENT), LIMIT_MS)).baseOffset, 1)
  await world.complete(home.checkpoint(), LIMIT_MS).catch(() => {})
  assert.equal(home.failed, null)
  host.disk.openFilesMax = Infinity
  for (const log of logs.slice(0, 5)) {
    assert.equal((await world.complete(log.appendBytes(batch(), CLIENT), LIMIT_MS)).baseOffset, 1)
    assert.equal((await world.complete(contents(log), LIMIT_MS)).size, 2)
  }
  await world.complete(home.close(), LIMIT_MS)
  assert.equal(errorsOf(host).filter((line) => line.includes('no file descriptor left')).length, 1)
  assert.match(errorsOf(host)[0]!, /ulimit -n/)
})
