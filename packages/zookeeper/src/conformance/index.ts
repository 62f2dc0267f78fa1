import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { MultiError } from '../operations.ts'
import { ZooKeeperError, type ErrorName } from '../errors.ts'
import type { WatchEvent } from '../operations.ts'
import type { ZooKeeper } from '../zookeeper.ts'

/** Opens a new session with one and the same service, each time it is called. */
export type Connect = () => Promise<ZooKeeper> | ZooKeeper

/** What every ZooKeeper must do. It works below znodes of its own, `/conformance-…`, and takes them away at the end. */
export function zooKeeperConformance(name: string, connect: Connect): void {
  describe(`ZooKeeper conformance: ${name}`, () => {
    let zooKeeper: ZooKeeper
    let root = ''
    let count = 0
    before(async () => {
      zooKeeper = await connect()
      root = (await zooKeeper.create('/conformance-', null, { mode: 'persistentSequential' })).path
    })
    after(async () => {
      await removeAll(zooKeeper, root)
      await zooKeeper.close()
    })
    /** A fresh znode for a test. */
    const place = async (): Promise<string> => (await zooKeeper.create(`${root}/${++count}`, null)).path
    const context = { zooKeeper: () => zooKeeper, connect, place }
    dataTests(context)
    nameTests(context)
    multiTests(context)
    watchTests(context)
    sessionTests(context)
  })
}

interface Context {
  zooKeeper(): ZooKeeper
  readonly connect: Connect
  place(): Promise<string>
}

function dataTests({ zooKeeper, place }: Context): void {
  test('a znode keeps its data and tells of it', async () => {
    const path = `${await place()}/a`
    const made = await zooKeeper().create(path, Buffer.from('one'))
    assert.equal(made.path, path)
    assert.deepEqual(versionsOf(made.stat), [0, 0, 0])
    assert.equal(made.stat.czxid, made.stat.mzxid)
    assert.equal(made.stat.ephemeralOwner, 0n)
    const set = await zooKeeper().setData(path, Buffer.from('three'), 0)
    assert.equal(set.version, 1)
    assert.equal(set.dataLength, 5)
    assert.ok(set.mzxid > set.czxid)
    assert.equal(set.czxid, made.stat.czxid)
    const { data, stat } = await zooKeeper().getData(path)
    assert.equal(data?.toString(), 'three')
    assert.deepEqual(stat, set)
    assert.deepEqual(await zooKeeper().exists(path), set)
  })

  test('null data is not empty data', async () => {
    const path = await place()
    await zooKeeper().create(`${path}/null`, null)
    await zooKeeper().create(`${path}/empty`, Buffer.alloc(0))
    assert.equal((await zooKeeper().getData(`${path}/null`)).data, null)
    assert.equal((await zooKeeper().getData(`${path}/empty`)).data?.length, 0)
    await zooKeeper().setData(`${path}/empty`, null)
    assert.equal((await zooKeeper().getData(`${path}/empty`)).data, null)
  })

  test('the data given may be changed afterwards', async () => {
    const path = await place()
    const data = Buffer.from('as it was')
    const setting = zooKeeper().setData(path, data)
    data.fill(0)
    await setting
    assert.equal((await zooKeeper().getData(path)).data?.toString(), 'as it was')
  })

  test('children, their count, and the znode that has them', async () => {
    const path = await place()
    const first = (await zooKeeper().create(`${path}/x`, null)).stat
    const second = (await zooKeeper().create(`${path}/y`, null)).stat
    assert.ok(second.czxid > first.czxid)
    const { children, stat } = await zooKeeper().getChildren(path)
    assert.deepEqual(children.toSorted(), ['x', 'y'])
    assert.deepEqual([stat.numChildren, stat.cversion, stat.version, stat.pzxid], [2, 2, 0, second.czxid])
    await zooKeeper().delete(`${path}/x`)
    const left = await zooKeeper().exists(path)
    assert.deepEqual([left?.numChildren, left?.cversion], [1, 3])
    assert.ok(left !== null && left.pzxid > second.czxid)
  })

  test('each refusal has its code', async () => {
    const path = await place()
    await zooKeeper().create(`${path}/a`, null)
    await zooKeeper().create(`${path}/a/b`, null)
    await zooKeeper().create(`${path}/e`, null, { mode: 'ephemeral' })
    await refused(zooKeeper().create(`${path}/a`, null), 'NodeExists')
    await refused(zooKeeper().create(`${path}/none/b`, null), 'NoNode')
    await refused(zooKeeper().create(`${path}/e/b`, null), 'NoChildrenForEphemerals')
    await refused(zooKeeper().create(`${path}/acl`, null, { acl: [] }), 'InvalidACL')
    await refused(zooKeeper().setData(`${path}/none`, null), 'NoNode')
    await refused(zooKeeper().setData(`${path}/a`, null, 7), 'BadVersion')
    await refused(zooKeeper().getData(`${path}/none`), 'NoNode')
    await refused(zooKeeper().getChildren(`${path}/none`), 'NoNode')
    await refused(zooKeeper().delete(`${path}/none`), 'NoNode')
    await refused(zooKeeper().delete(`${path}/a`), 'NotEmpty')
    await refused(zooKeeper().delete(`${path}/a/b`, 3), 'BadVersion')
    assert.equal(await zooKeeper().exists(`${path}/none`), null)
    await zooKeeper().delete(`${path}/a/b`, 0)
    await zooKeeper().delete(`${path}/a`)
    assert.deepEqual((await zooKeeper().getChildren(path)).children, ['e'])
  })

  test('requests made at once are carried out in their order', async () => {
    const path = await place()
    const writes = Array.from({ length: 20 }, (_, version) => zooKeeper().setData(path, Buffer.from(String(version)), version))
    const reading = zooKeeper().getData(path)
    const deleting = zooKeeper().delete(path, 20)
    const gone = zooKeeper().exists(path)
    assert.deepEqual(
      (await Promise.all(writes)).map(({ version }) => version),
      writes.map((_, at) => at + 1),
    )
    assert.equal((await reading).data?.toString(), '19')
    await deleting
    assert.equal(await gone, null)
  })
}

