import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DecodeError, Reader } from './reader.ts'
import { sizeOfVarint, sizeOfVarlong, writeVarint, writeVarlong } from './varint.ts'
import { Writer } from './writer.ts'

/** Values and their bytes as the zig-zag definition has them. */
const VARINTS: readonly [number, string][] = [
  [0, '00'],
  [-1, '01'],
  [1, '02'],
  [-2, '03'],
  [63, '7e'],
  [-64, '7f'],
  [64, '8001'],
  [-65, '8101'],
  [8191, 'fe7f'],
  [-8192, 'ff7f'],
  [8192, '808001'],
  [2147483647, 'feffffff0f'],
  [-2147483648, 'ffffffff0f'],
]

test('varints are of the known bytes', () => {
  for (const [value, hex] of VARINTS) {
    const bytes = Buffer.alloc(sizeOfVarint(value))
    assert.equal(writeVarint(bytes, 0, value), bytes.length)
    assert.equal(bytes.toString('hex'), hex)
    assert.equal(new Reader(bytes).varint(), value)
    const long = Buffer.alloc(sizeOfVarlong(value))
    assert.equal(writeVarlong(long, 0, value), long.length)
    assert.equal(long.toString('hex'), hex)
    assert.equal(new Reader(long).varlong(), value)
    const writer = new Writer()
    writer.varint(value)
    assert.equal(writer.toBuffer().toString('hex'), hex)
  }
})

test('a varint of any int32 comes back', () => {
  fc.assert(
    fc.property(fc.integer(), (value) => {
      const bytes = Buffer.alloc(5)
      const end = writeVarint(bytes, 0, value)
      assert.equal(end, sizeOfVarint(value))
      const reader = new Reader(bytes)
      assert.equal(reader.varint(), value)
      assert.equal(reader.at, end)
    }),
  )
})

test('a varlong of any exact whole number comes back', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (value) => {
      // A zig-zag value is twice as large, so the last bit is not exact; and there is no -0.
      const exact = Math.trunc(value / 2) + 0
      const bytes = Buffer.alloc(10)
      const end = writeVarlong(bytes, 0, exact)
      assert.equal(end, sizeOfVarlong(exact))
      const reader = new Reader(bytes)
      assert.equal(reader.varlong(), exact)
      assert.equal(reader.at, end)
    }),
  )
})

test('a varlong beyond 2^53 keeps its sign and its size', () => {
  const zigzag = (value: bigint): Buffer => {
    let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
    const bytes: number[] = []
    for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
    return Buffer.from([...bytes, Number(rest)])
  }
  const ends = [-(2n ** 63n), 2n ** 63n - 1n, -(2n ** 53n) - 1n, 2n ** 53n + 1n, -(2n ** 60n)]
  for (const value of ends) assert.equal(new Reader(zigzag(value)).varlong(), Number(value))
  fc.assert(
    fc.property(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), (value) => {
      const read = new Reader(zigzag(value)).varlong()
      assert.ok(Math.abs(read - Number(value)) <= 2048, `${value} was read as ${read}`)
    }),
  )
})

test('unsigned varints of any uint32 come back', () => {
  fc.assert(
    fc.property(fc.nat(0xffffffff), (value) => {
      const writer = new Writer()
      writer.uvarint(value)
      const reader = new Reader(writer.toBuffer())
      assert.equal(reader.uvarint(), value)
      assert.equal(reader.left, 0)
    }),
  )
})

test('varints that are too long or end early are refused', () => {
  for (const hex of ['', '80', 'ffffffff', 'ffffffff1f', 'ffffffffff01']) {
    assert.throws(() => new Reader(Buffer.from(hex, 'hex')).uvarint(), DecodeError, hex)
    assert.throws(() => new Reader(Buffer.from(hex, 'hex')).varint(), DecodeError, hex)
  }
  for (const hex of ['', '80', 'ff'.repeat(9), 'ff'.repeat(9) + '02', 'ff'.repeat(10) + '00']) {
    assert.throws(() => new Reader(Buffer.from(hex, 'hex')).varlong(), DecodeError, hex)
  }
})
