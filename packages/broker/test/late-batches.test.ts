import assert from 'node:assert/strict'
import { codecNamed, ErrorCode, type CodecName } from '@ottla/protocol'
import { Produce } from '@ottla/protocol/messages/00-produce'
import { alterTopic, batchOf, createTopic, deleteTopic, fetch, produce, recordsIn, roundTrip, watched } from './actions.ts'
import type { RawClient } from './raw-client.ts'
import { brokerTest } from './test-broker.ts'

const idOf = (name: CodecName): number => codecNamed(name)!.id

/** Noise that no codec makes small, and so many bytes that other threads compress it. */
function noise(sizeBytes: number, seed = 1): Buffer {
  const bytes = Buffer.allocUnsafe(sizeBytes)
  let state = seed
  for (let i = 0; i < sizeBytes; i++) bytes[i] = (state = (state * 48271) % 2147483647) & 255
  return bytes
}

const LARGE = noise(150_000)
const large = (codec: CodecName = 'none', mark = 'x', options = {}): Buffer => batchOf([mark, LARGE], { codec: idOf(codec), ...options })

/** The first values, and codecs, of all batches, in the order of the log. */
async function stored(client: RawClient, topic: string): Promise<string[]> {
  const found: string[] = []
  for (let offset = 0; ;) {
    const records = recordsIn((await fetch(client, topic, offset)).records)
    if (records.length === 0) return found
    for (const { value, batch, offset: at } of records) if (at === batch.baseOffset) found.push(`${value} ${batch.codec}`)
    offset = records.at(-1)!.offset + 1
  }
}

brokerTest('large batches of every codec are stored in the topic’s, with the same records', { seeds: 3 }, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'a', { configs: { 'message.timestamp.type': 'CreateTime' } })
  const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
  for (const to of codecs) {
    await alterTopic(client, 'a', { 'compression.type': to === 'none' ? 'uncompressed' : to })
    for (const from of codecs) {
      const sent = large(from, from, { producerId: 5, producerEpoch: 0, baseSequence: (codecs.indexOf(to) * 5 + codecs.indexOf(from)) * 2 })
      const { errorCode, baseOffset } = await produce(client, 'a', sent)
      assert.equal(errorCode, 0)
      const records = recordsIn((await fetch(client, 'a', baseOffset)).records)
      const told = records.map(({ key, value, timestamp, offset }) => ({ key, value, timestamp, offset: offset - baseOffset }))
      assert.deepEqual(
        told,
        recordsIn(sent).map(({ key, value, timestamp, offset }) => ({ key, value, timestamp, offset })),
      )
      const { codec, producerId, baseSequence } = records[0]!.batch
      assert.deepEqual([codec, producerId, baseSequence], [to, 5, recordsIn(sent)[0]!.batch.baseSequence])
    }
  }
})

brokerTest('what comes behind a large batch waits for it, in one partition and for one producer', { seeds: 10 }, async (place) => {
  const [client, other] = [await place.connect(), await place.connect()]
  await createTopic(client, 'a', { configs: { 'compression.type': 'gzip' } })
  await createTopic(client, 'b')
  const batches: Buffer[] = []
  for (let i = 0; i < 10; i++) {
    const producer = { producerId: 7, producerEpoch: 0, baseSequence: i === 0 ? 0 : i + Math.ceil(i / 2) }
    batches.push(i % 2 === 0 ? large('none', `large ${i}`, producer) : batchOf([`small ${i}`], producer))
  }
  const answers = batches.map((batch) => produce(client, 'a', batch))
  const elsewhere = produce(other, 'b', ['x'])
  const offsets = (await Promise.all(answers)).map(({ errorCode, baseOffset }) => [errorCode, baseOffset])
  assert.deepEqual(
    offsets,
    batches.map((_, i) => [0, i + Math.ceil(i / 2)]),
  )
  assert.equal((await elsewhere).errorCode, 0)
  assert.deepEqual(
    await stored(client, 'a'),
    batches.map((_, i) => `${i % 2 === 0 ? 'large' : 'small'} ${i} gzip`),
  )
})

brokerTest('a large batch that is refused stops nobody', { seeds: 5 }, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'a', { configs: { 'compression.type': 'zstd', 'message.timestamp.before.max.ms': 1e13 } })
  await createTopic(client, 'plain', { configs: { 'compression.type': 'uncompressed', 'max.message.bytes': 100_000 } })
  const damaged = large('gzip')
  damaged[damaged.length - 9]! ^= 1
  const damagedCodec = large('none')
  damagedCodec[22]! |= 5
  const late = large('gzip', 'x', { timestamp: place.env.clock.now() + 9e9 })
  const results = [large(), damaged, large('gzip', 'y'), damagedCodec, late, batchOf(['z'])].map((batch) => produce(client, 'a', batch))
  assert.deepEqual(
    (await Promise.all(results)).map(({ errorCode, baseOffset }) => [errorCode, baseOffset]),
    [
      [0, 0],
      [ErrorCode.CORRUPT_MESSAGE, -1],
      [0, 2],
      [ErrorCode.CORRUPT_MESSAGE, -1],
      [ErrorCode.INVALID_TIMESTAMP, -1],
      [0, 4],
    ],
  )
  assert.deepEqual(await stored(client, 'a'), ['x zstd', 'y zstd', 'z zstd'])
  const grown = batchOf([Buffer.alloc(90_000), LARGE.subarray(0, 40_000)], { codec: idOf('gzip') })
  assert.equal((await produce(client, 'plain', grown)).errorCode, ErrorCode.MESSAGE_TOO_LARGE)
})