function nameTests({ zooKeeper, place }: Context): void {
  test('paths that name no znode are refused', async () => {
    for (const path of ['', 'a', '/a/', '//a', '/a//b', '/a/./b', '/a/..', '/a\u0000b', '/a\u001fb', '/a\ud800']) {
      await refused(zooKeeper().create(path, null), 'BadArguments')
      await refused(zooKeeper().getData(path), 'BadArguments')
      await refused(zooKeeper().setData(path, null), 'BadArguments')
      await refused(zooKeeper().delete(path), 'BadArguments')
    }
    await refused(zooKeeper().delete('/'), 'BadArguments')
  })

  test('names of any script', async () => {
    const path = `${await place()}/größe-東京`
    await zooKeeper().create(path, Buffer.from('ü'))
    assert.equal((await zooKeeper().getData(path)).data?.toString(), 'ü')
  })

  test('sequential names count the creates of their parent', async () => {
    const path = await place()
    const sequential = async (front: string): Promise<string> =>
      (await zooKeeper().create(path + front, null, { mode: 'persistentSequential' })).path.slice(path.length)
    assert.equal(await sequential('/q-'), '/q-0000000000')
    await zooKeeper().create(`${path}/other`, null)
    assert.equal(await sequential('/q-'), '/q-0000000002')
    await zooKeeper().delete(`${path}/other`)
    assert.equal(await sequential('/'), '/0000000003')
    const made = await Promise.all([sequential('/p-'), sequential('/p-')])
    assert.deepEqual(made, ['/p-0000000004', '/p-0000000005'])
  })
}

function multiTests({ zooKeeper, place }: Context): void {
  test('a multi sees its own effects and has one zxid', async () => {
    const path = await place()
    const results = await zooKeeper().multi([
      { type: 'check', path, version: 0 },
      { type: 'create', path: `${path}/a`, data: null },
      { type: 'setData', path: `${path}/a`, data: Buffer.from('x'), version: 0 },
      { type: 'check', path: `${path}/a`, version: 1 },
      { type: 'create', path: `${path}/s-`, data: null, mode: 'ephemeralSequential' },
      { type: 'create', path: `${path}/b`, data: null },
      { type: 'delete', path: `${path}/b` },
    ])
    assert.deepEqual(
      results.map(({ type }) => type),
      ['check', 'create', 'setData', 'check', 'create', 'create', 'delete'],
    )
    const [, , set, , sequential] = results
    assert.ok(set?.type === 'setData' && set.stat.version === 1 && set.stat.czxid === set.stat.mzxid)
    assert.ok(sequential?.type === 'create' && sequential.path === `${path}/s-0000000001`)
    assert.deepEqual((await zooKeeper().getChildren(path)).children.toSorted(), ['a', 's-0000000001'])
    assert.deepEqual(await zooKeeper().multi([]), [])
  })

  test('a multi that fails changes nothing and says where', async () => {
    const path = await place()
    const operations = [
      { type: 'create', path: `${path}/a`, data: null },
      { type: 'setData', path, data: Buffer.from('x') },
      { type: 'check', path: `${path}/a`, version: 9 },
      { type: 'delete', path: `${path}/none` },
    ] as const
    // What stands behind a multi must not see what it would have changed.
    const attempt = zooKeeper().multi(operations)
    const behind = zooKeeper().setData(path, null, 0)
    const error = await attempt.then(
      () => assert.fail('it was carried out'),
      (reason: unknown) => reason,
    )
    assert.ok(error instanceof MultiError)
    assert.deepEqual([error.code, error.index, error.path, error.operation], ['BadVersion', 2, `${path}/a`, operations[2]])
    assert.deepEqual(
      error.results,
      ['Ok', 'Ok', 'BadVersion', 'RuntimeInconsistency'].map((code) => ({ type: 'error', code })),
    )
    assert.equal((await behind).version, 1)
    assert.deepEqual((await zooKeeper().getChildren(path)).children, [])
  })
}

