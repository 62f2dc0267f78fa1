import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Writer, type Chunk } from './writer.ts'

const joined = (chunks: Chunk[]): Buffer => Buffer.concat(chunks as Buffer[])

test('no two messages share bytes, however many writers are open at once', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(4), fc.nat(9000), fc.nat(255)), { maxLength: 60 }), (steps) => {
      const open = new Map<number, { writer: Writer; wrote: Buffer[] }>()
      const finished: { chunks: Chunk[]; wrote: Buffer }[] = []
      for (const [slot, size, fill] of steps) {
        const one = open.get(slot) ?? { writer: new Writer(), wrote: [] }
        open.set(slot, one)
        const piece = Buffer.alloc(size, fill)
        one.writer.bytes(piece)
        one.wrote.push(Buffer.from(piece))
        one.writer.int16(size)
        one.wrote.push(Buffer.from([size >> 8, size & 255]))
        if (fill % 3 !== 0) continue
        finished.push({ chunks: one.writer.done(), wrote: Buffer.concat(one.wrote) })
        open.delete(slot)
      }
      for (const { writer, wrote } of open.values()) {
        assert.equal(writer.length, Buffer.concat(wrote).length)
        finished.push({ chunks: writer.done(), wrote: Buffer.concat(wrote) })
      }
      for (const { chunks, wrote } of finished) assert.equal(Buffer.compare(joined(chunks), wrote), 0)
    }),
  )
})

test('small messages are cut from one arena, each after the other', () => {
  const message = (value: number): Buffer => {
    const writer = new Writer()
    writer.int32(value)
    return writer.toBuffer()
  }
  const first = message(1)
  const second = message(2)
  assert.equal(first.buffer, second.buffer)
  assert.equal(second.byteOffset, first.byteOffset + 4)
  assert.deepEqual([first.readInt32BE(), second.readInt32BE()], [1, 2])
})

test('a message larger than an arena, by small values and by one string', () => {
  const writer = new Writer()
  for (let i = 0; i < 20_000; i++) writer.int32(i)
  writer.string('é'.repeat(16_000))
  writer.compactString('x'.repeat(100_000))
  assert.equal(writer.length, 80_000 + 2 + 32_000 + 3 + 100_000)
  const bytes = writer.toBuffer()
  assert.equal(bytes.length, 212_005)
  for (let i = 0; i < 20_000; i++) assert.equal(bytes.readInt32BE(i * 4), i)
  assert.equal(bytes.toString('utf8', 80_002, 112_002), 'é'.repeat(16_000))
  assert.equal(bytes.toString('latin1', 112_005), 'x'.repeat(100_000))
})

test('large bytes and extents stay where they are; small bytes are copied', () => {
  const large = Buffer.alloc(600, 1)
  const small = Buffer.alloc(100, 2)
  const extent = { length: 5_000_000 }
  const writer = new Writer()
  writer.int8(7)
  writer.bytes(large)
  writer.bytes(small)
  writer.chunk(extent)
  writer.chunk(Buffer.alloc(0))
  writer.int8(8)
  assert.equal(writer.length, 1 + 600 + 100 + 5_000_000 + 1)
  small.fill(9)
  const chunks = writer.done()
  assert.deepEqual(
    chunks.map((chunk) => chunk.length),
    [1, 600, 100, 5_000_000, 1],
  )
  assert.equal((chunks[1] as Buffer).buffer, large.buffer)
  assert.equal((chunks[2] as Buffer)[0], 2)
  assert.equal(chunks[3], extent)
})

test('a Uint8Array that is a view is sent as that view', () => {
  const writer = new Writer()
  writer.bytes(new Uint8Array(new ArrayBuffer(2000), 100, 700).fill(3))
  const bytes = writer.toBuffer()
  assert.equal(bytes.length, 700)
  assert.ok(bytes.every((byte) => byte === 3))
})

test('what another writer gathered is taken over in order', () => {
  const outer = new Writer()
  const inner = new Writer()
  const innermost = new Writer()
  outer.int8(1)
  inner.int8(2)
  innermost.bytes(Buffer.alloc(2000, 3))
  innermost.int8(4)
  inner.append(innermost)
  inner.chunk({ length: 10 })
  inner.int8(5)
  outer.append(inner)
  outer.int8(6)
  assert.equal(outer.length, 1 + 1 + 2000 + 1 + 10 + 1 + 1)
  const sizes = outer.done().map((chunk) => (Buffer.isBuffer(chunk) ? [...new Set(chunk)].join() : 'extent'))
  assert.deepEqual(sizes, ['1,2', '3', '4', 'extent', '5,6'])
})

test('the length in front is set last, whether or not the message has grown beyond its first chunk', () => {
  for (const size of [0, 10, 600, 40_000]) {
    const writer = new Writer()
    writer.int32(0)
    for (let i = 0; i < size; i++) writer.int8(1)
    writer.bytes(Buffer.alloc(size))
    writer.patchInt32(writer.length - 4)
    const bytes = writer.toBuffer()
    assert.equal(bytes.readInt32BE(0), size * 2)
    assert.equal(bytes.length, 4 + size * 2)
  }
})

test('what does not fit is refused', () => {
  assert.throws(() => new Writer().string('x'.repeat(32768)), RangeError)
  assert.throws(() => new Writer().int16(32768), RangeError)
  for (const text of ['', 'AAAA', 'not a uuid at all', 'A'.repeat(43)]) assert.throws(() => new Writer().uuid(text), RangeError, text)
})

test('text that is not well formed takes the room that it was given', () => {
  const writer = new Writer()
  writer.string('\ud800')
  writer.int8(1)
  assert.equal(writer.toBuffer().toString('hex'), '0003efbfbd01')
})