brokerTest('with acks 0 large batches are stored in order, and one that is refused closes the connection', {}, async (place) => {
  const [client, reader] = [await place.connect(), await place.connect()]
  await createTopic(client, 'a', { configs: { 'compression.type': 'gzip' } })
  const tell = (records: Buffer): void =>
    client.tell(Produce, 9, { acks: 0, timeoutMs: 1, topicData: [{ name: 'a', partitionData: [{ index: 0, records }] }] })
  for (const batch of [large('none', 'a'), batchOf(['b']), large('zstd', 'c')]) tell(batch)
  assert.equal((await produce(client, 'a', ['d'])).errorCode, 0)
  assert.deepEqual(await stored(reader, 'a'), ['a gzip', 'b gzip', 'c gzip', 'd gzip'])
  const damaged = large('zstd')
  damaged[damaged.length - 9]! ^= 1
  tell(damaged)
  assert.match(await client.closedBy, /peer|reset/)
})

brokerTest('while a large batch is compressed others are answered', {}, async (place) => {
  const [client, other, third] = [await place.connect(), await place.connect(), await place.connect()]
  await createTopic(client, 'a', { partitions: 2, configs: { 'compression.type': 'gzip' } })
  const { loop } = place.env
  const compressing: (() => void)[] = []
  loop.elsewhere = (now) => new Promise((resolve) => compressing.push(() => resolve(now())))
  const first = watched(produce(client, 'a', large('none', 'first')))
  while (compressing.length === 0) await roundTrip(other)
  const second = watched(produce(other, 'a', batchOf(['second'])))
  assert.equal((await produce(third, 'a', batchOf(['x']), { partition: 1 })).errorCode, 0)
  assert.deepEqual([first.settled, second.settled], [false, false])
  compressing[0]!()
  assert.deepEqual([(await first.promise).baseOffset, (await second.promise).baseOffset], [0, 2])
})

brokerTest('who sends large batches faster than they are compressed is not read from', { simulatedOnly: true }, async (place) => {
  const [client, other] = [await place.connect(), await place.connect()]
  await createTopic(client, 'a', { configs: { 'compression.type': 'gzip' } })
  const { loop } = place.env
  const compressing: (() => void)[] = []
  loop.elsewhere = (now) => new Promise((resolve) => compressing.push(() => resolve(now())))
  const sizeBytes = 1_000_000
  const batch = batchOf([noise(sizeBytes)])
  const answers = Promise.all(Array.from({ length: 40 }, () => produce(client, 'a', batch)))
  const held = (): number => Math.max(...[...place.broker.sessions].map((session) => session.heldBytes))
  for (let last = -1; held() > last;) {
    last = held()
    for (let i = 0; i < 50; i++) await roundTrip(other)
  }
  assert.ok(held() > 8 << 20 && held() < (16 << 20) + 2 * sizeBytes, `${held()} bytes are held`)
  const all = watched(answers)
  while (!all.settled) {
    for (const finish of compressing.splice(0)) finish()
    await roundTrip(other)
  }
  assert.deepEqual(
    (await answers).map(({ baseOffset }) => baseOffset),
    Array.from({ length: 40 }, (_, i) => i),
  )
  assert.equal(held(), 0)
})

for (const how of ['kill', 'crash'] as const) {
  brokerTest(`what was acknowledged of large batches survives a ${how} amid them`, { simulatedOnly: true, seeds: 5 }, async (place) => {
    const client = await place.connect()
    await createTopic(client, 'a', { configs: { 'compression.type': 'gzip', 'flush.before.ack': 'true' } })
    const acked: number[] = []
    for (let i = 0; i < 6; i++)
      produce(client, 'a', large('none', `${i}`)).then(
        ({ errorCode }) => void (errorCode === 0 && acked.push(i)),
        () => {},
      )
    await place.passTime(45)
    await place.dieAndStart(how)
    const found = await stored(await place.connect(), 'a')
    assert.deepEqual(
      found,
      found.map((_, i) => `${i} gzip`),
    )
    assert.ok(found.length >= acked.length, `${acked.length} were acknowledged, ${found.length} are there`)
  })
}

brokerTest('a topic that is deleted under a large batch refuses it', { simulatedOnly: true, seeds: 5 }, async (place) => {
  const [client, other] = [await place.connect(), await place.connect()]
  await createTopic(client, 'a', { configs: { 'compression.type': 'gzip' } })
  const sent = Array.from({ length: 6 }, () => produce(client, 'a', large()))
  await deleteTopic(other, 'a')
  const codes = (await Promise.all(sent)).map(({ errorCode }) => errorCode)
  for (const code of codes) assert.ok([0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, ErrorCode.KAFKA_STORAGE_ERROR].includes(code), `${code}`)
})
