import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { ErrorCode, KafkaError } from '../errors.ts'
import { CODECS, codecNamed, codecOf, type Codec } from './codecs.ts'
import { compressLz4Magic0 } from './lz4.ts'
import { xxhash32 } from './xxhash32.ts'

const SIZE_MAX = 1 << 20
const compressing = CODECS.filter((codec) => codec.id !== 0)
const gzip = codecOf(1)
const snappy = codecOf(2)
const lz4 = codecOf(3)
const zstd = codecOf(4)

const isCode =
  (code: number) =>
  (error: unknown): boolean =>
    error instanceof KafkaError && error.code === code
const isCorrupt = isCode(ErrorCode.CORRUPT_MESSAGE)
const isTooLarge = isCode(ErrorCode.MESSAGE_TOO_LARGE)

/** Bytes with runs, repeats near and far, and noise: every kind of match that a decompressor knows. */
const content = fc
  .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 300 }), fc.integer({ min: 1, max: 400 })), { maxLength: 12 })
  .map((parts) => Buffer.concat(parts.flatMap(([bytes, times]) => Array.from({ length: times }, () => bytes))))
  .map((bytes) => bytes.subarray(0, SIZE_MAX))

for (const codec of compressing) {
  test(`${codec.name} gives back what it was given`, () => {
    fc.assert(
      fc.property(content, (bytes) => {
        assert.ok(codec.decompress(codec.compress(bytes), SIZE_MAX).equals(bytes))
      }),
      { numRuns: 40 },
    )
  })

  test(`${codec.name} stops at its bound, and fills it`, () => {
    const bomb = codec.compress(Buffer.alloc(SIZE_MAX))
    assert.equal(codec.decompress(bomb, SIZE_MAX).length, SIZE_MAX)
    assert.throws(() => codec.decompress(bomb, SIZE_MAX - 1), isTooLarge)
    assert.throws(() => codec.decompress(bomb, 100), isTooLarge)
  })

  test(`${codec.name} that is cut off, changed or random is answered or refused, never more`, () => {
    const whole = codec.compress(Buffer.from('a record batch '.repeat(50) + 'and an end'))
    for (let length = 0; length < whole.length; length++) refusesOrAnswers(codec, whole.subarray(0, length))
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, byte) => {
        const changed = Buffer.from(whole)
        changed[at] = byte
        refusesOrAnswers(codec, changed)
      }),
      { numRuns: 300 },
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(20), (noise, kept) => {
        refusesOrAnswers(codec, Buffer.from(noise))
        refusesOrAnswers(codec, Buffer.concat([whole.subarray(0, kept), noise]))
      }),
      { numRuns: 300 },
    )
  })
}

function refusesOrAnswers(codec: Codec, bytes: Buffer): void {
  try {
    assert.ok(codec.decompress(bytes, 4096).length <= 4096)
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
  }
}

for (const { name, compress, decompress, threaded } of compressing) {
  if (threaded === undefined) continue
  test(`${name} in other threads gives and refuses the same`, async () => {
    const plain = Buffer.from('a record batch '.repeat(5000) + 'and an end')
    for (const level of [undefined, 1, 9]) assert.ok((await threaded.compress(plain, level)).equals(compress(plain, level)))
    const whole = compress(plain)
    const twice = Buffer.concat([whole, whole])
    const inputs = [whole, twice, Buffer.alloc(0), Buffer.alloc(100, 7), whole.subarray(0, 20), whole.subarray(0, whole.length - 1)]
    for (const bytes of inputs) {
      for (const sizeMax of [SIZE_MAX, 2 * plain.length, plain.length, plain.length - 1, 1, 0]) {
        const here = outcome(() => decompress(bytes, sizeMax))
        const there: Buffer | number = await threaded.decompress(bytes, sizeMax).then((content) => content, codeOf)
        // what is both cut off and too large is refused as either
        const both = typeof here === 'number' && typeof there === 'number'
        assert.ok(both || Buffer.from(here as Buffer).equals(there as Buffer), `${bytes.length} bytes, at most ${sizeMax}`)
      }
    }
  })
}

const codeOf = (error: unknown): number => {
  assert.ok(error instanceof KafkaError)
  return error.code
}

function outcome(work: () => Buffer): Buffer | number {
  try {
    return work()
  } catch (error) {
    return codeOf(error)
  }
}

test('gzip members and zstd and lz4 frames one after another are one stream', () => {
  const first = Buffer.from('the first part, ')
  const second = Buffer.from('the second')
  const both = Buffer.concat([first, second])
  assert.deepEqual(gzip.decompress(Buffer.concat([gzipSync(first), gzipSync(second)]), 100), both)
  assert.deepEqual(zstd.decompress(Buffer.concat([zstdCompressSync(first), zstdCompressSync(second)]), 100), both)
  assert.deepEqual(lz4.decompress(Buffer.concat([lz4.compress(first), lz4.compress(second)]), 100), both)
  assert.throws(() => zstd.decompress(Buffer.concat([zstdCompressSync(first), zstdCompressSync(second)]), both.length - 1), isTooLarge)
})

