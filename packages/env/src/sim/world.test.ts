import assert from 'node:assert/strict'
import { test } from 'node:test'
import { End } from '../conformance/end.ts'
import type { Host } from './host.ts'
import { World } from './world.ts'

async function pair(world: World, near: Host, far: Host): Promise<{ client: End; server: End }> {
  let server: End | null = null
  const listener = await world.complete(
    far.net.listen({ host: '0.0.0.0', port: 9092 }, (c) => (server = new End(c))),
    1000,
  )
  let client: End | null = null
  await world.complete(
    near.net.connect({ host: far.name, port: 9092 }, (c) => (client = new End(c))),
    1000,
  )
  await world.run(() => server !== null, 1000)
  await world.complete(listener.close(), 1000)
  return { client: client!, server: server! }
}

/** A short life with a bit of everything. */
async function history(seed: number): Promise<World> {
  const world = new World(seed, { lossRate: 0.1, stallRate: 0.1, coldRate: 0.2, diskMs: 10 })
  const [a, b] = [world.host('a'), world.host('b')]
  const { client, server } = await pair(world, a, b)
  server.onBytes = (bytes) => server.connection.write(bytes)
  await world.complete(b.disk.createDirectory('/data'), 1000)
  const file = b.disk.open('/data/file', 'create')
  for (let i = 0; i < 20; i++) {
    client.connection.write(a.random.bytes(1 + a.random.below(5000)))
    await world.complete(file.writeLater(i * 100, [b.random.bytes(100)], true), 1000)
    if (file.read(0, Buffer.alloc(50)) < 0) await world.complete(file.warm(0, 50), 1000)
  }
  await world.run(() => false, 5000)
  return world
}

test('the same seed gives the same history, another seed another', async () => {
  const first = await history(5)
  const again = await history(5)
  assert.equal(again.trace, first.trace)
  assert.equal(again.eventCount, first.eventCount)
  assert(first.eventCount > 100)
  assert.notEqual((await history(6)).trace, first.trace)
})

test('run: until, limit, nothing left, and exceptions', async () => {
  const world = new World(1)
  const host = world.host('a')
  assert.equal(await world.run(() => false, 100), false)
  let fired = 0
  host.clock.after(50, () => fired++)
  host.clock.after(150, () => fired++)
  assert.equal(await world.run(() => fired === 2, 100), false)
  assert.equal(world.timeMs, 100)
  assert.equal(await world.run(() => fired === 2, 100), true)
  assert.equal(world.timeMs, 150)
  host.clock.after(1, () => {
    throw new Error('wrong')
  })
  await assert.rejects(
    world.run(() => false, 100),
    /wrong/,
  )
  await assert.rejects(world.complete(new Promise(() => {}), 100), /pending and nothing is left/)
  await assert.rejects(world.complete(Promise.reject(new Error('no')), 100), /no/)
})

test('what the turn writes reaches the log before the answer leaves, also when the peer makes room in between', async () => {
  for (let seed = 0; seed < 1000; seed++) {
    const world = new World(seed, { windowBytes: 20, latencyMs: 0 })
    const [a, b] = [world.host('a'), world.host('b')]
    const { client, server } = await pair(world, a, b)
    client.connection.pause()
    server.send('f'.repeat(30))
    let written = false
    const answer = (): void => {
      server.connection.write(Buffer.from('answer'))
      b.loop.atEndOfTurn(() => void (written = true))
    }
    b.clock.after(1, answer)
    a.clock.after(1, () => client.connection.resume())
    client.onBytes = (bytes) => assert(written || !bytes.includes('a'))
    assert(await world.run(() => client.length === 36, 60_000))
  }
})

test('the next buffer is asked for right after received, before the turn ends', async () => {
  const world = new World(2)
  const { client, server } = await pair(world, world.host('a'), world.host('b'))
  const order: string[] = []
  const { space } = server
  server.space = () => {
    order.push('space')
    return space.call(server)
  }
  server.onBytes = () => {
    order.push('received')
    world.host('b').loop.atEndOfTurn(() => order.push('end'))
  }
  client.send('x')
  await world.run(() => order.includes('end'), 1000)
  assert.deepEqual(order, ['space', 'received', 'space', 'end'])
})

test('a crash: synced bytes and names stay, the others may go; every outcome is seen', async () => {
  const outcomes = new Set<string>()
  for (let seed = 0; seed < 60; seed++) {
    const world = new World(seed)
    const host = world.host('a')
    const work = async (): Promise<void> => {
      const { disk } = host
      await disk.createDirectory('/data')
      await disk.syncDirectory('/')
      const kept = disk.open('/data/kept', 'create')
      kept.write(0, [Buffer.alloc(2000, 'k')])
      await kept.sync()
      await disk.syncDirectory('/data')
      kept.write(2000, [Buffer.alloc(2000, 'u')])
      disk.open('/data/new', 'create').write(0, [Buffer.from('x')])
      const later = disk.open('/data/kept', 'write')
      await later.writeLater(5000, [Buffer.alloc(100, 'd')], true)
    }
    await world.complete(work(), 1000)
    host.crash()
    const kept = host.disk.peek('/data/kept')!
    assert.equal(kept.subarray(0, 2000).toString('latin1'), 'k'.repeat(2000))
    assert.equal(kept.subarray(5000).toString('latin1'), 'd'.repeat(100))
    const middle = kept.subarray(2000, 4000).filter((byte) => byte === 0x75).length
    outcomes.add(middle === 0 ? 'lost' : middle === 2000 ? 'whole' : 'torn')
    outcomes.add(host.disk.peek('/data/new') === null ? 'no name' : 'name')
  }
  assert.deepEqual([...outcomes].toSorted(), ['lost', 'name', 'no name', 'torn', 'whole'])
})

