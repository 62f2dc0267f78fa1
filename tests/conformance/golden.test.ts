import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import {
  BatchBuilder,
  batchInfo,
  buildEndTransactionMarker,
  controlType,
  coordinatorEpoch,
  ControlType,
  decodeBatch,
  DECOMPRESSED_BYTES_MAX,
  downConvert,
  readRecords,
  recordBatch,
  upConvert,
  validateProduced,
  type CodecName,
  type KafkaRecord,
  type ProduceRules,
  type TimestampType,
} from '@ottla/protocol'

interface GoldenRecord {
  readonly offset: number
  readonly timestamp: number
  readonly key: string | null
  readonly value: string | null
  readonly headers: { readonly key: string; readonly value: string | null }[]
}
interface Golden {
  readonly name: string
  readonly magic: number
  readonly codec: CodecName
  readonly timestampType: TimestampType
  readonly baseOffset: number
  readonly leaderEpoch: number
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly isTransactional: boolean
  readonly isControl: boolean
  readonly records: GoldenRecord[]
}

const directory = new URL('golden/', import.meta.url)
const goldens = JSON.parse(readFileSync(new URL('batches.json', directory), 'utf8')) as (Golden & { timestampType: string })[]
const bytesOf = (name: string): Buffer => readFileSync(new URL(`${name}.bin`, directory))
const golden = (name: string): Golden => goldens.find((one) => one.name === name)!

const hex = (value: Buffer | null): string | null => (value === null ? null : value.toString('hex'))
const unhex = (value: string | null): Buffer | null => (value === null ? null : Buffer.from(value, 'hex'))
const shown = (record: KafkaRecord): GoldenRecord => ({
  offset: record.offset,
  timestamp: record.timestamp,
  key: hex(record.key),
  value: hex(record.value),
  headers: record.headers.map(({ key, value }) => ({ key, value: hex(value) })),
})

for (const { name, records, ...expected } of goldens) {
  test(`reads ${name} as Kafka wrote it`, () => {
    const bytes = bytesOf(name)
    assert.deepEqual([...readRecords(bytes)].map(shown), records)
    const info = batchInfo(bytes, 0)
    assert.equal(info.magic, expected.magic)
    assert.equal(info.codec, expected.codec)
    assert.equal(info.timestampType, expected.timestampType)
    if (info.magic < 2) return
    assert.equal(info.sizeBytes, bytes.length)
    assert.equal(info.baseOffset, expected.baseOffset)
    assert.equal(info.leaderEpoch, expected.leaderEpoch)
    assert.equal(info.producerId, expected.producerId)
    assert.equal(info.producerEpoch, expected.producerEpoch)
    assert.equal(info.baseSequence, expected.baseSequence)
    assert.equal(info.isTransactional, expected.isTransactional)
    assert.equal(info.isControl, expected.isControl)
    assert.ok(recordBatch.crcIsRight(bytes, 0))
  })
}

/** Builds what the case says. Timestamps of a batch of append time aren't in what a reader sees: `created` has them. */
function rebuild(name: string, created: readonly GoldenRecord[] = golden(name).records, codec = 0): Buffer {
  const { records, ...options } = golden(name)
  const builder = new BatchBuilder({ ...options, codec, logAppendTime: records[0]!.timestamp })
  for (const [i, record] of records.entries()) {
    const headers = record.headers.map(({ key, value }) => ({ key, value: unhex(value) }))
    assert.ok(builder.append(unhex(record.key), unhex(record.value), headers, created[i]!.timestamp, record.offset - options.baseOffset))
  }
  return builder.build()
}

for (const name of ['v2-none', 'v2-none-idempotent', 'v2-none-gaps', 'v2-none-append-time']) {
  test(`builds ${name} to the byte`, () => {
    assert.deepEqual(rebuild(name, golden('v2-none').records), bytesOf(name))
  })
}