test('skippable frames are skipped', () => {
  const skippable = Buffer.concat([Buffer.from([0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0]), Buffer.from('xyz')])
  const plain = Buffer.from('content')
  for (const codec of [lz4, zstd]) {
    assert.deepEqual(codec.decompress(Buffer.concat([skippable, codec.compress(plain), skippable]), 100), plain)
  }
})

test('snappy without the xerial header is one raw block', () => {
  // Length 11, a literal of 5, a copy of 6 at distance 5.
  const raw = Buffer.from([11, 4 << 2, ...Buffer.from('hello'), (2 << 2) | 1, 5])
  assert.equal(snappy.decompress(raw, 100).toString(), 'hellohelloh')
})

test('a snappy block that claims more than it can hold allocates nothing', () => {
  const claim = Buffer.from([0xff, 0xff, 0xff, 0x7f, 0, 65])
  assert.throws(() => snappy.decompress(claim, 1 << 30), isCorrupt)
  assert.throws(() => snappy.decompress(claim, 1 << 20), isTooLarge)
})

test('snappy written in several goes repeats its header', () => {
  const part = snappy.compress(Buffer.from('part '))
  assert.equal(snappy.decompress(Buffer.concat([part, part]), 100).toString(), 'part part ')
})

test('an lz4 frame is written as Kafka writes it', () => {
  const frame = lz4.compress(Buffer.from('x'))
  assert.equal(frame.toString('hex'), '04224d18604082010000807800000000')
  assert.equal(compressLz4Magic0(Buffer.from('x'))[6], 0x1a)
  assert.equal(lz4.decompress(compressLz4Magic0(Buffer.from('x')), 10).toString(), 'x')
})

/** A frame of 4 MiB blocks with every checksum, its content's size, and blocks that refer to one another. */
function frameOfEverything(): Buffer {
  const header = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x5c, 0x70, 0, 0, 0, 0, 0, 0, 0, 0, 0])
  const text = 'hello hello hello and bye'
  header.writeUInt32LE(text.length, 6)
  header[14] = (xxhash32(header, 4, 14) >>> 8) & 255
  // 6 literals, then a match of 12 at distance 6; and in the second block a match of 5 before it, literals after.
  const first = Buffer.from([0x68, ...Buffer.from('hello '), 6, 0, 0x00])
  const second = Buffer.from([0x70, ...Buffer.from('and bye')])
  const blocks = [first, second].map((block) => {
    const whole = Buffer.alloc(block.length + 8)
    whole.writeUInt32LE(block.length, 0)
    block.copy(whole, 4)
    whole.writeUInt32LE(xxhash32(block), block.length + 4)
    return whole
  })
  const end = Buffer.alloc(8)
  end.writeUInt32LE(xxhash32(Buffer.from(text)), 4)
  return Buffer.concat([header, ...blocks, end])
}

test('an lz4 frame with block and content checksums and a content size is read, and each is verified', () => {
  const frame = frameOfEverything()
  assert.equal(lz4.decompress(frame, 100).toString(), 'hello hello hello and bye')
  for (let at = 0; at < frame.length; at++) {
    const changed = Buffer.from(frame)
    changed[at]! ^= 0x10
    assert.throws(() => lz4.decompress(changed, 100), KafkaError, `byte ${at} changed`)
  }
})

test('linked lz4 blocks reach back into the block before, independent ones may not', () => {
  const frame = (flags: number): Buffer => {
    const header = Buffer.from([0x04, 0x22, 0x4d, 0x18, flags, 0x40, 0])
    header[6] = (xxhash32(header, 4, 6) >>> 8) & 255
    const first = Buffer.from([8, 0, 0, 0x80, ...Buffer.from('abcdefgh')])
    // No literals, a match of 8 at distance 8, then one literal.
    const second = Buffer.from([5, 0, 0, 0, 0x04, 8, 0, 0x10, '!'.charCodeAt(0)])
    return Buffer.concat([header, first, second, Buffer.alloc(4)])
  }
  assert.equal(lz4.decompress(frame(0x40), 100).toString(), 'abcdefghabcdefgh!')
  assert.throws(() => lz4.decompress(frame(0x60), 100), isCorrupt)
})

test('xxhash32 is the published function', () => {
  assert.equal(xxhash32(Buffer.alloc(0)), 0x02cc5d05)
  assert.equal(xxhash32(Buffer.from('Nobody inspects the spammish repetition')), 0xe2293b2f)
})

