import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ZooKeeperError, type Operation, type TreeReader, type ZooKeeper } from '@ottla/zookeeper'
import { producerIdsEnd } from './producer-ids.ts'
import { clusterIdOf, inBatches } from './znodes.ts'

test('a znode that is not there, or has no data, or empty data, says nothing', async () => {
  for (const data of [undefined, null, Buffer.alloc(0)]) {
    const tree = {
      async getData() {
        if (data === undefined) throw new ZooKeeperError('NoNode', 'no such znode')
        return { data }
      },
    } as unknown as TreeReader
    assert.equal(await clusterIdOf(tree), null)
    assert.equal(await producerIdsEnd(tree), 0)
  }
})

test('batches of operations are bounded by their count and by their bytes, and keep the order', async () => {
  for (const [count, dataBytes, sizes] of [
    [2000, 10, [900, 900, 200]],
    [5, 100_000, [2, 2, 1]],
    [2, 400_000, [1, 1]],
    [0, 0, []],
  ] as const) {
    const multis: (readonly Operation[])[] = []
    const zooKeeper = { multi: async (operations: readonly Operation[]) => void multis.push(operations) } as unknown as ZooKeeper
    const data = Buffer.alloc(dataBytes)
    const operations: Operation[] = Array.from({ length: count }, (_, i) => ({ type: 'create', path: `/${i}`, data }))
    await inBatches(zooKeeper, operations)
    assert.deepEqual([multis.map((multi) => multi.length), multis.flat()], [sizes, operations])
  }
})
