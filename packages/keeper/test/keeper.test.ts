import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { test, type TestContext } from 'node:test'
import { EnvError } from '@ottla/env'
import { nodeEnv } from '@ottla/env/node'
import { World } from '@ottla/env/sim'
import { LogError, openKeeper } from '@ottla/keeper'
import type { SessionEvent } from '@ottla/zookeeper'

const env = nodeEnv({ logLevel: 'error' })
const LIMIT_MS = 600_000

function directoryOf(context: TestContext): string {
  const directory = mkdtempSync(`${tmpdir()}/keeper-`)
  context.after(() => rmSync(directory, { recursive: true }))
  return `${directory}/deep/data`
}

test('a restart finds everything but the ephemerals, and zxids go on', async (context) => {
  const directory = directoryOf(context)
  const first = await openKeeper(env, directory)
  const zooKeeper = first.connect()
  await zooKeeper.create('/a', Buffer.from('one'))
  await zooKeeper.create('/a/e', null, { mode: 'ephemeral' })
  const before = await zooKeeper.setData('/a', Buffer.from('two'))
  await first.close()
  const second = await openKeeper(env, directory)
  const { data, stat } = await second.connect().getData('/a')
  assert.equal(data?.toString(), 'two')
  assert.deepEqual([stat.mzxid, stat.version, stat.numChildren, stat.cversion], [before.mzxid, 1, 0, 2])
  const { stat: made } = await second.connect().create('/b', null)
  assert.ok(made.czxid > before.mzxid)
  await second.close()
})

test('one process has the directory', async (context) => {
  const directory = directoryOf(context)
  const keeper = await openKeeper(env, directory)
  await assert.rejects(openKeeper(env, directory), (error) => error instanceof EnvError && error.code === 'locked')
  await keeper.close()
  await (await openKeeper(env, directory)).close()
})

test('snapshots: three are kept, the log before them goes, a damaged one is passed over', async (context) => {
  const directory = directoryOf(context)
  const options = { snapshotAfterTxns: 10 }
  for (let life = 0; life < 6; life++) {
    const keeper = await openKeeper(env, directory, options)
    const zooKeeper = keeper.connect()
    for (let count = 0; count < 12; count++) await zooKeeper.create('/n-', null, { mode: 'persistentSequential' })
    await keeper.close()
  }
  const snapshots = readdirSync(directory)
    .filter((name) => /^snapshot\.[0-9a-f]+$/.test(name))
    .toSorted()
  const segments = readdirSync(directory).filter((name) => name.startsWith('entries.'))
  assert.equal(snapshots.length, 3)
  assert.ok(segments.length <= 4 && !segments.includes('entries.0000000000000001'), segments.join())
  const [oldest = '', ...newer] = snapshots
  for (const name of newer) writeFileSync(`${directory}/${name}`, readFileSync(`${directory}/${name}`).subarray(0, -20))
  const passing = await openKeeper(env, directory, options)
  assert.equal((await passing.connect().getChildren('/')).children.length, 6 * 12 + 1)
  await passing.close()
  for (const name of readdirSync(directory)) if (name.startsWith('snapshot.')) writeFileSync(`${directory}/${name}`, '')
  await assert.rejects(openKeeper(env, directory, options), LogError, `without ${oldest} the log's beginning is missing`)
})

test('a damaged log is refused', async (context) => {
  const directory = directoryOf(context)
  const keeper = await openKeeper(env, directory)
  for (const path of ['/a', '/b', '/c']) await keeper.connect().create(path, Buffer.alloc(100))
  await keeper.close()
  const path = `${directory}/entries.0000000000000001`
  const bytes = readFileSync(path)
  bytes[300]! ^= 1
  writeFileSync(path, bytes)
  await assert.rejects(openKeeper(env, directory), LogError)
  bytes[300]! ^= 1
  writeFileSync(path, bytes)
  await (await openKeeper(env, directory)).close()
})

test('the limit on data', async (context) => {
  const keeper = await openKeeper(env, directoryOf(context))
  const zooKeeper = keeper.connect()
  await zooKeeper.create('/large', Buffer.alloc(1_000_000))
  assert.equal((await zooKeeper.getData('/large')).data?.length, 1_000_000)
  await assert.rejects(zooKeeper.setData('/large', Buffer.alloc(1_048_576)), { code: 'BadArguments' })
  const half = Buffer.alloc(600_000)
  const both = [
    { type: 'setData', path: '/large', data: half },
    { type: 'setData', path: '/large', data: half },
  ] as const
  await assert.rejects(zooKeeper.multi(both), { code: 'BadArguments' })
  assert.equal((await zooKeeper.exists('/large'))?.version, 0)
  await keeper.close()
})

