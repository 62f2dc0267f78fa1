import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryDisk } from '../test/memory-disk.ts'
import { TransactionIndex, type AbortedTransaction } from './txn-index.ts'

const PATH = 't-0/00000000000000000000.txnindex'
const aborted = (producerId: number, firstOffset: number, lastOffset: number, lastStableOffset: number): AbortedTransaction => ({
  producerId,
  firstOffset,
  lastOffset,
  lastStableOffset,
})

async function indexOf(disk: MemoryDisk, ...entries: AbortedTransaction[]): Promise<TransactionIndex> {
  const index = await TransactionIndex.open(disk, PATH, 0)
  for (const entry of entries) index.append(entry)
  return index
}

function found(index: TransactionIndex, from: number, to: number): [producerIds: number[], complete: boolean] {
  const into: AbortedTransaction[] = []
  const complete = index.search(from, to, into)
  return [into.map((entry) => entry.producerId), complete]
}

test('the file comes with the first entry, 34 bytes each', async () => {
  const disk = new MemoryDisk()
  const index = await indexOf(disk)
  await index.sync()
  assert.equal(disk.files.size, 0)
  index.append(aborted(1000, 0, 5, 6))
  assert.equal(
    disk.files.get(PATH)!.toString('hex'),
    ['0000', '00000000000003e8', '0000000000000000', '0000000000000005', '0000000000000006'].join(''),
  )
  await index.sync()
  assert.deepEqual(disk.calls, [`sync ${PATH}`, 'syncDirectory t-0'])
})

test('a search finds what overlaps, and knows when no later segment can', async () => {
  const disk = new MemoryDisk()
  const index = await indexOf(disk, aborted(1, 0, 10, 11), aborted(2, 5, 20, 12), aborted(3, 12, 30, 31), aborted(4, 40, 50, 51))
  assert.deepEqual(found(index, 0, 5), [[1], true])
  assert.deepEqual(found(index, 0, 12), [[1, 2], true])
  assert.deepEqual(found(index, 11, 13), [[2, 3], true])
  assert.deepEqual(found(index, 30, 31), [[3], true])
  assert.deepEqual(found(index, 31, 40), [[], true])
  assert.deepEqual(found(index, 45, 51), [[4], true])
  assert.deepEqual(found(index, 45, 52), [[4], false])
  assert.deepEqual(found(index, 0, 100), [[1, 2, 3, 4], false])
  assert.deepEqual(found(index, 51, 100), [[], false])
})

test('entries come back, and go on after a close', async () => {
  const disk = new MemoryDisk()
  const first = await indexOf(disk, aborted(1, 0, 10, 11))
  first.close()
  const again = await TransactionIndex.open(disk, PATH, 0)
  again.append(aborted(2, 11, 20, 21))
  assert.equal(disk.files.get(PATH)!.length, 68)
  assert.deepEqual(found(await TransactionIndex.open(disk, PATH, 0), 0, 12), [[1, 2], true])
})

test('truncate drops markers at the end offset and after', async () => {
  const disk = new MemoryDisk()
  const index = await indexOf(disk, aborted(1, 0, 10, 11), aborted(2, 11, 20, 21))
  await index.truncate(21)
  assert.equal(index.count, 2)
  await index.truncate(20)
  assert.equal(index.count, 1)
  assert.equal(disk.files.get(PATH)!.length, 34)
  index.append(aborted(3, 11, 15, 16))
  assert.deepEqual(found(await TransactionIndex.open(disk, PATH, 0), 0, 99), [[1, 3], false])
})

test('a marker that goes back is a mistake of the caller', async () => {
  const index = await indexOf(new MemoryDisk(), aborted(1, 0, 10, 11))
  assert.throws(() => index.append(aborted(2, 2, 10, 11)), RangeError)
})

test('a malformed file is refused, and rebuilt from nothing', async () => {
  const disk = new MemoryDisk()
  await indexOf(disk, aborted(1, 0, 10, 11), aborted(2, 11, 20, 21))
  const good = disk.files.get(PATH)!
  const refused = (bytes: Buffer, message: RegExp, baseOffset = 0) => {
    disk.files.set(PATH, bytes)
    return assert.rejects(TransactionIndex.open(disk, PATH, baseOffset), { name: 'CorruptFileError', path: PATH, message })
  }
  await refused(good.subarray(0, 50), /50 bytes/)
  await refused(Buffer.concat([Buffer.from([0, 1]), good.subarray(2)]), /version 1/)
  await refused(Buffer.concat([good, good]), /entry 2/)
  await refused(good, /entry 0/, 11)
  const rebuilt = await TransactionIndex.rebuild(disk, PATH)
  assert.equal(rebuilt.count, 0)
  assert.equal(disk.files.has(PATH), false)
})
