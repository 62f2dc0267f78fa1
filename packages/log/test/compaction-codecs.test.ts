import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { codecNamed } from '@ottla/protocol'
import { assertSound, Compacted, summary, type Pair } from './compacted.ts'

test('long batches are decompressed for their keys, again for what stays, and that is compressed: elsewhere, where the codec can', async () => {
  for (const [name, expected] of [
    ['zstd', 3],
    ['gzip', 3],
    ['lz4', 0],
    ['none', 0],
  ] as const) {
    const s = new Compacted(2, { segmentBytes: 1 << 20 })
    let count = 0
    const { loop } = s.host
    const elsewhere = loop.elsewhere.bind(loop)
    loop.elsewhere = (now, later) => {
      count++
      return elsewhere(now, later)
    }
    await s.begin()
    const value = randomBytes(20_000).toString('hex')
    const codec = codecNamed(name)!.id
    await s.put([...['a', 'b', 'a', 'c'].map((key): Pair => [key, value]), ['b', null]], { codec })
    await s.put([['a', 'short']], { codec })
    await s.roll()
    await s.clean()
    assert.deepEqual(summary(await s.records()), [
      [3, 'c', value],
      [4, 'b', null],
      [5, 'a', 'short'],
    ])
    assert.equal(count, expected, name)
    await assertSound(s)
    await s.do(s.home.close())
  }
})