test('a crash: renaming, removing and cutting come back where they were not synced', async () => {
  const outcomes = new Set<string>()
  for (let seed = 0; seed < 60; seed++) {
    const world = new World(seed)
    const { disk } = world.host('a')
    const work = async (): Promise<void> => {
      await disk.createDirectory('/d')
      for (const name of ['old', 'cut', 'gone']) {
        const file = disk.open(`/d/${name}`, 'create')
        file.write(0, [Buffer.from('123456')])
        await file.sync()
      }
      await disk.syncDirectory('/')
      await disk.syncDirectory('/d')
      await disk.rename('/d/old', '/d/new')
      await disk.remove('/d/gone')
      const cut = disk.open('/d/cut', 'write')
      await cut.truncate(3)
      if (seed % 2 === 0) await cut.sync()
    }
    await world.complete(work(), 1000)
    world.host('a').crash()
    const [old, renamed] = [disk.peek('/d/old'), disk.peek('/d/new')]
    assert.notEqual(old === null, renamed === null, 'one of the two names')
    const cut = String(disk.peek('/d/cut'))
    if (seed % 2 === 0) assert.equal(cut, '123')
    outcomes
      .add(old === null ? 'renamed' : 'not renamed')
      .add(disk.peek('/d/gone') === null ? 'removed' : 'back')
      .add(cut)
  }
  assert.deepEqual([...outcomes].toSorted(), ['123', '123456', 'back', 'not renamed', 'removed', 'renamed'])
})

test('after a crash nothing of the old program goes on; kill keeps what was written', async () => {
  const world = new World(3)
  const [a, b] = [world.host('a'), world.host('b')]
  const { client, server } = await pair(world, a, b)
  let after = 0
  b.clock.after(10, () => after++)
  await world.complete(b.disk.createDirectory('/data'), 1000)
  const file = b.disk.open('/data/file', 'create')
  file.write(0, [Buffer.from('written')])
  b.disk.lock('/data/.lock')
  void file.sync().then(() => after++)
  b.kill()
  assert(await world.run(() => client.reason !== null, 10_000))
  assert.equal(client.reason, 'reset')
  assert.equal(server.reason, null)
  await world.run(() => false, 1000)
  assert.equal(after, 0)
  assert.equal(String(b.disk.peek('/data/file')), 'written')
  b.disk.lock('/data/.lock').release()
  assert.throws(() => file.write(0, [Buffer.from('x')]), /dead/)
  await assert.rejects(
    world.complete(
      a.net.connect({ host: 'b', port: 9092 }, (c) => new End(c)),
      1000,
    ),
    { code: 'refused' },
  )
})

test('a partition: bytes wait and arrive, or both ends give up', async () => {
  const world = new World(4)
  const [a, b] = [world.host('a'), world.host('b')]
  const { client, server } = await pair(world, a, b)
  world.partition(a, b)
  client.send('hello')
  await world.run(() => false, 30_000)
  assert.equal(server.text, '')
  world.heal(a, b)
  assert(await world.run(() => server.text === 'hello', 1000))
  world.partition(a, b)
  await assert.rejects(
    world.complete(
      a.net.connect({ host: 'b', port: 9092 }, (c) => new End(c)),
      20_000,
    ),
    { code: 'refused' },
  )
  assert(await world.run(() => client.reason !== null && server.reason !== null, 100_000))
  assert.deepEqual([client.reason, server.reason], ['unreachable', 'unreachable'])
})

test('faults on demand: full disk, errors, flipped bits, failed syncs', async () => {
  const world = new World(8)
  const { disk } = world.host('a')
  disk.capacityBytes = 1000
  const file = disk.open('/file', 'create')
  file.write(0, [Buffer.alloc(800, 'a')])
  assert.throws(() => file.write(800, [Buffer.alloc(100, 'b'), Buffer.alloc(300, 'c')]), { code: 'full' })
  assert.equal(file.sizeBytes(), 1000)
  file.write(0, [Buffer.alloc(800, 'd')])
  assert.equal(await world.complete(disk.freeBytes('/'), 1000), 0)
  disk.capacityBytes = 1 << 30
  disk.failNext('write', 'io', 'file')
  assert.throws(() => file.write(0, [Buffer.alloc(10, 'x')]), { code: 'io' })
  file.write(0, [Buffer.alloc(10, 'y')])
  disk.failNext('sync', 'io')
  await assert.rejects(world.complete(file.sync(), 1000), { code: 'io' })
  await world.complete(file.sync(), 1000)
  disk.flipBit('/file', 3, 0)
  assert.equal(disk.peek('/file')![3], 'y'.charCodeAt(0) ^ 1)
  assert.equal(disk.openCount, 1)
  file.close()
  assert.equal(disk.openCount, 0)
})

test('cold pages: read says -1 now and then, and finds them after warm', async () => {
  const world = new World(9, { coldRate: 0.3 })
  const { disk } = world.host('a')
  const file = disk.open('/file', 'create')
  file.write(0, [Buffer.from('abc')])
  let cold = 0
  const work = async (): Promise<void> => {
    for (let i = 0; i < 100; i++) {
      const into = Buffer.alloc(3)
      while (file.read(0, into) < 0) {
        cold++
        await file.warm(0, 3)
      }
      assert.equal(String(into), 'abc')
    }
  }
  await world.complete(work(), 10_000)
  assert(cold > 10 && cold < 90)
})

test('the log is kept', () => {
  const host = new World(1).host('a')
  host.log.warn('slow', { diskMs: 3 })
  assert.deepEqual(host.log.lines, [{ timeMs: 0, level: 'warn', message: 'slow', facts: { diskMs: 3 } }])
})