test('a disk that fails: what was not answered is of unknown outcome, and nothing more is accepted', async () => {
  const world = new World(3)
  const host = world.host('keeper')
  const failures: Error[] = []
  const keeper = await world.complete(openKeeper(host, '/data', { onFailure: (error) => void failures.push(error) }), LIMIT_MS)
  const zooKeeper = keeper.connect()
  const events: SessionEvent[] = []
  zooKeeper.onSession((event) => void events.push(event))
  await world.complete(zooKeeper.create('/a', null), LIMIT_MS)
  host.disk.failNext('write', 'io')
  const requests = [zooKeeper.create('/b', null), zooKeeper.getData('/a'), zooKeeper.sync('/')]
  const lost = requests.map((request) => request.then(String, (error) => error.code))
  assert.deepEqual(await world.complete(Promise.all(lost), LIMIT_MS), ['ConnectionLoss', 'ConnectionLoss', 'ConnectionLoss'])
  await assert.rejects(world.complete(zooKeeper.exists('/a'), LIMIT_MS), { code: 'ConnectionLoss' })
  assert.deepEqual([events, failures.length], [['connected', 'disconnected'], 1])
  await world.complete(keeper.close(), LIMIT_MS)
  assert.equal(host.disk.openCount, 0)
  const next = await world.complete(openKeeper(host, '/data'), LIMIT_MS)
  assert.notEqual(await world.complete(next.connect().exists('/a'), LIMIT_MS), null)
})

test('writes of many sessions share one sync', async () => {
  const world = new World(5)
  const host = world.host('keeper')
  const keeper = await world.complete(openKeeper(host, '/data'), LIMIT_MS)
  let writes = 0
  const later = host.disk.later.bind(host.disk)
  host.disk.later = (operation, ...rest) => {
    if (operation === 'write') writes++
    return later(operation, ...rest)
  }
  const sessions = Array.from({ length: 50 }, () => keeper.connect())
  await world.complete(Promise.all(sessions.map((session) => session.create('/n-', null, { mode: 'persistentSequential' }))), LIMIT_MS)
  assert.equal(writes, 1)
})

test('containers and ttl znodes vanish', async () => {
  const world = new World(7)
  const keeper = await world.complete(openKeeper(world.host('keeper'), '/data'), LIMIT_MS)
  const zooKeeper = keeper.connect()
  const gone: string[] = []
  const watching = zooKeeper.addWatch('/', 'persistentRecursive', ({ type, path }) => {
    if (type === 'deleted') gone.push(path)
  })
  await world.complete(watching, LIMIT_MS)
  await world.complete(
    Promise.all([
      zooKeeper.create('/unused', null, { mode: 'container' }),
      zooKeeper.create('/box', null, { mode: 'container' }),
      zooKeeper.create('/box/child', null),
      zooKeeper.delete('/box/child'),
      zooKeeper.create('/full', null, { mode: 'container' }),
      zooKeeper.create('/full/child', null),
      zooKeeper.create('/short', null, { mode: 'ttl', ttlMs: 100 }),
      zooKeeper.create('/long', null, { mode: 'ttl', ttlMs: 1_000_000 }),
    ]),
    LIMIT_MS,
  )
  await world.run(() => gone.length === 3, 130_000)
  assert.deepEqual(gone, ['/box/child', '/box', '/short'])
  assert.deepEqual((await world.complete(zooKeeper.getChildren('/'), LIMIT_MS)).children.toSorted(), [
    'full',
    'long',
    'unused',
    'zookeeper',
  ])
  await assert.rejects(world.complete(zooKeeper.create('/none', null, { mode: 'ttl' }), LIMIT_MS), { code: 'BadArguments' })
})

test('a listener that throws harms nobody', async () => {
  const world = new World(9)
  const host = world.host('keeper')
  const keeper = await world.complete(openKeeper(host, '/data'), LIMIT_MS)
  const zooKeeper = keeper.connect()
  const heard: string[] = []
  zooKeeper.onSession(() => {
    throw new Error('session')
  })
  await world.complete(
    zooKeeper.addWatch('/', 'persistentRecursive', () => {
      throw new Error('watch')
    }),
    LIMIT_MS,
  )
  await world.complete(
    zooKeeper.addWatch('/', 'persistentRecursive', ({ path }) => {
      heard.push(path)
      // A listener may ask at once; it sees what it was told of.
      void zooKeeper.exists(path).then((stat) => heard.push(String(stat?.version)))
    }),
    LIMIT_MS,
  )
  await world.complete(zooKeeper.create('/a', null), LIMIT_MS)
  assert.deepEqual(heard, ['/a', '0'])
  assert.equal(host.log.lines.filter(({ level }) => level === 'error').length, 2)
})
