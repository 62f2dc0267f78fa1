import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CODECS, DECOMPRESSED_BYTES_MAX } from '../compression/codecs.ts'
import { KafkaError } from '../errors.ts'
import { BatchBuilder, type BatchOptions } from './batch-builder.ts'
import { downConvert, recompress, upConvert } from './conversion.ts'
import type { KafkaRecord } from './kafka-record.ts'
import { validateProduced, type ProduceRules } from './produce-validation.ts'
import * as recordBatch from './record-batch.ts'
import { decodeBatch, readRecords } from './record-reader.ts'

type Row = Omit<KafkaRecord, 'offset'>

const bytes = fc.option(
  fc.uint8Array({ maxLength: 300 }).map((value) => Buffer.from(value)),
  { freq: 4 },
)
const someHeaders = fc.array(fc.record({ key: fc.string({ unit: 'grapheme', maxLength: 40 }), value: bytes }, { noNullPrototype: true }), {
  maxLength: 4,
})
const timestamp = fc.oneof(
  fc.integer({ min: 1_699_999_999_000, max: 1_700_000_001_000 }),
  fc.nat({ max: 2 ** 31 - 1 }).map((step) => step * 2 ** 19),
  fc.constantFrom(-1, 0, 2 ** 31, 2 ** 32, 2 ** 35),
)
const row: fc.Arbitrary<Row> = fc.record({ timestamp, key: bytes, value: bytes, headers: someHeaders }, { noNullPrototype: true })
const rows = fc.array(row, { minLength: 1, maxLength: 80 })

const rules: ProduceRules = {
  apiVersion: 9,
  now: 0,
  batchBytesMax: 1 << 30,
  decompressedBytesMax: DECOMPRESSED_BYTES_MAX,
  isCompacted: false,
  timestampType: 'CreateTime',
  timestampBeforeMsMax: Infinity,
  timestampAfterMsMax: Infinity,
}

function build(records: readonly Row[], options: BatchOptions = {}): Buffer {
  const builder = new BatchBuilder(options)
  for (const record of records) assert.ok(builder.append(record.key, record.value, record.headers, record.timestamp))
  return builder.build()
}

const withoutBatch = ({ offset, timestamp, key, value, headers }: KafkaRecord): KafkaRecord => ({ offset, timestamp, key, value, headers })
const atOffsets = (records: readonly Row[], first: number): KafkaRecord[] => records.map((record, i) => ({ offset: first + i, ...record }))

for (const codec of CODECS) {
  test(`what is built with ${codec.name} is valid and is read again`, () => {
    fc.assert(
      fc.property(rows, fc.nat(2 ** 31), (records, baseOffset) => {
        const batch = build(records, { codec: codec.id })
        const before = Buffer.from(batch)
        validateProduced(batch, 0, batch.length, rules)
        assert.deepEqual(batch, before)
        recordBatch.setBaseOffset(batch, 0, baseOffset)
        assert.deepEqual(decodeBatch(batch, 0), atOffsets(records, baseOffset))
      }),
      { numRuns: 60 },
    )
  })

  test(`a batch of ${codec.name} recompressed keeps its records and its header`, () => {
    const records: Row[] = [{ timestamp: 5, key: null, value: Buffer.alloc(300, 'x'), headers: [] }]
    const producer = { producerId: 3, producerEpoch: 1, baseSequence: 4, isTransactional: true }
    const batch = build(records, { codec: codec.id, baseOffset: 9, ...producer })
    for (const other of CODECS) {
      const made = recompress(batch, 0, other.id)
      assert.deepEqual(decodeBatch(made, 0), atOffsets(records, 9))
      assert.equal(recordBatch.codec(made, 0), other.id)
      assert.ok(recordBatch.isTransactional(made, 0))
      assert.equal(recordBatch.lastSequence(made, 0), 4)
    }
  })

  if (codec.name === 'zstd') continue
  test(`${codec.name} down to magic 0 and 1 and up again keeps what those formats have`, () => {
    fc.assert(
      fc.property(rows, fc.constantFrom(0, 1), fc.nat(1000), (records, magic, baseOffset) => {
        const old = downConvert(build(records, { codec: codec.id, baseOffset }), magic as 0 | 1, 0)
        const kept = records.map((record) => ({ ...record, headers: [], timestamp: magic === 0 ? -1 : record.timestamp }))
        assert.deepEqual([...readRecords(old)].map(withoutBatch), atOffsets(kept, baseOffset))
        const up = upConvert(old, 0, old.length, { magic: magic as 0 | 1 })
        validateProduced(up, 0, up.length, rules)
        assert.deepEqual(decodeBatch(up, 0), atOffsets(kept, 0))
      }),
      { numRuns: 30 },
    )
  })
}

/** One batch of each magic, compressed and not: what a directory of many years may hold. */
function manyYears(): Buffer {
  const records: Row[] = Array.from({ length: 4 }, (_, i) => ({ timestamp: i, key: Buffer.from(`k${i}`), value: null, headers: [] }))
  const parts: Buffer[] = []
  for (const magic of [0, 1] as const) {
    for (const codec of [0, 1]) parts.push(downConvert(build(records, { codec, baseOffset: parts.length * 4 }), magic, 0))
  }
  for (const codec of [0, 4]) parts.push(build(records, { codec, baseOffset: parts.length * 4 }))
  return Buffer.concat(parts)
}

