import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BatchBuilder, buildEndTransactionMarker, recordBatch } from '@ottla/protocol'
import { ConsumedBatch, cutParts, type Part } from './consumed-batch.ts'

function batch(baseOffset: number, values: string[], producerId = -1): Buffer {
  const isTransactional = producerId >= 0
  const builder = new BatchBuilder({ baseOffset, producerId, producerEpoch: 0, baseSequence: 0, isTransactional, leaderEpoch: 3 })
  for (const value of values) builder.append(null, Buffer.from(value), [], 1000)
  return builder.build()
}

const marker = (baseOffset: number, producerId: number, isCommit: boolean): Buffer =>
  buildEndTransactionMarker({ isCommit, producerId, producerEpoch: 0, coordinatorEpoch: 0, timestamp: 1000, baseOffset })

function valuesOf(parts: readonly Part[]): string[] {
  return parts.flatMap((part) => new ConsumedBatch('t', 0, part, 100, true).records.map(({ value }) => String(value)))
}

test('records from the offset asked for on; a batch that ends elsewhere is left', () => {
  const bytes = Buffer.concat([batch(0, ['a', 'b', 'c']), batch(3, ['d']), batch(4, ['e']).subarray(0, 65)])
  const parts = cutParts(bytes, 1, null)
  assert.deepEqual(valuesOf(parts), ['b', 'c', 'd'])
  assert.deepEqual(
    parts.map(({ nextOffset, leaderEpoch }) => [nextOffset, leaderEpoch]),
    [[4, 3]],
  )
  const consumed = new ConsumedBatch('t', 0, parts[0]!, 100, true)
  assert.equal(consumed.recordCount, 3)
  assert.equal(new ConsumedBatch('t', 0, cutParts(bytes, 0, null)[0]!, 100, true).recordCount, 4)
})

test('read committed leaves out aborted transactions and all markers; read uncommitted the markers', () => {
  const bytes = Buffer.concat([
    batch(0, ['a1'], 1),
    batch(1, ['b1'], 2),
    batch(2, ['plain']),
    marker(3, 1, false),
    batch(4, ['a2'], 1),
    marker(5, 2, true),
    marker(6, 1, true),
  ])
  const aborted = [{ producerId: 1, firstOffset: 0 }]
  assert.deepEqual(valuesOf(cutParts(bytes, 0, aborted)), ['b1', 'plain', 'a2'])
  assert.deepEqual(valuesOf(cutParts(bytes, 0, null)), ['a1', 'b1', 'plain', 'a2'])
  assert.equal(cutParts(bytes, 0, aborted).at(-1)!.nextOffset, 7)
})

test('what is only markers moves the position and shows nothing', () => {
  const [part] = cutParts(marker(0, 1, true), 0, [])
  assert.deepEqual([part!.positions.length, part!.nextOffset], [0, 1])
})

test('many records are cut into several parts', () => {
  const bytes = Buffer.concat(
    Array.from({ length: 10 }, (_, i) =>
      batch(
        i * 1000,
        Array.from({ length: 1000 }, (_, j) => `v${j}`),
      ),
    ),
  )
  const parts = cutParts(bytes, 0, null)
  assert.ok(parts.length > 3)
  assert.equal(valuesOf(parts).length, 10_000)
})

test('a flipped bit that makes a batch of data look like control does not hide it', () => {
  const bytes = Buffer.concat([batch(0, ['a']), batch(1, ['b']), batch(2, ['c'])])
  const second = batch(0, ['a']).length
  bytes[second + 22]! ^= 0x20
  assert.deepEqual(valuesOf(cutParts(bytes, 0, null, true)), ['a'])
  assert.throws(() => cutParts(bytes.subarray(second), 1, null, true), /offset 1 has a wrong checksum/)
  assert.deepEqual(valuesOf(cutParts(bytes, 0, null)), ['a', 'c'])
})

test('damage is found when records are read', () => {
  const bytes = batch(0, ['aaaa'])
  bytes[bytes.length - 3]! ^= 1
  assert.throws(() => valuesOf(cutParts(bytes, 0, null)), /checksum/)
  assert.equal(recordBatch.crcIsRight(bytes, 0), false)
})
