import assert from 'node:assert/strict'
import { test } from 'node:test'
import { directoryOf, writeWhole } from '@ottla/env/files'
import { MemoryDisk } from '../test/memory-disk.ts'
import {
  CorruptFileError,
  readLeaderEpochs,
  readOffsetCheckpoint,
  readPartitionMetadata,
  readWhole,
  writeLeaderEpochs,
  writeOffsetCheckpoint,
  writePartitionMetadata,
} from './checkpoint.ts'

function diskWith(path: string, text: string): MemoryDisk {
  const disk = new MemoryDisk()
  disk.files.set(path, Buffer.from(text))
  return disk
}

test("an offset checkpoint is Kafka's text, and comes back", async () => {
  const disk = new MemoryDisk()
  const entries = new Map([
    ['orders-0', 12],
    ['a.b-c_d-17', 9007199254740991],
  ])
  await writeOffsetCheckpoint(disk, 'logs/replication-offset-checkpoint', entries)
  assert.equal(disk.files.get('logs/replication-offset-checkpoint')!.toString(), '0\n2\norders 0 12\na.b-c_d 17 9007199254740991\n')
  assert.deepEqual(await readOffsetCheckpoint(disk, 'logs/replication-offset-checkpoint'), entries)
})

test('an empty or absent checkpoint has no entries', async () => {
  const disk = new MemoryDisk()
  assert.equal((await readOffsetCheckpoint(disk, 'none')).size, 0)
  await writeOffsetCheckpoint(disk, 'empty', new Map())
  assert.equal(disk.files.get('empty')!.toString(), '0\n0\n')
  assert.equal((await readOffsetCheckpoint(disk, 'empty')).size, 0)
})

test('a file is replaced by temporary, sync, rename and sync of the directory', async () => {
  const disk = diskWith('d/x.tmp', 'left over, and longer than what comes')
  await writeWhole(disk, 'd/x', Buffer.from('new'))
  assert.deepEqual(disk.calls, ['write d/x.tmp', 'sync d/x.tmp', 'rename d/x.tmp d/x', 'syncDirectory d'])
  assert.equal((await readWhole(disk, 'd/x'))!.toString(), 'new')
  assert.equal(await readWhole(disk, 'd/y'), null)
})

test("leader epochs are Kafka's text, and come back", async () => {
  const disk = new MemoryDisk()
  const entries = [
    { epoch: 0, startOffset: 0 },
    { epoch: 3, startOffset: 17 },
  ]
  await writeLeaderEpochs(disk, 'leader-epoch-checkpoint', entries)
  assert.equal(disk.files.get('leader-epoch-checkpoint')!.toString(), '0\n2\n0 0\n3 17\n')
  assert.deepEqual(await readLeaderEpochs(disk, 'leader-epoch-checkpoint'), entries)
})

test('partition.metadata has no final newline', async () => {
  const disk = new MemoryDisk()
  await writePartitionMetadata(disk, 'partition.metadata', 'Kx2VZ0mFT-qHn9bYl_aAAw')
  assert.equal(disk.files.get('partition.metadata')!.toString(), 'version: 0\ntopic_id: Kx2VZ0mFT-qHn9bYl_aAAw')
  assert.equal(await readPartitionMetadata(disk, 'partition.metadata'), 'Kx2VZ0mFT-qHn9bYl_aAAw')
  assert.equal(await readPartitionMetadata(disk, 'absent'), null)
  assert.equal(await readPartitionMetadata(diskWith('p', 'version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAA'), 'p'), null)
  await assert.rejects(readPartitionMetadata(diskWith('p', 'version: 0\ntopic_id: short'), 'p'), { path: 'p', line: 2 })
})

const malformed: [text: string, line: number][] = [
  ['', 1],
  ['1\n0\n', 1],
  ['x\n0\n', 1],
  ['0\n', 2],
  ['0\n-1\n', 2],
  ['0\n2\nt 0 1\n', 2],
  ['0\n1\nt 0 1\nu 0 1\n', 2],
  ['0\n1\nt 0\n', 3],
  ['0\n1\nt zero 1\n', 3],
  ['0\n2\nt 0 1\nt 1 -1\n', 4],
  ['0\n2\nt 0 1\nt 0 2\n', 4],
  ['0\n1\nt 0 9999999999999999999\n', 3],
]
for (const [text, line] of malformed) {
  test(`${JSON.stringify(text)} is refused at line ${line}`, async () => {
    await assert.rejects(readOffsetCheckpoint(diskWith('logs/c', text), 'logs/c'), (error) => {
      assert(error instanceof CorruptFileError)
      assert.equal(error.line, line)
      assert.match(error.message, new RegExp(`^logs/c, line ${line}: `))
      return true
    })
  })
}

test('leader epochs that go back are refused', async () => {
  await assert.rejects(readLeaderEpochs(diskWith('e', '0\n2\n3 10\n2 20\n'), 'e'), { line: 4 })
  await assert.rejects(readLeaderEpochs(diskWith('e', '0\n2\n3 10\n4 9\n'), 'e'), { line: 4 })
})

test('the directory of a path', () => {
  assert.deepEqual(['a/b/c', 'c', '/c'].map(directoryOf), ['a/b', '.', '/'])
})
