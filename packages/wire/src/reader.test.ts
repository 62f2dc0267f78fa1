import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DecodeError, ITEM_COUNT_MAX, Reader } from './reader.ts'
import { Writer } from './writer.ts'

test('fixed-size values come back at the ends of their ranges', () => {
  const writer = new Writer()
  const ends = {
    int8: [-128, 127],
    int16: [-32768, 32767],
    uint16: [0, 65535],
    int32: [-2147483648, 2147483647],
    uint32: [0, 4294967295],
  } as const
  const kinds = Object.keys(ends) as (keyof typeof ends)[]
  for (const kind of kinds) for (const value of ends[kind]) writer[kind](value)
  writer.bool(true)
  writer.bool(false)
  writer.int64(-9007199254740992)
  writer.bigint64(-(2n ** 63n))
  writer.float64(Number.MIN_VALUE)
  writer.uuid('AQIDBAUGBwgJCgsMDQ4PEA')
  const reader = new Reader(writer.toBuffer())
  for (const kind of kinds) for (const value of ends[kind]) assert.equal(reader[kind](), value, kind)
  assert.equal(reader.bool(), true)
  assert.equal(reader.bool(), false)
  assert.equal(reader.int64(), -9007199254740992)
  assert.equal(reader.bigint64(), -(2n ** 63n))
  assert.equal(reader.float64(), Number.MIN_VALUE)
  assert.equal(reader.uuid(), 'AQIDBAUGBwgJCgsMDQ4PEA')
  assert.equal(reader.left, 0)
})

test('what ends too early throws, whichever the value', () => {
  const sizes = { bool: 1, int8: 1, int16: 2, uint16: 2, int32: 4, uint32: 4, int64: 8, bigint64: 8, float64: 8, uuid: 16 } as const
  for (const kind of Object.keys(sizes) as (keyof typeof sizes)[]) {
    for (let size = 0; size < sizes[kind]; size++) {
      const refused = (error: unknown): boolean => error instanceof DecodeError || error instanceof RangeError
      assert.throws(() => new Reader(Buffer.alloc(size))[kind](), refused, kind)
      assert.throws(() => new Reader(Buffer.alloc(20), 20 - size)[kind](), refused, kind)
    }
  }
})

test('text of any length and script comes back, and takes exactly its bytes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), (text) => {
      const bytes = Buffer.from(`<${text}>`)
      const reader = new Reader(bytes, 1)
      assert.equal(reader.text(bytes.length - 2), text)
      assert.equal(reader.left, 1)
    }),
  )
})

test('lengths are checked before anything is read or made', () => {
  for (const length of [-1, 5, 2147483647]) {
    assert.throws(() => new Reader(Buffer.alloc(4)).slice(length), DecodeError)
    assert.throws(() => new Reader(Buffer.alloc(4)).text(length), DecodeError)
  }
  const reader = new Reader(Buffer.alloc(12))
  assert.equal(reader.count(3, 4), 3)
  assert.throws(() => reader.count(4, 4), DecodeError)
  assert.throws(() => reader.count(2147483647, 1), DecodeError)
})

test('the items of all lists together are bounded', () => {
  const reader = new Reader(Buffer.alloc(8_000_000))
  reader.count(ITEM_COUNT_MAX - 1, 1)
  assert.throws(() => reader.count(2, 1), DecodeError)
  assert.equal(reader.count(1, 1), 1)
})

test('slices are views', () => {
  const bytes = Buffer.from([1, 2, 3, 4])
  const view = new Reader(bytes, 1).slice(2)
  bytes[1] = 9
  assert.deepEqual([...view], [9, 3])
})
