import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ErrorCode } from '@ottla/protocol'
import { ProducerStates } from './producer-state.ts'

const OUT_OF_ORDER = { code: ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER }
const STALE_EPOCH = { code: ErrorCode.INVALID_PRODUCER_EPOCH }

/** Appends `count` records at `offset` as the leader does; the base offset of the batch that stands for them. */
function append(
  states: ProducerStates,
  producerId: number,
  epoch: number,
  firstSequence: number,
  count: number,
  offset: number,
  transactional = false,
): number {
  const lastSequence = (firstSequence + count - 1) % 2147483648
  const duplicate = states.check(producerId, epoch, firstSequence, lastSequence, transactional)
  if (duplicate !== null) return duplicate.baseOffset
  states.update(producerId, epoch, lastSequence, offset, offset + count - 1, 1000 + offset, transactional, 1000 + offset)
  return offset
}

const marker = (producerId: number, epoch: number, offset: number, abort: boolean, coordinatorEpoch = 0) => ({
  producerId,
  epoch,
  coordinatorEpoch,
  abort,
  offset,
  timestamp: 1000 + offset,
})

test('any of the last five batches is a duplicate; an older one is out of order', () => {
  const states = new ProducerStates()
  for (let batch = 0; batch < 7; batch++) append(states, 1, 0, batch * 10, 10, batch * 10)
  for (let batch = 2; batch < 7; batch++) assert.equal(append(states, 1, 0, batch * 10, 10, 999), batch * 10)
  assert.deepEqual(
    { ...states.check(1, 0, 40, 49, false) },
    {
      firstSequence: 40,
      lastSequence: 49,
      baseOffset: 40,
      lastOffset: 49,
      timestamp: 1040,
    },
  )
  assert.throws(() => states.check(1, 0, 10, 19, false), OUT_OF_ORDER)
  assert.throws(() => states.check(1, 0, 60, 68, false), OUT_OF_ORDER)
  assert.throws(() => states.check(1, 0, 71, 80, false), OUT_OF_ORDER)
  assert.equal(states.check(1, 0, 70, 79, false), null)
})

test('an unknown producer begins anywhere, save where its batch begins a transaction by itself', () => {
  const states = new ProducerStates()
  assert.equal(states.check(9, 3, 77, 80, false), null)
  assert.equal(states.check(9, 3, 77, 80, true), null)
  assert.equal(states.check(9, 3, 0, 3, true, true), null)
  assert.throws(() => states.check(9, 3, 77, 80, true, true), OUT_OF_ORDER)
})

test('a new epoch begins with sequence 0; an old one is refused', () => {
  const states = new ProducerStates()
  append(states, 1, 5, 0, 3, 0)
  assert.throws(() => states.check(1, 6, 3, 5, false), OUT_OF_ORDER)
  assert.throws(() => states.check(1, 4, 3, 5, false), STALE_EPOCH)
  append(states, 1, 6, 0, 3, 3)
  assert.equal(append(states, 1, 6, 0, 3, 99), 3)
  assert.throws(() => states.check(1, 5, 0, 2, false), STALE_EPOCH)
  assert.equal(states.get(1)!.epoch, 6)
})

test('sequences wrap after 2147483647', () => {
  const states = new ProducerStates()
  append(states, 1, 0, 2147483640, 5, 0)
  append(states, 1, 0, 2147483645, 6, 5)
  assert.equal(states.get(1)!.lastSequence, 2)
  assert.equal(append(states, 1, 0, 2147483645, 6, 99), 5)
  assert.equal(append(states, 1, 0, 3, 1, 11), 11)
  const ending = new ProducerStates()
  append(ending, 1, 0, 2147483646, 2, 0)
  assert.equal(ending.check(1, 0, 0, 4, false), null)
})

test("a coordinator's writes have an epoch and no sequence", () => {
  const states = new ProducerStates()
  states.update(1, 2, -1, 0, 0, 1000, true, 1000)
  assert.equal(states.check(1, 2, -1, -1, true), null)
  assert.throws(() => states.check(1, 1, -1, -1, true), STALE_EPOCH)
  assert.equal(states.get(1)!.lastBatch!.firstSequence, -1)
})

test('a write outside of the open transaction is refused', () => {
  const states = new ProducerStates()
  append(states, 1, 0, 0, 1, 0, true)
  assert.throws(() => states.check(1, 0, 1, 1, false), { code: ErrorCode.INVALID_TXN_STATE })
  assert.equal(states.check(1, 0, 1, 1, true), null)
  states.complete(marker(1, 0, 1, false), 0)
  assert.equal(states.check(1, 0, 1, 1, false), null)
})

test('the first unstable offset waits for the marker to be below the high watermark', () => {
  const states = new ProducerStates()
  assert.equal(states.firstUnstableOffset, -1)
  append(states, 1, 0, 0, 5, 0, true)
  append(states, 2, 0, 0, 5, 5, true)
  append(states, 1, 0, 5, 5, 10, true)
  assert.equal(states.firstUnstableOffset, 0)
  assert.deepEqual(states.complete(marker(1, 0, 15, true), 0), {
    producerId: 1,
    firstOffset: 0,
    lastOffset: 15,
    lastStableOffset: 5,
    aborted: true,
  })
  assert.equal(states.firstUnstableOffset, 0)
  states.onHighWatermark(15)
  assert.equal(states.firstUnstableOffset, 0)
  states.onHighWatermark(16)
  assert.equal(states.firstUnstableOffset, 5)
  assert.deepEqual(states.complete(marker(2, 0, 16, false), 0), {
    producerId: 2,
    firstOffset: 5,
    lastOffset: 16,
    lastStableOffset: 17,
    aborted: false,
  })
  states.onHighWatermark(17)
  assert.equal(states.firstUnstableOffset, -1)
  assert.equal(states.endOffset, 17)
})

