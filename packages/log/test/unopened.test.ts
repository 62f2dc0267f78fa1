import assert from 'node:assert/strict'
import { test } from 'node:test'
import { World, type Host } from '@ottla/env/sim'
import { LogDirectory } from '../src/index.ts'
import { batch, CLIENT, config, TOPIC_ID } from './batches.ts'
import { countReads, type ReadCounts } from './counting-disk.ts'

const LIMIT_MS = 60_000
const MARKER = '/logs/.kafka_cleanshutdown'
const CHECKPOINTS = ['recovery-point-offset-checkpoint', 'replication-offset-checkpoint']

interface Found {
  readonly home: LogDirectory
  readonly reads: ReadCounts
}

async function find(host: Host): Promise<Found> {
  const { env, reads } = countReads(host)
  const home = await LogDirectory.open(env, '/logs', { brokerId: 1, clusterId: null }, { retentionIntervalMs: 1e9 })
  await home.find()
  return { home, reads }
}

/** Five partitions of three records each. */
async function fill(host: Host): Promise<LogDirectory> {
  const { home } = await find(host)
  for (let partition = 0; partition < 5; partition++) {
    const log = await home.create('t', partition, TOPIC_ID, config())
    await log.appendBytes(batch({ count: 3 }), CLIENT)
  }
  return home
}

const partitionsTouched = ({ reads }: Found): string[] => [
  ...new Set([...reads.touched].flatMap((path) => /^\/logs\/t-\d/.exec(path) ?? [])),
]
const checkpointsOf = (host: Host): string[] => CHECKPOINTS.map((name) => String(host.disk.peek(`/logs/${name}`)))

test('a start touches no partition; who asks for one opens that one, and a stop keeps what stands of the others', async () => {
  const world = new World(1)
  const host = world.host('a')
  await world.complete(
    fill(host).then((home) => home.close()),
    LIMIT_MS,
  )
  const before = checkpointsOf(host)
  assert.match(before[0]!, /t 4 3/)
  const found = await world.complete(find(host), LIMIT_MS)
  assert.deepEqual(partitionsTouched(found), [])
  const { home } = found
  const [log, same] = await world.complete(Promise.all([home.openFound('t', 2, config()), home.openFound('t', 2, config())]), LIMIT_MS)
  assert.equal(log, same)
  assert.equal(log.logEndOffset, 3)
  assert.ok(!home.isUnopened('t', 2) && home.isUnopened('t', 1))
  assert.deepEqual(partitionsTouched(found), ['/logs/t-2'])
  await world.complete(home.checkpoint(), LIMIT_MS)
  assert.deepEqual(checkpointsOf(host), before)
  await world.complete(home.close(), LIMIT_MS)
  assert.deepEqual(checkpointsOf(host), before)
  assert.ok(host.disk.peek(MARKER) !== null)
})

test('where something is left to recover, a stop is no clean one', async () => {
  for (const isAll of [false, true]) {
    const world = new World(2)
    const host = world.host('a')
    await world.complete(fill(host), LIMIT_MS)
    host.kill()
    const { home } = await world.complete(find(host), LIMIT_MS)
    for (let partition = 0; partition < (isAll ? 5 : 4); partition++) {
      assert.equal((await world.complete(home.openFound('t', partition, config()), LIMIT_MS)).logEndOffset, 3)
    }
    await world.complete(home.close(), LIMIT_MS)
    assert.equal(host.disk.peek(MARKER) !== null, isAll)
  }
})

test('one that nobody opened is deleted as it lies, and its name is free', async () => {
  const world = new World(3)
  const host = world.host('a')
  await world.complete(
    fill(host).then((home) => home.close()),
    LIMIT_MS,
  )
  const found = await world.complete(find(host), LIMIT_MS)
  await world.complete(found.home.deleteFound('t', 1, config()), LIMIT_MS)
  assert.deepEqual(partitionsTouched(found), [])
  assert.ok(host.disk.paths().some((path) => /^\/logs\/t-1\.[0-9a-f]{32}-delete\//.test(path)))
  assert.doesNotMatch(checkpointsOf(host)[0]!, /t 1 /)
  const log = await world.complete(found.home.create('t', 1, 'AAAAAAAAAAAAAAAAAAAAAg', config()), LIMIT_MS)
  assert.equal(log.logEndOffset, 0)
  await world.complete(found.home.close(), LIMIT_MS)
})

test('a create of one that nobody opened opens it first', async () => {
  const world = new World(4)
  const host = world.host('a')
  await world.complete(
    fill(host).then((home) => home.close()),
    LIMIT_MS,
  )
  const { home } = await world.complete(find(host), LIMIT_MS)
  assert.equal((await world.complete(home.create('t', 3, TOPIC_ID, config()), LIMIT_MS)).logEndOffset, 3)
  await world.complete(home.close(), LIMIT_MS)
})
