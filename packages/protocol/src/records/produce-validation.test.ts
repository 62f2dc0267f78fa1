import assert from 'node:assert/strict'
import { test } from 'node:test'
import { writeInt64, writeVarint } from '@ottla/wire'
import fc from 'fast-check'
import { CODECS, DECOMPRESSED_BYTES_MAX } from '../compression/codecs.ts'
import { ErrorCode, KafkaError } from '../errors.ts'
import { BatchBuilder, type BatchOptions } from './batch-builder.ts'
import { buildEndTransactionMarker } from './control-record.ts'
import { RecordValidationError, validateProduced, type ProduceRules } from './produce-validation.ts'
import * as recordBatch from './record-batch.ts'

const NOW = 1_700_000_000_000
const rules: ProduceRules = {
  apiVersion: 9,
  now: NOW,
  batchBytesMax: 1048588,
  decompressedBytesMax: DECOMPRESSED_BYTES_MAX,
  isCompacted: false,
  timestampType: 'CreateTime',
  timestampBeforeMsMax: Infinity,
  timestampAfterMsMax: 3_600_000,
}

interface Row {
  readonly key?: string
  readonly value?: string
  readonly timestamp?: number
}

function batch(rows: readonly Row[] = [{}, {}, {}], options: BatchOptions = {}): Buffer {
  const builder = new BatchBuilder(options)
  for (const { key, value = 'value', timestamp = NOW } of rows) {
    builder.append(key === undefined ? null : Buffer.from(key), Buffer.from(value), [{ key: 'h', value: null }], timestamp)
  }
  return builder.build()
}

function validate(bytes: Buffer, changed: Partial<ProduceRules> = {}): void {
  validateProduced(bytes, 0, bytes.length, { ...rules, ...changed })
}

function refuses(code: number, bytes: Buffer, changed: Partial<ProduceRules> = {}, sentence = /./): KafkaError {
  let thrown: unknown
  try {
    validate(bytes, changed)
  } catch (error) {
    thrown = error
  }
  assert.ok(thrown instanceof KafkaError, String(thrown))
  assert.equal(thrown.code, code, thrown.message)
  assert.match(thrown.message, sentence)
  return thrown
}

/** The batch with bytes changed and a right checksum. */
function edited(bytes: Buffer, edit: (bytes: Buffer) => void): Buffer {
  const copy = Buffer.from(bytes)
  edit(copy)
  recordBatch.setCrc(copy, 0)
  return copy
}

for (const codec of CODECS) {
  test(`accepts a batch of ${codec.name} anywhere in its frame, and changes nothing`, () => {
    const made = batch([{ key: 'a' }, { timestamp: NOW - 5000 }, { value: 'x'.repeat(500) }], { codec: codec.id })
    const frame = Buffer.concat([Buffer.alloc(13), made, Buffer.alloc(9)])
    const before = Buffer.from(frame)
    validateProduced(frame, 13, 13 + made.length, rules)
    assert.deepEqual(frame, before)
  })

  test(`finds a wrong record inside ${codec.name}`, () => {
    // The second record's offset delta says 2.
    const plain = edited(batch(), (bytes) => {
      const recordSize = 1 + (bytes[61]! >> 1)
      assert.equal(bytes[61 + recordSize + 3], 2)
      bytes[61 + recordSize + 3] = 4
    })
    const records = codec.compress(plain.subarray(61))
    const made = Buffer.concat([plain.subarray(0, 61), records])
    made.writeInt32BE(made.length - 12, 8)
    refuses(
      ErrorCode.INVALID_RECORD,
      edited(made, (bytes) => bytes.writeInt16BE(codec.id, 21)),
    )
  })
}

test('takes exactly one whole batch of magic 2', () => {
  const one = batch()
  refuses(ErrorCode.INVALID_RECORD, Buffer.alloc(0))
  refuses(ErrorCode.INVALID_RECORD, Buffer.concat([one, one]), {}, /more than one/)
  refuses(ErrorCode.INVALID_RECORD, one.subarray(0, one.length - 1))
  refuses(
    ErrorCode.INVALID_RECORD,
    edited(one, (bytes) => bytes.writeInt8(1, 16)),
    {},
    /magic 1/,
  )
  refuses(
    ErrorCode.CORRUPT_MESSAGE,
    edited(one, (bytes) => bytes.writeInt32BE(20, 8)),
  )
})

test('a damaged batch is corrupt', () => {
  const made = batch()
  made[made.length - 3]! ^= 1
  refuses(ErrorCode.CORRUPT_MESSAGE, made)
})

