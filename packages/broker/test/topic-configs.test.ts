import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PartitionLog } from '@ottla/log'
import { BatchBuilder, codecNamed, recompress } from '@ottla/protocol'
import { DeleteRecords } from '@ottla/protocol/messages/21-delete-records'
import { DescribeConfigs } from '@ottla/protocol/messages/32-describe-configs'
import { TOPIC_CONFIGS } from '../src/configs/topic-configs.ts'
import type { ConfigRow } from '../src/configs/config-row.ts'
import { alterTopic, batchOf, createTopic, EARLIEST, fetch, offsetAt, produce, recordsIn, TIME } from './actions.ts'
import type { RawClient } from './raw-client.ts'
import { brokerTest, type TestBroker } from './test-broker.ts'

/** A topic that is looked at from outside, as often as a test likes. */
interface Subject {
  readonly place: TestBroker
  readonly client: RawClient
  readonly topic: string
  readonly log: PartitionLog
}

/** What one key does: what the look shows where the broker's default counts, and where `value` is set. */
interface Behaviour {
  readonly value: string | number
  readonly look: (subject: Subject) => Promise<unknown>
  readonly byDefault: unknown
  readonly set: unknown
  /** Others that it takes to see the effect. */
  readonly with?: Readonly<Record<string, string | number>>
}

const GZIP = codecNamed('gzip')!.id
const NOISE = Array.from({ length: 400 }, (_, i) => `${(i * 7919) % 1000} a text of some length ${(i * 31) % 97}`)
const LARGE = Buffer.alloc(600, 'x')
/** Each batch of LARGE is a segment of its own. */
const SMALL_SEGMENTS = { 'internal.segment.bytes': 700 }
const COMPACTED = { ...SMALL_SEGMENTS, 'cleanup.policy': 'compact' }
let keys = 0

const errorOf =
  (records: Buffer, acks = -1) =>
  async (subject: Subject) =>
    (await produce(subject.client, subject.topic, records, { acks })).errorCode

const storedBatch = async ({ client, topic }: Subject, records: Buffer) => {
  const { baseOffset } = await produce(client, topic, records)
  return recordsIn((await fetch(client, topic, baseOffset)).records)[0]!.batch
}

/** Whether what comes uncompressed is stored as this codec makes it at this level. */
const isCompressedAt = (codec: number, level: number) => async (subject: Subject) => {
  const records = batchOf(NOISE)
  return (await storedBatch(subject, records)).sizeBytes === recompress(records, 0, codec, level).length
}

/** How many segments begin while these batches come. */
const segmentsBegunBy = (batches: () => readonly Buffer[]) => async (subject: Subject) => {
  await produce(subject.client, subject.topic, batchOf(['first']))
  const before = subject.log.segments.at(-1)!.baseOffset
  for (const batch of batches()) await produce(subject.client, subject.topic, batch)
  return subject.log.segments.filter((segment) => segment.baseOffset > before).length
}

const isFlushed = async (subject: Subject) => {
  const { baseOffset } = await produce(subject.client, subject.topic, batchOf(['x']), { acks: 1 })
  return subject.log.flushedOffset > baseOffset
}

/** How many records of one key are left, of six and a tombstone's, once compaction has had its time. */
const leftOf = (tombstone: boolean) => async (subject: Subject) => {
  const { client, topic, place } = subject
  const key = `key ${keys++}`
  const now = place.env.clock.now()
  for (let i = 0; i < 6; i++) await produce(client, topic, batchOf([LARGE], { key, timestamp: now }))
  if (tombstone) {
    const builder = new BatchBuilder()
    builder.append(Buffer.from(key), null, [], now)
    await produce(client, topic, builder.build())
  }
  // ends the segment of the last one, and the tombstone's horizon is passed at the next cleaning
  for (let i = 0; i < 3; i++) {
    for (let j = 0; j < 2; j++) await produce(client, topic, batchOf([LARGE], { key: `other ${keys++}`, timestamp: now }))
    await place.passTime(4000)
  }
  let left = 0
  for await (const batch of subject.log.readBatches(0)) {
    left += recordsIn(batch).filter((record) => record.key?.toString() === key).length
  }
  return left
}

/** How many of four records are left after the next check of retention. */
const retained = async ({ client, topic, place, log }: Subject) => {
  const before = log.logEndOffset
  for (let i = 0; i < 4; i++) await produce(client, topic, batchOf([LARGE]))
  await place.passTime(3000)
  return log.logEndOffset - Math.max(before, (await offsetAt(client, topic, EARLIEST)).offset)
}

