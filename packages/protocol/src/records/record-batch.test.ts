import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BatchBuilder } from './batch-builder.ts'
import { legacySizeBytes, writeLegacyMessage } from './legacy.ts'
import * as recordBatch from './record-batch.ts'

const AT = 7

/** A batch that doesn't start where its buffer does. */
function batchAt(): Buffer {
  const builder = new BatchBuilder({
    baseOffset: 2 ** 33 + 5,
    leaderEpoch: 9,
    producerId: 2 ** 40,
    producerEpoch: 3,
    baseSequence: 2147483647,
    isTransactional: true,
  })
  builder.append(Buffer.from('k'), Buffer.from('v'), [], 1000)
  builder.append(null, null, [], 3000)
  builder.append(null, null, [], 2000)
  const batch = builder.build()
  return Buffer.concat([Buffer.alloc(AT, 0xee), batch, Buffer.alloc(5, 0xee)])
}

test('reads each field of a header of magic 2', () => {
  const bytes = batchAt()
  assert.equal(recordBatch.baseOffset(bytes, AT), 2 ** 33 + 5)
  assert.equal(recordBatch.lastOffset(bytes, AT), 2 ** 33 + 7)
  assert.equal(recordBatch.lastOffsetDelta(bytes, AT), 2)
  assert.equal(recordBatch.sizeBytes(bytes, AT), bytes.length - AT - 5)
  assert.equal(recordBatch.leaderEpoch(bytes, AT), 9)
  assert.equal(recordBatch.magic(bytes, AT), 2)
  assert.equal(recordBatch.codec(bytes, AT), 0)
  assert.equal(recordBatch.attributes(bytes, AT), recordBatch.ATTRIBUTE_TRANSACTIONAL)
  assert.equal(recordBatch.isTransactional(bytes, AT), true)
  assert.equal(recordBatch.isControl(bytes, AT), false)
  assert.equal(recordBatch.hasLogAppendTime(bytes, AT), false)
  assert.equal(recordBatch.hasDeleteHorizon(bytes, AT), false)
  assert.equal(recordBatch.baseTimestamp(bytes, AT), 1000)
  assert.equal(recordBatch.maxTimestamp(bytes, AT), 3000)
  assert.equal(recordBatch.producerId(bytes, AT), 2 ** 40)
  assert.equal(recordBatch.producerEpoch(bytes, AT), 3)
  assert.equal(recordBatch.baseSequence(bytes, AT), 2147483647)
  assert.equal(recordBatch.lastSequence(bytes, AT), 1)
  assert.equal(recordBatch.recordCount(bytes, AT), 3)
  assert.equal(recordBatch.crc(bytes, AT), recordBatch.computeCrc(bytes, AT))
})

test('offset and leader epoch are outside the checksum, all else is inside', () => {
  const bytes = batchAt()
  recordBatch.setBaseOffset(bytes, AT, 77)
  recordBatch.setLeaderEpoch(bytes, AT, 12)
  assert.equal(recordBatch.baseOffset(bytes, AT), 77)
  assert.equal(recordBatch.leaderEpoch(bytes, AT), 12)
  assert.ok(recordBatch.crcIsRight(bytes, AT))
  const size = recordBatch.sizeBytes(bytes, AT)
  for (let i = recordBatch.CRC_START_BYTES; i < size; i++) {
    bytes[AT + i]! ^= 1
    assert.equal(recordBatch.crcIsRight(bytes, AT), false, `byte ${i}`)
    bytes[AT + i]! ^= 1
  }
})

test('append time, create time and a new producer each get a right checksum', () => {
  const bytes = batchAt()
  recordBatch.setMaxTimestampAndLogAppendTime(bytes, AT, 5000)
  assert.ok(recordBatch.crcIsRight(bytes, AT))
  assert.equal(recordBatch.hasLogAppendTime(bytes, AT), true)
  assert.equal(recordBatch.maxTimestamp(bytes, AT), 5000)
  recordBatch.setMaxTimestampAndCreateTime(bytes, AT, 3000)
  assert.equal(recordBatch.hasLogAppendTime(bytes, AT), false)
  recordBatch.setProducer(bytes, AT, 8, 1, 0)
  assert.ok(recordBatch.crcIsRight(bytes, AT))
  assert.equal(recordBatch.producerId(bytes, AT), 8)
  assert.equal(recordBatch.producerEpoch(bytes, AT), 1)
  assert.equal(recordBatch.lastSequence(bytes, AT), 2)
})

test('a batch that is not there whole has no right checksum', () => {
  const bytes = batchAt()
  assert.equal(recordBatch.crcIsRight(bytes.subarray(0, bytes.length - 6), AT), false)
  bytes.writeInt32BE(-5, AT + 8)
  assert.equal(recordBatch.crcIsRight(bytes, AT), false)
})

test('answers for messages of magic 0 and 1 what makes sense', () => {
  for (const magic of [0, 1] as const) {
    const value = Buffer.from('value')
    const bytes = Buffer.alloc(AT + legacySizeBytes(magic, null, value))
    assert.equal(writeLegacyMessage(bytes, AT, magic, 2 ** 33, 1234, null, value), bytes.length)
    assert.equal(recordBatch.sizeBytes(bytes, AT), bytes.length - AT)
    assert.equal(recordBatch.magic(bytes, AT), magic)
    assert.equal(recordBatch.baseOffset(bytes, AT), 2 ** 33)
    assert.equal(recordBatch.lastOffset(bytes, AT), 2 ** 33)
    assert.equal(recordBatch.maxTimestamp(bytes, AT), magic === 0 ? -1 : 1234)
    assert.equal(recordBatch.recordCount(bytes, AT), 1)
    assert.equal(recordBatch.leaderEpoch(bytes, AT), -1)
    assert.equal(recordBatch.producerId(bytes, AT), -1)
    assert.equal(recordBatch.lastSequence(bytes, AT), -1)
    assert.equal(recordBatch.isControl(bytes, AT) || recordBatch.isTransactional(bytes, AT), false)
  }
})