test('counts and offsets agree', () => {
  refuses(
    ErrorCode.INVALID_RECORD,
    edited(batch(), (bytes) => bytes.writeInt32BE(2, 57)),
  )
  refuses(
    ErrorCode.INVALID_RECORD,
    edited(batch(), (bytes) => bytes.writeInt32BE(3, 23)),
  )
  refuses(
    ErrorCode.INVALID_RECORD,
    edited(batch(), (bytes) => {
      bytes.writeInt32BE(-1, 23)
      bytes.writeInt32BE(0, 57)
    }),
  )
  // Header and records disagree: one more, one fewer.
  for (const count of [2, 4]) {
    refuses(
      ErrorCode.INVALID_RECORD,
      edited(batch(), (bytes) => {
        bytes.writeInt32BE(count - 1, 23)
        bytes.writeInt32BE(count, 57)
      }),
    )
  }
  refuses(
    ErrorCode.INVALID_RECORD,
    edited(batch(), (bytes) => recordBatch.setBaseOffset(bytes, 0, 3)),
  )
})

test('control batches, producers without sequence and transactions without producer are refused', () => {
  const marker = { isCommit: true, producerId: 1, producerEpoch: 0, coordinatorEpoch: 0, timestamp: NOW }
  refuses(ErrorCode.INVALID_RECORD, buildEndTransactionMarker(marker), {}, /control batch/)
  refuses(ErrorCode.INVALID_RECORD, batch([{}], { producerId: 5, producerEpoch: 0 }))
  refuses(ErrorCode.INVALID_RECORD, batch([{}], { isTransactional: true }))
  validate(batch([{}], { producerId: 5, producerEpoch: 0, baseSequence: 0, isTransactional: true }))
})

test('sizes: of the batch; decompressed ones are bounded', () => {
  const made = batch()
  validate(made, { batchBytesMax: made.length })
  refuses(ErrorCode.MESSAGE_TOO_LARGE, made, { batchBytesMax: made.length - 1 })
  const bomb = batch([{ value: 'x'.repeat(100_000) }], { codec: 4 })
  refuses(ErrorCode.MESSAGE_TOO_LARGE, bomb, { decompressedBytesMax: 90_000 })
  validate(bomb)
})

test('zstd needs Produce version 7', () => {
  const made = batch([{}], { codec: 4 })
  refuses(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, made, { apiVersion: 6 })
  validate(made, { apiVersion: 7 })
  refuses(
    ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
    edited(made, (bytes) => bytes.writeInt16BE(6, 21)),
  )
})

test('a compacted topic names the records without a key', () => {
  const made = batch([{ key: 'a' }, {}, { key: '' }, {}])
  validate(made)
  const error = refuses(ErrorCode.INVALID_RECORD, made, { isCompacted: true })
  assert.ok(error instanceof RecordValidationError)
  assert.deepEqual(
    error.recordErrors.map((one) => one.batchIndex),
    [1, 3],
  )
  validate(batch([{ key: 'a' }, { key: '' }]), { isCompacted: true })
})

test('timestamps lie in their window, but for those that are none', () => {
  const made = batch([{ timestamp: NOW }, { timestamp: NOW + 3_600_001 }, { timestamp: NOW - 10_001 }])
  const error = refuses(ErrorCode.INVALID_TIMESTAMP, made, { timestampBeforeMsMax: 10_000 })
  assert.ok(error instanceof RecordValidationError)
  assert.deepEqual(
    error.recordErrors.map((one) => one.batchIndex),
    [1, 2],
  )
  validate(made, { timestampType: 'LogAppendTime' })
  validate(batch([{ timestamp: -1 }, { timestamp: NOW }]), { timestampBeforeMsMax: 10_000 })
  validate(batch([{ timestamp: NOW + 3_600_000 }, { timestamp: NOW - 10_000 }]), { timestampBeforeMsMax: 10_000 })
})

test("the flag of log append time is the leader's: refused where it counts, else taken away", () => {
  const made = batch([{ timestamp: NOW - 5 }, { timestamp: NOW - 9 }], { timestampType: 'LogAppendTime', logAppendTime: NOW + 50 })
  refuses(ErrorCode.INVALID_TIMESTAMP, made, { timestampType: 'LogAppendTime' })
  validate(made)
  assert.equal(recordBatch.hasLogAppendTime(made, 0), false)
  assert.equal(recordBatch.maxTimestamp(made, 0), NOW - 5)
  assert.ok(recordBatch.crcIsRight(made, 0))
})