const deletedFilesLeft = async ({ client, topic, place, log }: Subject) => {
  const before = log.logEndOffset
  for (let i = 0; i < 4; i++) await produce(client, topic, batchOf([LARGE]))
  await client.request(DeleteRecords, 2, {
    topics: [{ name: topic, partitions: [{ partitionIndex: 0, offset: -1 }] }],
    timeoutMs: 1000,
  })
  await place.passTime(3000)
  const files = await place.env.disk.list(`${place.logDirectory}/${topic}-0`)
  return files.some(({ name }) => name.endsWith('.log.deleted') && Number.parseInt(name, 10) >= before)
}

const indexEntries = async ({ client, topic, log }: Subject) => {
  const before = log.segments.at(-1)!.offsets.count
  for (let i = 0; i < 4; i++) await produce(client, topic, batchOf([LARGE]))
  return log.segments.at(-1)!.offsets.count > before
}

const apart = (ms: number) => (): Buffer[] => [batchOf(['x'], { timestamp: TIME }), batchOf(['y'], { timestamp: TIME + ms })]
const threeLarge = (): Buffer[] => [batchOf([LARGE]), batchOf([LARGE]), batchOf([LARGE])]

const BEHAVIOURS: Readonly<Record<string, Behaviour>> = {
  'cleanup.policy': { value: 'compact', look: errorOf(batchOf(['x'], { key: null })), byDefault: 0, set: 87 },
  'compression.gzip.level': { value: 1, look: isCompressedAt(GZIP, 1), byDefault: false, set: true, with: { 'compression.type': 'gzip' } },
  'compression.type': {
    value: 'snappy',
    look: async (subject) => (await storedBatch(subject, batchOf(NOISE, { codec: GZIP }))).codec,
    byDefault: 'gzip',
    set: 'snappy',
  },
  'compression.zstd.level': {
    value: 19,
    look: isCompressedAt(codecNamed('zstd')!.id, 19),
    byDefault: false,
    set: true,
    with: { 'compression.type': 'zstd' },
  },
  'delete.retention.ms': { value: 1, look: leftOf(true), byDefault: 1, set: 0, with: { ...COMPACTED, 'min.cleanable.dirty.ratio': 0 } },
  'file.delete.delay.ms': { value: 100, look: deletedFilesLeft, byDefault: true, set: false, with: SMALL_SEGMENTS },
  'flush.before.ack': { value: 'true', look: isFlushed, byDefault: false, set: true },
  'flush.messages': { value: 1, look: isFlushed, byDefault: false, set: true },
  'flush.ms': {
    value: 1000,
    look: async (subject) => {
      await isFlushed(subject)
      await subject.place.passTime(1500)
      return subject.log.flushedOffset === subject.log.logEndOffset
    },
    byDefault: false,
    set: true,
  },
  'index.interval.bytes': { value: 100, look: indexEntries, byDefault: false, set: true },
  'internal.segment.bytes': { value: 700, look: segmentsBegunBy(threeLarge), byDefault: 0, set: 3 },
  'max.compaction.lag.ms': {
    value: 2000,
    look: leftOf(false),
    byDefault: 6,
    set: 1,
    with: { ...COMPACTED, 'min.cleanable.dirty.ratio': 1 },
  },
  'max.decompressed.message.bytes': { value: 500, look: errorOf(batchOf([LARGE], { codec: GZIP })), byDefault: 0, set: 10 },
  'max.message.bytes': { value: 500, look: errorOf(batchOf([LARGE])), byDefault: 0, set: 10 },
  'message.downconversion.enable': {
    value: 'false',
    look: async ({ client, topic }) => {
      const { baseOffset } = await produce(client, topic, batchOf(['x']))
      return (await fetch(client, topic, baseOffset, { version: 3 })).errorCode
    },
    byDefault: 0,
    set: 35,
  },
  'message.timestamp.after.max.ms': {
    value: 1000,
    look: (subject) => errorOf(batchOf(['x'], { timestamp: subject.place.env.clock.now() + 1_800_000 }))(subject),
    byDefault: 0,
    set: 32,
  },
  'message.timestamp.before.max.ms': { value: 1000, look: errorOf(batchOf(['x'])), byDefault: 0, set: 32 },
  'message.timestamp.type': {
    value: 'LogAppendTime',
    look: async (subject) => (await storedBatch(subject, batchOf(['x']))).timestampType,
    byDefault: 'CreateTime',
    set: 'LogAppendTime',
  },
  'min.cleanable.dirty.ratio': { value: 1, look: leftOf(false), byDefault: 1, set: 6, with: COMPACTED },
  'min.compaction.lag.ms': {
    value: 3_600_000,
    look: leftOf(false),
    byDefault: 1,
    set: 6,
    with: { ...COMPACTED, 'min.cleanable.dirty.ratio': 0 },
  },
  'min.insync.replicas': { value: 2, look: errorOf(batchOf(['x'])), byDefault: 0, set: 19 },
  'retention.bytes': { value: 1000, look: retained, byDefault: 4, set: 2, with: SMALL_SEGMENTS },
  'retention.ms': { value: 1000, look: retained, byDefault: 4, set: 0, with: SMALL_SEGMENTS },
  'segment.bytes': { value: 700, look: segmentsBegunBy(threeLarge), byDefault: 0, set: 3 },
  'segment.index.bytes': {
    value: 24,
    look: async (subject) => (await segmentsBegunBy(() => [...threeLarge(), ...threeLarge()])(subject)) > 0,
    byDefault: false,
    set: true,
    with: { 'index.interval.bytes': 1 },
  },
  // a part of segment.ms by chance: nearly all of it, so that the least time apart is too long
  'segment.jitter.ms': { value: 100_000, look: segmentsBegunBy(apart(99_990)), byDefault: 0, set: 1, with: { 'segment.ms': 100_000 } },
  preallocate: {
    value: 'true',
    look: async ({ client, topic, log }) => {
      await produce(client, topic, batchOf(['x']))
      log.roll()
      return log.segments.at(-1)!.reservedBytes > 0
    },
    byDefault: false,
    set: true,
  },
  'segment.ms': { value: 1000, look: segmentsBegunBy(apart(5000)), byDefault: 0, set: 1 },
}