test('batches of every magic are read in one go, from any offset, up to wherever the bytes end', () => {
  const log = manyYears()
  const offsets = (read: Buffer, fromOffset = 0): number[] => [...readRecords(read, { fromOffset })].map((record) => record.offset)
  const all = Array.from({ length: 24 }, (_, i) => i)
  assert.deepEqual(offsets(log), all)
  for (const from of all) assert.deepEqual(offsets(log, from), all.slice(from))
  let before = 0
  for (let length = 0; length <= log.length; length++) {
    const found = offsets(log.subarray(0, length))
    assert.deepEqual(found, all.slice(0, found.length))
    assert.ok(found.length >= before)
    before = found.length
  }
  assert.equal(before, 24)
})

test('damaged and random bytes are read or refused by a KafkaError', () => {
  const log = manyYears()
  const survive = (read: Buffer): void => {
    for (const checkCrc of [true, false]) {
      try {
        for (const record of readRecords(read, { checkCrc, decompressedBytesMax: 1 << 16 })) assert.equal(typeof record.offset, 'number')
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error
      }
    }
    for (const magic of [0, 1] as const) {
      const up = (): Buffer => upConvert(read, 0, read.length, { magic })
      const down = (): Buffer => downConvert(read, magic, 0, 1 << 16)
      for (const convert of [up, down]) {
        try {
          convert()
        } catch (error) {
          if (!(error instanceof KafkaError)) throw error
        }
      }
    }
  }
  fc.assert(
    fc.property(fc.nat(log.length - 1), fc.uint8Array({ minLength: 1, maxLength: 4 }), (at, noise) => {
      const damaged = Buffer.from(log)
      damaged.set(noise.subarray(0, log.length - at), at)
      survive(damaged)
    }),
    { numRuns: 1500 },
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 150 }), fc.constantFrom(0, 1, 2), (noise, magic) => {
      const random = Buffer.from(noise)
      survive(random)
      if (random.length < 17) return
      random.writeInt32BE(random.length - 12, 8)
      random[16] = magic
      survive(random)
    }),
    { numRuns: 500 },
  )
})

test('a count of records is not believed', () => {
  const batch = build([{ timestamp: 0, key: null, value: null, headers: [] }])
  batch.writeInt32BE(0x7fffffff, 57)
  assert.throws(() => decodeBatch(batch, 0, { checkCrc: false }), KafkaError)
})

test('a compressed wrapper of magic 1 with its own relative offsets and append time', () => {
  const records: Row[] = [1, 2, 3].map((at) => ({ timestamp: at, key: null, value: Buffer.from(`${at}`), headers: [] }))
  const old = downConvert(build(records, { codec: 1, baseOffset: 50, timestampType: 'LogAppendTime', logAppendTime: 99 }), 1, 0)
  assert.equal(recordBatch.baseOffset(old, 0), 52)
  recordBatch.setBaseOffset(old, 0, 1052)
  const read = [...readRecords(old)]
  assert.deepEqual(
    read.map((record) => record.offset),
    [1050, 1051, 1052],
  )
  assert.deepEqual(
    read.map((record) => record.timestamp),
    [99, 99, 99],
  )
  assert.equal(read[0]!.batch.timestampType, 'LogAppendTime')
})

test('the way down leaves out control batches and refuses zstd', () => {
  const one: Row[] = [{ timestamp: 0, key: null, value: null, headers: [] }]
  const control = build(one, { isControl: true, isTransactional: true, producerId: 1, producerEpoch: 0 })
  assert.equal(downConvert(control, 1, 0).length, 0)
  assert.throws(() => downConvert(build(one, { codec: 4 }), 1, 0), KafkaError)
})

test('the way up refuses damage, other magic, emptiness and bombs', () => {
  const one: Row[] = [{ timestamp: 0, key: null, value: Buffer.alloc(100_000), headers: [] }]
  const old = downConvert(build(one, { codec: 1 }), 1, 0)
  assert.throws(() => upConvert(old, 0, old.length, { magic: 0 }), KafkaError)
  assert.throws(() => upConvert(old, 0, 0, { magic: 1 }), KafkaError)
  assert.throws(() => upConvert(old, 0, old.length - 1, { magic: 1 }), KafkaError)
  assert.throws(() => upConvert(old, 0, old.length, { magic: 1, decompressedBytesMax: 99_999 }), KafkaError)
  const damaged = Buffer.from(old)
  damaged[damaged.length - 1]! ^= 1
  assert.throws(() => upConvert(damaged, 0, damaged.length, { magic: 1 }), KafkaError)
})

test('a builder keeps to its limit, and takes the first record whatever its size', () => {
  const value = Buffer.alloc(100)
  const builder = new BatchBuilder({ sizeBytesMax: 500 })
  let count = 0
  while (builder.append(null, value, [], 0)) count++
  assert.equal(count, 4)
  assert.equal(builder.recordCount, 4)
  const estimated = builder.estimatedBytes
  const batch = builder.build()
  assert.equal(batch.length, estimated)
  assert.ok(batch.length <= 500)
  const large = new BatchBuilder({ sizeBytesMax: 500 })
  assert.ok(large.append(null, Buffer.alloc(600), [], 0))
  assert.equal(large.append(null, null, [], 0), false)
  assert.equal(decodeBatch(large.build(), 0)[0]!.value!.length, 600)
})

test('a builder that expects compression takes more', () => {
  const builder = new BatchBuilder({ sizeBytesMax: 500, codec: 4, compressionRatio: 0.1 })
  let count = 0
  while (builder.append(null, Buffer.alloc(100, count), [], count)) count++
  assert.ok(count > 30)
  assert.equal(decodeBatch(builder.build(), 0).length, count)
})
