/** Produce 0 to 2 and Fetch 0 to 3 carry message formats 0 and 1, which are converted on their way (formats §3). */
import assert from 'node:assert/strict'
import { codecNamed, downConvert, ErrorCode } from '@ottla/protocol'
import { Fetch } from '@ottla/protocol/messages/01-fetch'
import { batchOf, createTopic, fetch, fetchRequest, LATEST, offsetAt, produce, recordsIn, TIME, valuesIn } from './actions.ts'
import { brokerTest } from './test-broker.ts'

const VALUES = ['first', 'second', 'third']
const CODECS = ['none', 'gzip', 'snappy', 'lz4'] as const
const oldFormat = (magic: 0 | 1, codec: number): Buffer => downConvert(batchOf(VALUES, { codec }), magic, 0)

brokerTest('Produce 0 to 2: messages of the old formats become one batch', {}, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'a')
  for (const version of [0, 1, 2]) {
    for (const name of CODECS) {
      const magic = version < 2 ? 0 : 1
      const { errorCode, baseOffset } = await produce(client, 'a', oldFormat(magic, codecNamed(name)!.id), { version, acks: 1 })
      assert.equal(errorCode, 0, `version ${version}, ${name}`)
      const records = recordsIn((await fetch(client, 'a', baseOffset)).records, baseOffset)
      assert.deepEqual(
        records.map(({ value }) => value!.toString()),
        VALUES,
      )
      assert.deepEqual(
        records.map(({ timestamp }) => timestamp),
        magic === 0 ? [-1, -1, -1] : [TIME, TIME + 1, TIME + 2],
      )
      assert(records.every(({ batch }) => batch.magic === 2 && batch.codec === name))
    }
  }
})

brokerTest('Produce 0 to 2: what is no message set of their format', {}, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'a')
  const damaged = oldFormat(1, 0)
  damaged[damaged.length - 1]! ^= 1
  const codeOf = async (version: number, records: Buffer): Promise<number> =>
    (await produce(client, 'a', records, { version, acks: 1 })).errorCode
  assert.equal(await codeOf(2, damaged), ErrorCode.CORRUPT_MESSAGE)
  assert.equal(await codeOf(2, oldFormat(0, 0)), ErrorCode.INVALID_RECORD)
  assert.equal(await codeOf(2, batchOf(['x'])), ErrorCode.INVALID_RECORD)
  assert.notEqual(await codeOf(0, oldFormat(0, 0).subarray(0, 30)), 0)
  assert.notEqual(await codeOf(0, Buffer.alloc(100, 1)), 0)
  assert.equal((await offsetAt(client, 'a', LATEST)).offset, 0)
})

brokerTest('Fetch 0 to 3: batches are converted down', {}, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'a')
  for (const name of CODECS) {
    const { baseOffset } = await produce(client, 'a', batchOf(VALUES, { codec: codecNamed(name)!.id }))
    for (const version of [0, 1, 2, 3]) {
      const { errorCode, records } = await fetch(client, 'a', baseOffset, { version })
      assert.equal(errorCode, 0)
      const read = recordsIn(records, baseOffset)
      assert.deepEqual(
        read.map(({ offset, value }) => [offset - baseOffset, value!.toString()]),
        VALUES.map((value, i) => [i, value]),
      )
      assert(
        read.every(({ batch }) => batch.magic === (version < 2 ? 0 : 1)),
        `version ${version}`,
      )
    }
  }
})

brokerTest('Fetch 0 to 3: zstd can not be told to them, and says so for its partition alone', {}, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'a', { partitions: 2 })
  await produce(client, 'a', batchOf(VALUES, { codec: codecNamed('zstd')!.id }))
  await produce(client, 'a', ['plain'], { partition: 1 })
  for (const version of [1, 3]) {
    const asked = [
      { topic: 'a', offset: 0 },
      { topic: 'a', partition: 1, offset: 0 },
    ]
    const { responses } = await client.request(Fetch, version, fetchRequest(asked))
    const partitions = responses.flatMap((topic) => topic.partitions)
    assert.deepEqual(
      partitions.map(({ errorCode }) => errorCode),
      [ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, 0],
    )
    assert.deepEqual(valuesIn(partitions[1]!.records), ['plain'])
  }
})
