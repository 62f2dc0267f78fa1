import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Disk, File } from '../env.ts'
import { Dice } from '../sim/dice.ts'
import { withCode, type MakePlace, type Place } from './place.ts'

/** Registers the tests that every Disk passes. */
export function diskConformance(name: string, makePlace: MakePlace): void {
  const onDisk = (title: string, body: (disk: Disk, directory: string, place: Place) => Promise<void>): void => {
    test(title, async () => {
      const place = await makePlace()
      try {
        await place.run(() => body(place.env.disk, place.directory, place))
      } finally {
        await place.end()
      }
    })
  }

  describe(`disk: ${name}`, () => {
    onDisk('open: each mode, and its errors', async (disk, directory) => {
      const path = `${directory}/file`
      assert.throws(() => disk.open(path, 'read'), withCode('not-found'))
      const made = disk.open(path, 'create')
      assert.equal(made.path, path)
      assert.equal(made.sizeBytes(), 0)
      assert.throws(() => disk.open(path, 'create'), withCode('exists'))
      made.write(0, [Buffer.from('abc')])
      const again = disk.open(path, 'write')
      assert.equal(again.sizeBytes(), 3)
      const reader = disk.open(path, 'read')
      assert.throws(() => reader.write(0, [Buffer.from('x')]), withCode('denied'))
      await assert.rejects(async () => reader.writeLater(0, [Buffer.from('x')], true), withCode('denied'))
      await assert.rejects(async () => reader.truncate(0), withCode('denied'))
      assert.equal(textOf(reader), 'abc')
      assert.throws(() => disk.open(`${directory}/none/file`, 'write'), withCode('not-found'))
      assert.throws(() => disk.open(`${path}/file`, 'write'), withCode('not-found'))
      assert.throws(() => disk.open(directory, 'write'), withCode('io'))
      for (const file of [made, again, reader]) file.close()
    })

    onDisk('write: views in a row, at any place, over what is there', async (disk, directory) => {
      const file = disk.open(`${directory}/file`, 'create')
      file.write(0, [])
      file.write(0, [Buffer.from('one '), Buffer.alloc(0), Buffer.from('two '), Buffer.from('three')])
      assert.equal(textOf(file), 'one two three')
      file.write(4, [Buffer.from('TWO')])
      file.write(15, [Buffer.from('!')])
      assert.equal(textOf(file), 'one TWO three\0\0!')
      const many = Array.from({ length: 3000 }, (_, i) => Buffer.from([i & 0xff]))
      file.write(0, many)
      assert.deepEqual(contentOf(file), Buffer.concat(many))
      file.close()
    })

    onDisk('read: short at the end only', async (disk, directory) => {
      const file = disk.open(`${directory}/file`, 'create')
      file.write(0, [Buffer.from('0123456789')])
      const into = Buffer.alloc(6)
      assert.equal(file.read(2, into), 6)
      assert.equal(into.toString(), '234567')
      assert.equal(file.read(7, into), 3)
      assert.equal(into.toString('latin1', 0, 3), '789')
      assert.equal(file.read(10, into), 0)
      assert.equal(file.read(100, into), 0)
      assert.equal(await file.readLater(8, into), 2)
      assert.equal(into.toString('latin1', 0, 2), '89')
      assert.equal(await file.readLater(10, into), 0)
      file.close()
    })

    onDisk('writeLater: there when it resolves, durable or not', async (disk, directory) => {
      const file = disk.open(`${directory}/file`, 'create')
      await file.writeLater(0, [Buffer.from('page '), Buffer.from('cache ')], false)
      await file.writeLater(11, [Buffer.from('plat'), Buffer.from('ter')], true)
      assert.equal(textOf(file), 'page cache platter')
      await Promise.all([file.writeLater(0, [Buffer.from('PAGE')], true), file.writeLater(5, [Buffer.from('CACHE')], true)])
      assert.equal(textOf(file), 'PAGE CACHE platter')
      await file.sync()
      file.close()
    })

    onDisk('a file stays the same under a new name', async (disk, directory) => {
      const file = disk.open(`${directory}/old`, 'create')
      await file.writeLater(0, [Buffer.from('a')], true)
      await disk.rename(`${directory}/old`, `${directory}/new`)
      await file.writeLater(1, [Buffer.from('b')], true)
      file.write(2, [Buffer.from('c')])
      const other = disk.open(`${directory}/old`, 'create')
      assert.equal(other.sizeBytes(), 0)
      const same = disk.open(`${directory}/new`, 'read')
      assert.equal(textOf(same), 'abc')
      for (const one of [file, other, same]) one.close()
    })

    onDisk('the first durable write may come after the renaming', async (disk, directory) => {
      const file = disk.open(`${directory}/old`, 'create')
      await disk.rename(`${directory}/old`, `${directory}/new`)
      const other = disk.open(`${directory}/old`, 'create')
      await file.writeLater(0, [Buffer.from('a')], true)
      assert.equal(textOf(file), 'a')
      assert.equal(other.sizeBytes(), 0)
      file.close()
      other.close()
    })

    onDisk('truncate: shorter, and longer with zeros', async (disk, directory) => {
      const file = disk.open(`${directory}/file`, 'create')
      file.write(0, [Buffer.from('0123456789')])
      await file.truncate(4)
      assert.equal(textOf(file), '0123')
      await file.truncate(6)
      assert.equal(textOf(file), '0123\0\0')
      file.close()
    })

    onDisk('room that is reserved changes nothing of the file', async (disk, directory) => {
      const file = disk.open(`${directory}/file`, 'create')
      file.write(0, [Buffer.from('0123')])
      file.reserve(1 << 20)
      assert.equal(file.sizeBytes(), 4)
      file.write(4, [Buffer.from('45')])
      assert.equal(textOf(file), '012345')
      await file.truncate(6)
      assert.equal(textOf(file), '012345')
      file.close()
    })

    onDisk('cached and warm', async (disk, directory) => {
      const file = disk.open(`${directory}/file`, 'create')
      const bytes = Buffer.alloc(300_000, 'w')
      file.write(0, [bytes])
      await file.warm(0, bytes.length)
      assert.equal(file.cached(0, bytes.length), true)
      assert.equal(file.cached(100, 1), true)
      await file.warm(299_999, 10)
      assert.equal(file.read(299_990, Buffer.alloc(20)), 10)
      file.close()
    })

    onDisk('close: what is under way finishes first, then nothing goes', async (disk, directory) => {
      const file = disk.open(`${directory}/file`, 'create')
      const written = file.writeLater(0, [Buffer.from('last words')], true)
      const synced = file.sync()
      file.close()
      file.close()
      await written
      await synced
      const reader = disk.open(`${directory}/file`, 'read')
      assert.equal(textOf(reader), 'last words')
      reader.close()
      assert.throws(() => reader.read(0, Buffer.alloc(1)), { name: 'AssertionError' })
      assert.throws(() => file.write(0, [Buffer.alloc(1)]), { name: 'AssertionError' })
    })

    onDisk('directories: made with their parents, listed by name', async (disk, directory, { env }) => {
      await disk.createDirectory(`${directory}/a/b/c`)
      await disk.createDirectory(`${directory}/a/b`)
      const beforeMs = env.clock.now()
      const file = disk.open(`${directory}/a/file`, 'create')
      file.write(0, [Buffer.alloc(5)])
      file.close()
      await assert.rejects(disk.createDirectory(`${directory}/a/file`), withCode('exists'))
      const entries = await disk.list(`${directory}/a`)
      assert.deepEqual(
        entries.map(({ name, directory: isDirectory, sizeBytes }) => ({ name, isDirectory, sizeBytes })),
        [
          { name: 'b', isDirectory: true, sizeBytes: 0 },
          { name: 'file', isDirectory: false, sizeBytes: 5 },
        ],
      )
      for (const { modifiedMs } of entries) assert(Number.isInteger(modifiedMs))
      // a file system's clock may tick coarsely
      assert(entries[1]!.modifiedMs >= beforeMs - 1000 && entries[1]!.modifiedMs <= env.clock.now() + 1000)
      await assert.rejects(disk.list(`${directory}/none`), withCode('not-found'))
      await assert.rejects(disk.list(`${directory}/a/file`), withCode('not-found'))
      await disk.syncDirectory(`${directory}/a`)
      await assert.rejects(disk.syncDirectory(`${directory}/none`), withCode('not-found'))
    })

    onDisk('rename: replaces a file, moves a directory with all in it', async (disk, directory) => {
      writeFile(disk, `${directory}/from`, 'new')
      writeFile(disk, `${directory}/to`, 'old')
      await disk.rename(`${directory}/from`, `${directory}/to`)
      assert.equal(readFile(disk, `${directory}/to`), 'new')
      await assert.rejects(disk.rename(`${directory}/from`, `${directory}/to`), withCode('not-found'))
      await disk.createDirectory(`${directory}/topic-0/inner`)
      writeFile(disk, `${directory}/topic-0/inner/file`, 'moved')
      await disk.rename(`${directory}/topic-0`, `${directory}/topic-0-delete`)
      assert.equal(readFile(disk, `${directory}/topic-0-delete/inner/file`), 'moved')
      await assert.rejects(disk.list(`${directory}/topic-0`), withCode('not-found'))
      await disk.createDirectory(`${directory}/empty`)
      await assert.rejects(disk.rename(`${directory}/empty`, `${directory}/topic-0-delete`), withCode('exists'))
      await disk.rename(`${directory}/topic-0-delete`, `${directory}/empty`)
      assert.equal(readFile(disk, `${directory}/empty/inner/file`), 'moved')
      await assert.rejects(disk.rename(`${directory}/to`, `${directory}/none/to`), withCode('not-found'))
    })

    onDisk('remove: files, directories, and what is not there; open files stay', async (disk, directory) => {
      await disk.createDirectory(`${directory}/a/b`)
      const file = disk.open(`${directory}/a/b/file`, 'create')
      file.write(0, [Buffer.from('still here')])
      writeFile(disk, `${directory}/a/other`, 'x')
      await disk.remove(`${directory}/a`)
      assert.deepEqual(await disk.list(directory), [])
      assert.equal(textOf(file), 'still here')
      file.close()
      await disk.remove(`${directory}/a`)
      writeFile(disk, `${directory}/file`, 'x')
      await disk.remove(`${directory}/file`)
      assert.deepEqual(await disk.list(directory), [])
    })

    onDisk('lock: one at a time', async (disk, directory) => {
      const path = `${directory}/.lock`
      const lock = disk.lock(path)
      assert.throws(() => disk.lock(path), withCode('locked'))
      for (let i = 0; i < 3; i++) {
        const file = disk.open(path, 'read')
        const read = file.readLater(0, Buffer.alloc(1))
        file.close()
        await read
      }
      assert.throws(() => disk.lock(path), withCode('locked'), 'another descriptor of the file that closes changes nothing')
      lock.release()
      lock.release()
      const next = disk.lock(path)
      assert.throws(() => disk.lock(path), withCode('locked'))
      next.release()
      assert.throws(() => disk.lock(`${directory}/none/.lock`), withCode('not-found'))
    })

    onDisk('lock: an empty file, as Kafka leaves it, is free', async (disk, directory) => {
      writeFile(disk, `${directory}/.lock`, '')
      disk.lock(`${directory}/.lock`).release()
    })

    onDisk('freeBytes', async (disk, directory) => {
      assert((await disk.freeBytes(directory)) > 0)
      await assert.rejects(disk.freeBytes(`${directory}/none`), withCode('not-found'))
    })

    onDisk('a lane is the same disk', async (disk, directory) => {
      const lane = disk.lane()
      const file = lane.open(`${directory}/file`, 'create')
      await file.writeLater(0, [Buffer.from('abc')], true)
      file.close()
      assert.deepEqual(
        (await disk.list(directory)).map(({ name, sizeBytes }) => [name, sizeBytes]),
        [['file', 3]],
      )
      assert.equal(lane.waitingSinceMs, Infinity)
    })

    onDisk('any sequence of operations leaves what a plain buffer would have', async (disk, directory) => {
      const dice = new Dice(7, 1)
      const file = disk.open(`${directory}/file`, 'create')
      let expected: Buffer = Buffer.alloc(0)
      for (let i = 0; i < 300; i++) {
        if (dice.chance(0.1)) {
          const size = dice.below(expected.length + 100)
          await file.truncate(size)
          expected = grown(expected.subarray(0, size), size)
        } else {
          const position = dice.below(expected.length + 10)
          const views = Array.from({ length: 1 + dice.below(5) }, () => dice.bytes(dice.below(200)))
          if (dice.chance(0.3)) await file.writeLater(position, views, dice.chance(0.2))
          else file.write(position, views)
          const bytes = Buffer.concat(views)
          if (bytes.length > 0) expected = grown(expected, position + bytes.length)
          bytes.copy(expected, position)
        }
        assert.equal(file.sizeBytes(), expected.length)
        const from = dice.below(expected.length + 1)
        const into = Buffer.alloc(dice.below(500))
        const count = dice.chance(0.5) ? await file.readLater(from, into) : file.read(from, into)
        if (count >= 0) assert.deepEqual(into.subarray(0, count), expected.subarray(from, from + into.length))
      }
      file.close()
    })
  })
}

function grown(bytes: Buffer, size: number): Buffer {
  const copy = Buffer.alloc(Math.max(bytes.length, size))
  bytes.copy(copy)
  return copy
}

function contentOf(file: File): Buffer {
  const into = Buffer.alloc(file.sizeBytes())
  assert.equal(file.read(0, into), into.length)
  return into
}

function textOf(file: File): string {
  return contentOf(file).toString('latin1')
}

function writeFile(disk: Disk, path: string, text: string): void {
  const file = disk.open(path, 'write')
  file.write(0, [Buffer.from(text)])
  file.close()
}

function readFile(disk: Disk, path: string): string {
  const file = disk.open(path, 'read')
  const text = textOf(file)
  file.close()
  return text
}
