import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ZooKeeperError, type TreeReader } from '@ottla/zookeeper'
import { producerIdsEnd } from './producer-ids.ts'
import { clusterIdOf } from './znodes.ts'

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