test('what is malformed is refused for what it is', () => {
  const lz4Frame = (flags: number, descriptor: number, ...rest: number[]): Buffer => {
    const header = Buffer.from([0x04, 0x22, 0x4d, 0x18, flags, descriptor, 0, ...rest])
    header[6] = (xxhash32(header, 4, 6) >>> 8) & 255
    return header
  }
  const lz4Block = (...block: number[]): Buffer => lz4Frame(0x60, 0x40, block.length & 255, block.length >> 8, 0, 0, ...block, 0, 0, 0, 0)
  const cases: [Codec, Buffer, RegExp][] = [
    [lz4, Buffer.alloc(0), /no frame/],
    [lz4, Buffer.from([0x50, 0x2a, 0x4d, 0x18, 9, 0, 0, 0, 1]), /skippable/],
    [lz4, lz4Frame(0xa0, 0x40, 0, 0, 0, 0), /version 2/],
    [lz4, lz4Frame(0x62, 0x40, 0, 0, 0, 0), /reserved/],
    [lz4, lz4Frame(0x61, 0x40, 0, 0, 0, 0), /dictionary/],
    [lz4, lz4Frame(0x60, 0x30, 0, 0, 0, 0), /block size/],
    [lz4, lz4Frame(0x68, 0x40, 0, 0), /frame header/],
    [lz4, lz4Frame(0x60, 0x40, 1, 0, 1, 0x80), /larger than its frame allows/],
    [lz4, lz4Frame(0x64, 0x40, 0, 0, 0, 0, 1), /content checksum/],
    [lz4, lz4Block(0xf0), /literal length/],
    [lz4, lz4Block(0x30, 1, 2), /inside its literals/],
    [lz4, lz4Block(0x10, 1, 1), /match offset/],
    [lz4, lz4Block(0x10, 1, 0, 0), /before the start/],
    [lz4, lz4Block(0x1f, 1, 1, 0), /match length/],
    [lz4, lz4Block(0x1f, 1, 1, 0, ...Array.from({ length: 260 }, () => 255), 0, 0), /more than its frame allows/],
    [snappy, Buffer.from([0x80]), /inside its length/],
    [snappy, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 1]), /32 bits/],
    [snappy, Buffer.from([100, 0, 65]), /claims to hold 100/],
    [snappy, Buffer.from([4, 60 << 2]), /literal length/],
    [snappy, Buffer.from([4, 3 << 2, 65]), /inside its literals/],
    [snappy, Buffer.from([1, 1 << 2, 65, 66]), /more than it claims/],
    [snappy, Buffer.from([5, 0, 65, 1]), /inside a copy/],
    [snappy, Buffer.from([5, 0, 65, 2, 1]), /inside a copy/],
    [snappy, Buffer.from([5, 0, 65, 1, 2]), /before the start/],
    [snappy, Buffer.from([4, 0, 65, 1, 1]), /more than it claims/],
    [snappy, Buffer.from([4, 0, 65]), /less than it claims/],
    [zstd, Buffer.from([0x50, 0x2a, 0x4d, 0x18, 1, 0, 0]), /skippable/],
    [zstd, Buffer.from([0x50, 0x2a, 0x4d, 0x18, 9, 0, 0, 0, 1]), /inside a frame/],
    [zstd, Buffer.from('not zstd'), /other bytes/],
    [zstd, zstdCompressSync(Buffer.from('cut')).subarray(0, -1), /inside a frame/],
    [gzip, Buffer.from('not gzip'), /header/],
  ]
  for (const [codec, bytes, sentence] of cases) {
    const isRefused = (error: unknown): boolean => isCorrupt(error) && sentence.test((error as Error).message)
    assert.throws(() => codec.decompress(bytes, 4096), isRefused, `${sentence}`)
  }
  const wrongSize = frameOfEverything()
  wrongSize[6]!--
  wrongSize[14] = (xxhash32(wrongSize, 4, 14) >>> 8) & 255
  assert.throws(() => lz4.decompress(wrongSize, 100), /a frame says 24 bytes and holds 25/)
})

test('levels change the size', () => {
  const bytes = Buffer.from(Array.from({ length: 3000 }, (_, i) => `line ${(i * 7919) % 1000}`).join('\n'))
  assert.ok(gzip.compress(bytes, 9).length < gzip.compress(bytes, 1).length)
  assert.ok(zstd.compress(bytes, 19).length < zstd.compress(bytes, -20).length)
})

test('codecs are found by name and by id', () => {
  assert.equal(codecNamed('zstd')?.id, 4)
  assert.equal(codecNamed('brotli'), undefined)
  assert.throws(() => codecOf(5), isCode(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE))
})