test('a marker without a transaction completes nothing, but its epochs count', () => {
  const states = new ProducerStates()
  assert.equal(states.complete(marker(1, 3, 0, true, 8), 0), null)
  assert.throws(() => states.check(1, 2, 0, 0, true), STALE_EPOCH)
  assert.throws(() => states.checkMarker(1, 2, 8, 1), STALE_EPOCH)
  assert.throws(() => states.checkMarker(1, 3, 7, 1), { code: ErrorCode.TRANSACTION_COORDINATOR_FENCED })
  states.checkMarker(1, 3, 8, 1)
  states.checkMarker(2, 0, 0, 1)
})

test('a marker of KIP-890 raises the epoch: only a retry after it may repeat it', () => {
  const states = new ProducerStates()
  append(states, 1, 3, 0, 5, 0, true)
  states.checkMarker(1, 3, 0, 1)
  assert.throws(() => states.checkMarker(1, 3, 0, 2), STALE_EPOCH)
  states.checkMarker(1, 4, 0, 2)
  states.complete(marker(1, 4, 5, false), 0)
  states.checkMarker(1, 4, 0, 2)
  assert.throws(() => states.check(1, 4, 5, 9, true), OUT_OF_ORDER)
  assert.equal(states.check(1, 4, 0, 4, true), null)
})

test('silent producers expire, save those with an open transaction', () => {
  const states = new ProducerStates()
  append(states, 1, 0, 0, 1, 0)
  append(states, 2, 0, 0, 1, 1, true)
  append(states, 3, 0, 0, 1, 500)
  assert.equal(states.expire(1300, 300), 1)
  assert.equal(states.get(1), undefined)
  assert.equal(states.size, 2)
  assert.equal(states.check(1, 0, 7, 7, false), null)
})

test('truncation below what is known forgets all', () => {
  const states = new ProducerStates()
  append(states, 1, 0, 0, 5, 0, true)
  states.advance(9)
  assert.equal(states.truncate(9), true)
  assert.equal(states.size, 1)
  assert.equal(states.truncate(8), false)
  assert.deepEqual([states.size, states.firstUnstableOffset, states.endOffset], [0, -1, 0])
})

test("the snapshot is Kafka's, byte for byte", () => {
  const states = new ProducerStates()
  append(states, 1000, 1, 0, 3, 0)
  append(states, 1000, 1, 3, 2, 3, true)
  const bytes = states.encodeSnapshot()
  assert.equal(
    bytes.toString('hex'),
    [
      '0001',
      bytes.subarray(2, 6).toString('hex'),
      '00000001',
      '00000000000003e8',
      '0001',
      '00000004',
      '0000000000000004',
      '00000001',
      '00000000000003eb',
      'ffffffff',
      '0000000000000003',
    ].join(''),
  )
  states.complete(marker(1000, 2, 5, true, 7), 0)
  assert.equal(
    states.encodeSnapshot().subarray(10).toString('hex'),
    ['00000000000003e8', '0002', 'ffffffff', 'ffffffffffffffff', '00000000', '00000000000003ed', '00000007', 'ffffffffffffffff'].join(''),
  )
})

test('a snapshot that is not whole is refused and changes nothing', () => {
  const states = new ProducerStates()
  append(states, 1, 0, 0, 1, 0)
  const good = states.encodeSnapshot()
  const newer = Buffer.from(good)
  newer[1] = 2
  const flipped = Buffer.from(good)
  flipped[20]! ^= 1
  const bad = [good.subarray(0, 9), good.subarray(0, good.length - 1), Buffer.concat([good, Buffer.alloc(46)]), newer, flipped]
  for (const bytes of bad) {
    assert.throws(() => states.decodeSnapshot(bytes, 'x.snapshot', 1, 0), { name: 'CorruptFileError', path: 'x.snapshot' })
    assert.equal(states.size, 1)
  }
})

test('what a snapshot restores decides as what it was made from', () => {
  const action = fc.record({
    producerId: fc.integer({ min: 1, max: 4 }),
    epochBump: fc.boolean(),
    count: fc.integer({ min: 1, max: 4 }),
    end: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
      const states = new ProducerStates()
      let offset = 0
      for (const { producerId, epochBump, count, end } of actions) {
        const state = states.get(producerId)
        const epoch = (state?.epoch ?? 0) + (epochBump ? 1 : 0)
        if (end) {
          states.complete(marker(producerId, epoch, offset++, true), 0)
          continue
        }
        const sequence = state === undefined || epochBump ? 0 : state.lastSequence + 1
        append(states, producerId, epoch, sequence, count, offset, true)
        offset += count
      }
      states.onHighWatermark(offset)
      const restored = new ProducerStates()
      restored.decodeSnapshot(states.encodeSnapshot(), 'x.snapshot', offset, 0)
      assert.deepEqual(restored.encodeSnapshot(), states.encodeSnapshot())
      assert.equal(restored.firstUnstableOffset, states.firstUnstableOffset)
      assert.equal(restored.endOffset, states.endOffset)
      for (const state of states.all()) {
        const next = state.lastSequence + 1
        assert.equal(restored.check(state.producerId, state.epoch, next, next, true), null)
        const last = state.lastBatch
        if (last !== null) {
          // the file has one timestamp a producer, a marker's if that came last
          const duplicate = restored.check(state.producerId, state.epoch, last.firstSequence, last.lastSequence, true)
          assert.deepEqual({ ...duplicate, timestamp: 0 }, { ...last, timestamp: 0 })
        }
      }
    }),
  )
})