for (const isCommit of [true, false]) {
  const name = `v2-${isCommit ? 'commit' : 'abort'}-marker`
  test(`builds ${name} to the byte and reads it`, () => {
    const { baseOffset, leaderEpoch, producerId, producerEpoch, records } = golden(name)
    const marker = { isCommit, baseOffset, leaderEpoch, producerId, producerEpoch, coordinatorEpoch: 42, timestamp: records[0]!.timestamp }
    assert.deepEqual(buildEndTransactionMarker(marker), bytesOf(name))
    const [record] = decodeBatch(bytesOf(name), 0)
    assert.equal(controlType(record!), isCommit ? ControlType.COMMIT : ControlType.ABORT)
    assert.equal(coordinatorEpoch(record!), 42)
  })
}

test('an emptied batch keeps its offsets and its producer', () => {
  const bytes = bytesOf('v2-emptied')
  assert.equal(recordBatch.recordCount(bytes, 0), 0)
  assert.equal(recordBatch.lastOffset(bytes, 0), 204)
  assert.equal(recordBatch.lastSequence(bytes, 0), 14)
})

test('a delete horizon stands where the base timestamp did', () => {
  const bytes = bytesOf('v2-none-delete-horizon')
  assert.ok(recordBatch.hasDeleteHorizon(bytes, 0))
  assert.equal(recordBatch.baseTimestamp(bytes, 0), 1_700_000_000_999)
})

test('sequence numbers wrap', () => {
  assert.equal(recordBatch.lastSequence(bytesOf('v2-none-idempotent'), 0), 1)
})

test('append time set in place gives the bytes that Kafka writes', () => {
  const bytes = bytesOf('v2-none')
  recordBatch.setMaxTimestampAndLogAppendTime(bytes, 0, golden('v2-none-append-time').records[0]!.timestamp)
  recordBatch.setBaseOffset(bytes, 0, 0)
  recordBatch.setLeaderEpoch(bytes, 0, -1)
  assert.deepEqual(bytes, bytesOf('v2-none-append-time'))
})

const rules: ProduceRules = {
  apiVersion: 9,
  now: 1_700_000_000_000,
  batchBytesMax: 1048588,
  decompressedBytesMax: DECOMPRESSED_BYTES_MAX,
  isCompacted: false,
  timestampType: 'CreateTime',
  timestampBeforeMsMax: Infinity,
  timestampAfterMsMax: Infinity,
}
for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const) {
  test(`accepts what Kafka's client produces with ${codec}`, () => {
    const bytes = bytesOf(`v2-${codec}`)
    recordBatch.setBaseOffset(bytes, 0, 0)
    const before = Buffer.from(bytes)
    validateProduced(bytes, 0, bytes.length, rules)
    assert.deepEqual(bytes, before)
  })
}

for (const magic of [0, 1] as const) {
  test(`a batch converted down to magic ${magic} is the message set that Kafka writes`, () => {
    const wanted = bytesOf(`v${magic}-none`)
    const bytes = bytesOf('v2-none')
    recordBatch.setBaseOffset(bytes, 0, 100)
    assert.deepEqual(downConvert(bytes, magic, 0), wanted)
    assert.deepEqual([...readRecords(downConvert(bytes, magic, 102))].map(shown), golden(`v${magic}-none`).records.slice(2))
  })

  for (const codec of ['none', 'gzip', 'snappy', 'lz4'] as const) {
    test(`magic ${magic}, ${codec}: the way down keeps the records, and so does the way up`, () => {
      const bytes = bytesOf(`v2-${codec}`)
      recordBatch.setBaseOffset(bytes, 0, 100)
      const { records } = golden(`v${magic}-${codec}`)
      assert.deepEqual([...readRecords(downConvert(bytes, magic, 0))].map(shown), records)
      const old = bytesOf(`v${magic}-${codec}`)
      const up = upConvert(old, 0, old.length, { magic })
      assert.deepEqual(
        decodeBatch(up, 0).map(shown),
        records.map((record) => ({ ...record, offset: record.offset - 100 })),
      )
      assert.equal(batchInfo(up, 0).codec, codec)
      validateProduced(up, 0, up.length, rules)
    })
  }
}