const ROWS: readonly ConfigRow[] = TOPIC_CONFIGS
const KEPT = ROWS.filter(({ withoutEffect }) => withoutEffect !== undefined)

test('every key of a topic acts, and is tried below, or says why it does not', () => {
  const acting = ROWS.filter(({ withoutEffect }) => withoutEffect === undefined).map(({ name }) => name)
  assert.deepEqual(Object.keys(BEHAVIOURS).toSorted(), acting.toSorted())
})

const settings = { 'log.retention.check.interval.ms': 1000, 'log.cleaner.backoff.ms': 1000 }

for (const [key, { value, look, byDefault, set, with: others = {} }] of Object.entries(BEHAVIOURS)) {
  brokerTest(`${key}: obeyed at creation, when altered, and no more when deleted`, { simulatedOnly: true, settings }, async (place) => {
    const client = await place.connect()
    const subject = async (topic: string, configs: Readonly<Record<string, string | number>>): Promise<Subject> => {
      await createTopic(client, topic, { configs: { ...others, ...configs } })
      return { place, client, topic, log: place.broker.topics.byName(topic)!.logs[0]! }
    }
    assert.deepEqual(await look(await subject('made', { [key]: value })), set, 'set at creation')
    const altered = await subject('altered', {})
    assert.deepEqual(await look(altered), byDefault, 'not set')
    assert.equal(await alterTopic(client, 'altered', { [key]: value }), 0)
    assert.deepEqual(await look(altered), set, 'set while it runs')
    assert.equal(await alterTopic(client, 'altered', { [key]: null }), 0)
    assert.deepEqual(await look(altered), byDefault, 'deleted')
  })
}

brokerTest('what is kept without effect is checked and shown, and its documentation says so', { simulatedOnly: true }, async (place) => {
  const client = await place.connect()
  const configs = Object.fromEntries(KEPT.map((row) => [row.name, String(row.default)]))
  await createTopic(client, 'a', { configs })
  const request = {
    resources: [{ resourceType: 2, resourceName: 'a', configurationKeys: Object.keys(configs) }],
    includeSynonyms: false,
    includeDocumentation: true,
  }
  const shown = (await client.request(DescribeConfigs, 4, request)).results[0]!.configs
  assert.equal(shown.length, KEPT.length)
  for (const { name, value, configSource, documentation } of shown) {
    assert.deepEqual([value, configSource], [configs[name], 1], name)
    assert.match(documentation!, /\. Without effect here: .+\.$/)
  }
})
