import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readInt64, writeInt64 } from './int64.ts'

const written = (value: number): bigint => {
  const bytes = Buffer.alloc(8)
  writeInt64(bytes, 0, value)
  return bytes.readBigInt64BE(0)
}

test('every exact whole number is written as BigInt would, and comes back', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (value) => {
      const bytes = Buffer.alloc(10)
      writeInt64(bytes, 1, value)
      assert.equal(bytes.readBigInt64BE(1), BigInt(value))
      assert.equal(readInt64(bytes, 1), value)
      assert.deepEqual([bytes[0], bytes[9]], [0, 0])
    }),
  )
})

test('the ends of the range, and the steps between the halves', () => {
  const near32 = [2 ** 31, -(2 ** 31), 2 ** 32 - 1, 2 ** 32, -(2 ** 32), -(2 ** 32) - 1]
  const exact = [0, -1, 1, ...near32, 2 ** 53, -(2 ** 53), -(2 ** 63), 2 ** 63 - 1024]
  for (const value of exact) assert.equal(written(value), BigInt(value), String(value))
  assert.equal(written(2 ** 63), 2n ** 63n - 1n)
  assert.equal(written(Infinity), 2n ** 63n - 1n)
  assert.equal(written(-(2 ** 64)), -(2n ** 63n))
  assert.equal(written(-Infinity), -(2n ** 63n))
})

test('what is beyond 2^53 is read as the nearest number, and written back as such', () => {
  fc.assert(
    fc.property(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), (value) => {
      const bytes = Buffer.alloc(8)
      bytes.writeBigInt64BE(value)
      const read = readInt64(bytes, 0)
      assert.equal(read, Number(value))
      assert.equal(Math.sign(read), value === 0n ? 0 : value < 0n ? -1 : 1)
    }),
  )
})

test('reading past the end is a RangeError', () => {
  assert.throws(() => readInt64(Buffer.alloc(7), 0), RangeError)
  assert.throws(() => readInt64(Buffer.alloc(8), 1), RangeError)
})