function watchTests({ zooKeeper, connect, place }: Context): void {
  test('a persistent watch tells of the znode and of its children, before the answers', async () => {
    const path = await place()
    const events: string[] = []
    const stop = await zooKeeper().addWatch(path, 'persistent', (event) => events.push(textOf(event, path)))
    await zooKeeper().setData(path, null)
    assert.deepEqual(events, ['dataChanged .'])
    await zooKeeper().create(`${path}/a`, null)
    await zooKeeper().create(`${path}/a/b`, null)
    await zooKeeper().setData(`${path}/a`, null)
    await zooKeeper().delete(`${path}/a/b`)
    await zooKeeper().delete(`${path}/a`)
    await zooKeeper().delete(path)
    await zooKeeper().create(path, null)
    assert.deepEqual(events, ['dataChanged .', 'childrenChanged .', 'childrenChanged .', 'deleted .', 'created .'])
    await stop()
    await zooKeeper().setData(path, null)
    assert.equal(events.length, 5)
  })

  test('a recursive watch tells of all below and never of children', async () => {
    const path = await place()
    const events: string[] = []
    const stop = await zooKeeper().addWatch(path, 'persistentRecursive', (event) => events.push(textOf(event, path)))
    await zooKeeper().multi([
      { type: 'create', path: `${path}/a`, data: null },
      { type: 'create', path: `${path}/a/b`, data: null },
      { type: 'setData', path: `${path}/a/b`, data: null },
      { type: 'delete', path: `${path}/a/b` },
    ])
    await zooKeeper().setData(path, null)
    assert.deepEqual(events, ['created /a', 'created /a/b', 'dataChanged /a/b', 'deleted /a/b', 'dataChanged .'])
    await stop()
    await zooKeeper().delete(`${path}/a`)
    assert.equal(events.length, 5)
  })

  test('watches of one session are each served, and one may end without the others', async () => {
    const path = await place()
    const counts = [0, 0, 0]
    const stops = []
    for (const at of [0, 1])
      stops.push(
        await zooKeeper().addWatch(path, 'persistent', () => {
          counts[at]!++
        }),
      )
    stops.push(
      await zooKeeper().addWatch(path, 'persistentRecursive', () => {
        counts[2]!++
      }),
    )
    await zooKeeper().setData(path, null)
    assert.deepEqual(counts, [1, 1, 1])
    await stops[0]!()
    await zooKeeper().setData(path, null)
    assert.deepEqual(counts, [1, 2, 2])
    for (const stop of stops) await stop()
  })

  test('what another session changes is heard, and seen after a sync', async () => {
    const path = await place()
    const other = await connect()
    const heard = new Promise<WatchEvent>(
      (resolve) => void other.addWatch(path, 'persistent', resolve).then(() => zooKeeper().setData(path, Buffer.from('news'))),
    )
    assert.deepEqual(await heard, { type: 'dataChanged', path })
    await other.sync(path)
    assert.equal((await other.getData(path)).data?.toString(), 'news')
    await other.close()
  })
}

function sessionTests({ zooKeeper, connect, place }: Context): void {
  test('ephemerals live as long as their session', async () => {
    const path = await place()
    const other = await connect()
    const { stat } = await other.create(`${path}/a`, null, { mode: 'ephemeral' })
    await other.create(`${path}/b-`, null, { mode: 'ephemeralSequential' })
    assert.equal(stat.ephemeralOwner, other.sessionId)
    assert.notEqual(other.sessionId, zooKeeper().sessionId)
    await refused(zooKeeper().create(`${path}/a`, null), 'NodeExists')
    const events: string[] = []
    const stop = await zooKeeper().addWatch(path, 'persistentRecursive', (event) => events.push(textOf(event, path)))
    await other.close()
    await zooKeeper().sync(path)
    const { children, stat: left } = await zooKeeper().getChildren(path)
    assert.deepEqual(children, [])
    assert.equal(left.cversion, 4)
    assert.deepEqual(events, ['deleted /a', 'deleted /b-0000000001'])
    await stop()
  })

  test('a closed session refuses', async () => {
    const other = await connect()
    await other.close()
    await other.close()
    await refused(other.exists('/'), 'SessionExpired')
  })
}

async function refused(attempt: Promise<unknown>, code: ErrorName): Promise<void> {
  await assert.rejects(attempt, (error) => {
    assert.ok(error instanceof ZooKeeperError, `not a ZooKeeperError: ${String(error)}`)
    assert.equal(error.code, code)
    return true
  })
}

function textOf(event: WatchEvent, path: string): string {
  return `${event.type} ${event.path === path ? '.' : event.path.slice(path.length)}`
}

function versionsOf({ version, cversion, aversion }: { version: number; cversion: number; aversion: number }): number[] {
  return [version, cversion, aversion]
}

async function removeAll(zooKeeper: ZooKeeper, path: string): Promise<void> {
  for (const name of (await zooKeeper.getChildren(path)).children) await removeAll(zooKeeper, `${path}/${name}`)
  await zooKeeper.delete(path)
}
