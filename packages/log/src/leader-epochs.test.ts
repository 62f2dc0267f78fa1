import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LeaderEpochs } from './leader-epochs.ts'

const epochs = (...entries: [epoch: number, startOffset: number][]) =>
  new LeaderEpochs(entries.map(([epoch, startOffset]) => ({ epoch, startOffset })))
const pairs = (of: LeaderEpochs) => of.entries.map(({ epoch, startOffset }) => [epoch, startOffset])

test('an empty cache knows nothing', () => {
  const cache = new LeaderEpochs()
  assert.equal(cache.latest, -1)
  assert.equal(cache.epochFor(0), -1)
  assert.deepEqual(cache.endOffsetFor(0, 10), { epoch: -1, endOffset: -1 })
  assert.equal(cache.truncateFromStart(5), false)
  assert.equal(cache.truncateFromEnd(0), false)
})

test('assign adds, ignores a repetition, and drops what it contradicts', () => {
  const cache = new LeaderEpochs()
  assert.equal(cache.assign(2, 10), true)
  assert.equal(cache.assign(2, 15), false)
  assert.equal(cache.assign(4, 20), true)
  assert.equal(cache.assign(5, 20), true)
  assert.deepEqual(pairs(cache), [
    [2, 10],
    [5, 20],
  ])
  assert.equal(cache.assign(3, 30), true)
  assert.deepEqual(pairs(cache), [
    [2, 10],
    [3, 30],
  ])
  assert.throws(() => cache.assign(-1, 0))
})

test('endOffsetFor follows KIP-279', () => {
  const cache = epochs([2, 10], [4, 20], [7, 30])
  const asked = (epoch: number) => Object.values(cache.endOffsetFor(epoch, 99))
  assert.deepEqual([-1, 0, 1, 2, 3, 4, 5, 6, 7, 8].map(asked), [
    [-1, -1],
    [0, 10],
    [1, 10],
    [2, 20],
    [2, 20],
    [4, 30],
    [4, 30],
    [4, 30],
    [7, 99],
    [-1, -1],
  ])
})

test('epochFor is the epoch that wrote the offset', () => {
  const cache = epochs([2, 10], [4, 20])
  assert.deepEqual(
    [9, 10, 19, 20, 1000].map((offset) => cache.epochFor(offset)),
    [-1, 2, 2, 4, 4],
  )
})

test('truncation from either end', () => {
  const cache = epochs([2, 10], [4, 20], [7, 30])
  assert.equal(cache.truncateFromStart(25), true)
  assert.deepEqual(pairs(cache), [
    [4, 25],
    [7, 30],
  ])
  assert.equal(cache.truncateFromStart(25), false)
  assert.equal(cache.truncateFromEnd(31), false)
  assert.equal(cache.truncateFromEnd(30), true)
  assert.deepEqual(pairs(cache), [[4, 25]])
  assert.equal(cache.truncateFromStart(40), true)
  assert.deepEqual(pairs(cache), [[4, 40]])
  cache.clear()
  assert.deepEqual(pairs(cache), [])
})

test('whatever is done, epochs and start offsets rise', () => {
  const step = fc.record({ what: fc.constantFrom('assign', 'end', 'start'), epoch: fc.nat(8), offset: fc.nat(40) })
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const cache = new LeaderEpochs()
      for (const { what, epoch, offset } of steps) {
        const before = JSON.stringify(cache.entries)
        const changed =
          what === 'assign' ? cache.assign(epoch, offset) : what === 'end' ? cache.truncateFromEnd(offset) : cache.truncateFromStart(offset)
        assert.equal(changed, JSON.stringify(cache.entries) !== before)
        for (let at = 1; at < cache.entries.length; at++) {
          assert(cache.entries[at]!.epoch > cache.entries[at - 1]!.epoch)
          assert(cache.entries[at]!.startOffset > cache.entries[at - 1]!.startOffset)
        }
      }
    }),
  )
})