test('a maxTimestamp that no record has is corrected, with a new checksum', () => {
  const made = edited(batch([{ timestamp: NOW - 5 }, { timestamp: NOW }]), (bytes) => writeInt64(bytes, 35, NOW + 1e12))
  validate(made)
  assert.equal(recordBatch.maxTimestamp(made, 0), NOW)
  assert.ok(recordBatch.crcIsRight(made, 0))
})

test('a record of many bad ones makes an answer of bounded size', () => {
  const error = refuses(ErrorCode.INVALID_RECORD, batch(Array.from({ length: 5000 }, () => ({}))), { isCompacted: true })
  assert.equal((error as RecordValidationError).recordErrors.length, 1000)
})

/** One record whose fields are given as they stand, behind a length that counts them unless another is given. */
function oneRecord(fields: readonly number[], length = fields.length): Buffer {
  const record = Buffer.alloc(5 + fields.length)
  const at = writeVarint(record, 0, length)
  record.set(fields, at)
  const whole = Buffer.concat([batch([{}]).subarray(0, 61), record.subarray(0, at + fields.length)])
  whole.writeInt32BE(whole.length - 12, 8)
  return edited(whole, () => {})
}

test('every length of a record lies inside the record', () => {
  // Attributes, timestamp delta, offset delta, key length, value length, count of headers; varints are zig-zag: 1 is -1.
  validate(oneRecord([0, 0, 0, 1, 1, 0]))
  validate(oneRecord([0, 0, 0, 2, 65, 1, 2, 2, 66, 2, 67]))
  const bad: [string, Buffer][] = [
    ['shorter than its fields', oneRecord([0, 0, 0, 1, 1, 0, 0], 6)],
    ['longer than the batch', oneRecord([0, 0, 0, 1, 1, 0], 7)],
    ['negative', oneRecord([0, 0, 0, 1, 1, 0], -7)],
    ['too small', oneRecord([0, 0, 0, 1, 1], 5)],
    ['key beyond it', oneRecord([0, 0, 0, 20, 65, 1, 0])],
    ['key of length -2', oneRecord([0, 0, 0, 3, 1, 0])],
    ['value beyond it', oneRecord([0, 0, 0, 1, 20, 65, 0])],
    ['value of length -2', oneRecord([0, 0, 0, 1, 3, 0])],
    ['bytes left in it', oneRecord([0, 0, 0, 1, 1, 0, 0])],
    ['negative count of headers', oneRecord([0, 0, 0, 1, 1, 1])],
    ['headers beyond it', oneRecord([0, 0, 0, 1, 1, 4, 0, 1])],
    ['header key of length -1', oneRecord([0, 0, 0, 1, 1, 2, 1, 1])],
    ['header key beyond it', oneRecord([0, 0, 0, 1, 1, 2, 40, 1])],
    ['header value beyond it', oneRecord([0, 0, 0, 1, 1, 2, 0, 40])],
    ['header value of length -2', oneRecord([0, 0, 0, 1, 1, 2, 0, 3])],
    ['key length of more than 32 bits', oneRecord([0, 0, 0, 0xfe, 0xff, 0xff, 0xff, 0x7f, 1, 0])],
    ['timestamp delta without an end', oneRecord([0, ...Array.from({ length: 11 }, () => 0xff), 0, 1, 1, 0])],
  ]
  for (const [what, bytes] of bad) assert.throws(() => validate(bytes), KafkaError, what)
  // A record that is longer than its fields by exactly one more record.
  const hidden = edited(oneRecord([0, 0, 0, 1, 1, 0, 12, 0, 0, 2, 1, 1, 0]), (bytes) => {
    bytes.writeInt32BE(1, 23)
    bytes.writeInt32BE(2, 57)
  })
  refuses(ErrorCode.INVALID_RECORD, hidden, {}, /not as long as the record/)
})

test('random records and damaged ones are refused by a KafkaError, or are right', () => {
  const made = batch([{ key: 'key' }, { value: 'v'.repeat(200) }, { timestamp: NOW - 1e6 }])
  const survive = (bytes: Buffer): void => {
    try {
      validate(bytes)
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
    }
  }
  fc.assert(
    fc.property(fc.nat(made.length - 1), fc.uint8Array({ minLength: 1, maxLength: 6 }), (at, noise) => {
      survive(
        edited(made, (bytes) => {
          bytes.set(noise.subarray(0, bytes.length - at), at)
          bytes.writeInt32BE(bytes.length - 12, 8)
        }),
      )
    }),
    { numRuns: 2000 },
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => survive(Buffer.from(noise))),
    { numRuns: 500 },
  )
})
