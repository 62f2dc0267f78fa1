/** What a SimDisk has for tests alone. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SimDisk } from './disk.ts'
import { World } from './world.ts'

const LIMIT_MS = 1000

function newDisk(seed = 1): { world: World; disk: SimDisk } {
  const world = new World(seed)
  return { world, disk: world.host('a').disk }
}

/** `/data` with a synced file in it. */
async function withFile(world: World, disk: SimDisk, name: string, text: string): Promise<void> {
  await world.complete(disk.createDirectory('/data'), LIMIT_MS)
  const file = disk.open(`/data/${name}`, 'create')
  file.write(0, [Buffer.from(text)])
  await world.complete(file.sync(), LIMIT_MS)
  file.close()
  await world.complete(disk.syncDirectory('/data'), LIMIT_MS)
  await world.complete(disk.syncDirectory('/'), LIMIT_MS)
}

test('watcher: it is told of each operation when it was done, not of those that failed', async () => {
  const { world, disk } = newDisk()
  const seen: string[] = []
  disk.watcher = (operation, path) => {
    seen.push(`${operation} ${path}`)
    return false
  }
  await withFile(world, disk, 'file', 'text')
  const file = disk.open('/data/file', 'write')
  await world.complete(file.writeLater(4, [Buffer.from('s')], true), LIMIT_MS)
  await world.complete(file.truncate(2), LIMIT_MS)
  await world.complete(disk.rename('/data/file', '/data/moved'), LIMIT_MS)
  await world.complete(disk.remove('/data/moved'), LIMIT_MS)
  await assert.rejects(world.complete(disk.rename('/data/none', '/data/other'), LIMIT_MS))
  disk.failNext('syncDirectory', 'io')
  await assert.rejects(world.complete(disk.syncDirectory('/data'), LIMIT_MS))
  assert.deepEqual(seen, [
    'createDirectory /data',
    'open /data/file',
    'write /data/file',
    'sync /data/file',
    'syncDirectory /data',
    'syncDirectory /',
    'write /data/file',
    'truncate /data/file',
    'rename /data/file',
    'remove /data/moved',
  ])
})

test('watcher: where it says true the deed is done, and the program never hears of it', async () => {
  const { world, disk } = newDisk()
  await withFile(world, disk, 'file', 'text')
  disk.watcher = (operation) => operation === 'rename'
  let heard = false
  const hear = (): void => void (heard = true)
  disk.rename('/data/file', '/data/moved').then(hear, hear)
  await world.run(() => false, LIMIT_MS)
  assert.equal(heard, false)
  assert.equal(String(disk.peek('/data/moved')), 'text')
})

test('losses: what a loss of power met, and what it took; a kill takes nothing', async () => {
  let [lostPieces, lostNames] = [0, 0]
  for (let seed = 0; seed < 40; seed++) {
    const { world, disk } = newDisk(seed)
    await withFile(world, disk, 'file', 'text')
    world.host('a').kill()
    world.host('a').crash()
    assert.deepEqual(disk.losses, { unsyncedPieces: 0, lostPieces: 0, unsyncedNames: 0, lostNames: 0 })
    // two pages of one file, and one name
    disk.open('/data/file', 'write').write(0, [Buffer.alloc(8192, 'x')])
    disk.open('/data/new', 'create')
    world.host('a').kill()
    assert.equal(disk.losses.unsyncedPieces, 0)
    world.host('a').crash()
    const { losses } = disk
    assert.ok(losses.unsyncedPieces === 2 || losses.unsyncedPieces === 16, `${losses.unsyncedPieces} pages or sectors`)
    assert.equal(losses.unsyncedNames, 1)
    assert.equal(losses.lostNames, disk.peek('/data/new') === null ? 1 : 0)
    assert.ok(losses.lostPieces <= losses.unsyncedPieces)
    lostPieces += losses.lostPieces
    lostNames += losses.lostNames
  }
  assert.ok(lostPieces > 0 && lostNames > 0)
})

test('lose: a file is gone for good, whatever was synced', async () => {
  for (let seed = 0; seed < 10; seed++) {
    const { world, disk } = newDisk(seed)
    await withFile(world, disk, 'file', 'text')
    disk.lose('/data/file')
    world.host('a').crash()
    assert.equal(disk.peek('/data/file'), null)
    assert.throws(() => disk.open('/data/file', 'read'), { code: 'not-found' })
  }
})

test('replace: a file has other bytes, for good', async () => {
  for (let seed = 0; seed < 10; seed++) {
    const { world, disk } = newDisk(seed)
    await withFile(world, disk, 'file', 'a longer text')
    disk.replace('/data/file', Buffer.from('short'))
    disk.replace('/data/other', Buffer.from('new'))
    world.host('a').crash()
    assert.equal(String(disk.peek('/data/file')), 'short')
    assert.equal(String(disk.peek('/data/other')), 'new')
  }
})

test('paths: all files there are, in any depth', async () => {
  const { world, disk } = newDisk()
  assert.deepEqual(disk.paths(), [])
  await withFile(world, disk, 'file', 'text')
  await world.complete(disk.createDirectory('/data/in/there'), LIMIT_MS)
  disk.open('/data/in/there/deep', 'create').close()
  disk.open('/top', 'create').close()
  assert.deepEqual(disk.paths().toSorted(), ['/data/file', '/data/in/there/deep', '/top'])
  await world.complete(disk.remove('/data/in'), LIMIT_MS)
  assert.deepEqual(disk.paths().toSorted(), ['/data/file', '/top'])
})

test('forgetFailures: what was ordered and did not come yet does not come', async () => {
  const { world, disk } = newDisk()
  await withFile(world, disk, 'file', 'text')
  disk.failNext('sync', 'io', 'file', 2)
  const file = disk.open('/data/file', 'write')
  await assert.rejects(world.complete(file.sync(), LIMIT_MS), { code: 'io' })
  disk.forgetFailures()
  await world.complete(file.sync(), LIMIT_MS)
})
