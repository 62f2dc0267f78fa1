import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codecOf } from '../compression/codecs.ts'
import { KafkaError } from '../errors.ts'
import { BatchBuilder } from './batch-builder.ts'
import { upConvert } from './conversion.ts'
import { legacySizeBytes, writeLegacyMessage } from './legacy.ts'
import * as recordBatch from './record-batch.ts'
import { decodeBatch, wholeSizeBytes } from './record-reader.ts'

const refused =
  (sentence: RegExp) =>
  (error: unknown): boolean =>
    error instanceof KafkaError && sentence.test(error.message)

function edited(bytes: Buffer, edit: (bytes: Buffer) => void): Buffer {
  const copy = Buffer.from(bytes)
  edit(copy)
  return copy
}

function message(magic: 0 | 1, value: Buffer | null, attributes = 0, key: Buffer | null = null): Buffer {
  const bytes = Buffer.alloc(legacySizeBytes(magic, key, value))
  writeLegacyMessage(bytes, 0, magic, 0, 0, key, value, attributes)
  return bytes
}

const wrapper = (inner: Buffer, magic: 0 | 1 = 1): Buffer => message(magic, codecOf(1).compress(inner), 1)

test('where no entry can start is said', () => {
  const whole = message(0, null)
  assert.equal(wholeSizeBytes(whole, 0), 26)
  assert.equal(wholeSizeBytes(whole.subarray(0, 25), 0), 0)
  assert.equal(wholeSizeBytes(whole.subarray(0, 11), 0), 0)
  assert.throws(
    () =>
      wholeSizeBytes(
        edited(whole, (bytes) => bytes.writeInt32BE(13, 8)),
        0,
      ),
    refused(/size of 25/),
  )
  assert.throws(
    () =>
      wholeSizeBytes(
        edited(whole, (bytes) => bytes.writeInt32BE(-1, 8)),
        0,
      ),
    refused(/size of 11/),
  )
  for (const [magic, sentence] of [
    [-1, /has magic/],
    [3, /has magic/],
    [1, /size of 26/],
    [2, /size of 26/],
  ] as const) {
    assert.throws(
      () =>
        wholeSizeBytes(
          edited(whole, (bytes) => bytes.writeInt8(magic, 16)),
          0,
        ),
      refused(sentence),
    )
  }
})

test('a malformed message of magic 0 or 1 is refused for what it is', () => {
  const one = message(1, Buffer.from('v'), 0, Buffer.from('k'))
  const cases: [Buffer, RegExp][] = [
    [edited(one, (bytes) => bytes.writeInt32BE(7, 26)), /longer than the message/],
    [edited(one, (bytes) => bytes.writeInt32BE(4, 26)), /inside its key or value/],
    [edited(one, (bytes) => bytes.writeInt32BE(-2, 26)), /longer than the message/],
    [edited(one, (bytes) => bytes.writeInt32BE(0, 31)), /not as long as the message/],
    [message(1, Buffer.from('x'), 4), /needs magic 2/],
    [message(1, null, 1), /without a value/],
    [wrapper(Buffer.alloc(0)), /without messages/],
    [wrapper(one.subarray(0, 20)), /ends inside a message/],
    [wrapper(one.subarray(0, one.length - 1)), /wrong sizes/],
    [wrapper(edited(one, (bytes) => bytes.writeInt32BE(3, 8))), /wrong sizes/],
    [wrapper(message(0, Buffer.alloc(20))), /different magic/],
    [wrapper(wrapper(one)), /wrapper inside a wrapper/],
  ]
  for (const [bytes, sentence] of cases) assert.throws(() => decodeBatch(bytes, 0, { checkCrc: false }), refused(sentence), `${sentence}`)
  const small = Buffer.concat([message(0, null), message(0, null)])
  small[16] = 1
  small[26 + 16] = 1
  assert.throws(() => decodeBatch(wrapper(small), 0, { checkCrc: false }), refused(/too small for its header/))
})

test('checksums are verified: of a batch, a message, a message in a wrapper', () => {
  const one = message(1, Buffer.from('v'))
  const damaged = edited(one, (bytes) => bytes.writeUInt8(0, bytes.length - 1))
  assert.throws(() => decodeBatch(damaged, 0), refused(/checksum/))
  assert.throws(() => decodeBatch(wrapper(damaged), 0), refused(/checksum/))
  assert.throws(() => upConvert(damaged, 0, damaged.length, { magic: 1 }), refused(/checksum/))
  assert.equal(decodeBatch(wrapper(damaged), 0, { checkCrc: false }).length, 1)
  const batch = edited(batchOf('v'), (bytes) => bytes.writeUInt8(0, bytes.length - 2))
  assert.throws(() => decodeBatch(batch, 0), refused(/checksum/))
  assert.equal(decodeBatch(batch, 0, { checkCrc: false }).length, 1)
})

function batchOf(value: string): Buffer {
  const builder = new BatchBuilder()
  builder.append(null, Buffer.from(value), [], 0)
  return builder.build()
}

test('a malformed batch of magic 2 is refused for what it is', () => {
  // Length, attributes, timestamp and offset delta, key -1, value of 5, no headers.
  const batch = batchOf('12345')
  const cases: [(bytes: Buffer) => void, RegExp][] = [
    [(bytes) => bytes.writeInt32BE(4_000_001, 57), /more than 4000000/],
    [(bytes) => bytes.writeInt32BE(-1, 57), /says -1 records/],
    [(bytes) => bytes.writeInt32BE(2, 57), /says 2 records/],
    [(bytes) => bytes.writeInt32BE(0, 57), /more bytes than its 0/],
    [(bytes) => bytes.writeUInt8(10, 61), /says 5 bytes/],
    [(bytes) => bytes.writeUInt8(24, 61), /says 12 bytes/],
    [(bytes) => bytes.set([8, 49, 50, 51, 52, 0, 0], 66), /not as long as the record/],
    [(bytes) => bytes.writeUInt8(3, 65), /malformed/],
    [(bytes) => bytes.writeUInt8(1, bytes.length - 1), /-1 headers/],
    [(bytes) => bytes.writeUInt8(2, bytes.length - 1), /malformed/],
  ]
  for (const [edit, sentence] of cases) {
    assert.throws(() => decodeBatch(edited(batch, edit), 0, { checkCrc: false }), refused(sentence), `${sentence}`)
  }
  assert.throws(() => decodeBatch(batch.subarray(0, batch.length - 1), 0), refused(/ends after/))
  assert.equal(recordBatch.crcIsRight(batch, 0), true)
})

test('a message set whose messages together are too large is refused', () => {
  const set = Buffer.concat([message(1, Buffer.alloc(500)), message(1, Buffer.alloc(500))])
  assert.throws(() => upConvert(set, 0, set.length, { magic: 1, decompressedBytesMax: 900 }), refused(/more than 900 bytes/))
})
