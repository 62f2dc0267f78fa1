import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { ErrorCode } from '@ottla/protocol'
import { CreateTopics } from '@ottla/protocol/messages/19-create-topics'
import { IncrementalAlterConfigs } from '@ottla/protocol/messages/44-incremental-alter-configs'
import { alterTopic, batchOf, createTopic, produce, type ProducedPartition } from './actions.ts'
import type { RawClient } from './raw-client.ts'
import { brokerTest } from './test-broker.ts'

/** What Apache Kafka 4.3.1 answered: a key, a value, and the codes of CreateTopics and IncrementalAlterConfigs; then codes of Produce. */
interface Answers {
  readonly values: readonly (readonly [key: string, value: string | null, created: number, altered: number])[]
  /** The code, and the records that were named. */
  readonly batches: Readonly<Record<string, readonly [number, readonly number[]]>>
}
const facts = new URL('../../../tests/conformance/facts/config-answers.json', import.meta.url)
const KAFKA = JSON.parse(readFileSync(facts, 'utf8')) as Answers

/** Keys of Kafka 3.9 or 4.4, which 4.3.1 does not know. */
const OF_OTHER_VERSIONS = new Set([
  'message.downconversion.enable',
  'remote.copy.lag.ms',
  'remote.copy.lag.bytes',
  'errors.deadletterqueue.group.enable',
  'max.decompressed.message.bytes',
])
const { INVALID_CONFIG } = ErrorCode

brokerTest('values of topic configs are taken and refused as Kafka does, with a sentence', { simulatedOnly: true }, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'altered')
  const differences: string[] = []
  for (const [key, value, kafkaCreates, kafkaAlters] of KAFKA.values) {
    const made = await create(client, key, value)
    const changed = await alter(client, key, value)
    for (const { errorCode, errorMessage } of [made, changed])
      assert.equal(errorCode === 0, errorMessage === null, `${key}=${value}: ${errorMessage}`)
    if (made.errorCode === INVALID_CONFIG)
      assert.match(made.errorMessage!, new RegExp(`${key}(=.*: must be | has no value|$|; did you|=true: there is no)`))
    if (OF_OTHER_VERSIONS.has(key)) continue
    if (made.errorCode !== kafkaCreates || changed.errorCode !== kafkaAlters) differences.push(`${key}=${value}`)
  }
  // segments as small as Kafka 3.9's: directories of its time have such
  assert.deepEqual(differences, ['segment.bytes=100', 'segment.bytes=1048575'])
})

async function create(client: RawClient, key: string, value: string | null) {
  const topic = { name: 'created', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [{ name: key, value }] }
  return (await client.request(CreateTopics, 7, { topics: [topic], timeoutMs: 1000, validateOnly: true })).topics[0]!
}

async function alter(client: RawClient, key: string, value: string | null) {
  const configs = [{ name: key, configOperation: 0, value }]
  const resources = [{ resourceType: 2, resourceName: 'altered', configs }]
  return (await client.request(IncrementalAlterConfigs, 1, { resources, validateOnly: true })).responses[0]!
}

const GZIP = 1
const ZSTD = 4
const seen = ({ errorCode, recordErrors }: ProducedPartition) => [errorCode, recordErrors.map((one) => one.batchIndex)]

brokerTest('timestamps out of range, and batches that are refused: the codes and records that Kafka names', {}, async (place) => {
  const client = await place.connect()
  const now = place.env.clock.now()
  const outcomes: Record<string, unknown> = {}
  const send = async (label: string, topic: string, batch: Buffer, version = 12): Promise<void> => {
    outcomes[label] = seen(await produce(client, topic, batch, { version }))
  }
  const [past, future] = [now - 200_000, now + 300_000]
  await createTopic(client, 't', { configs: { 'message.timestamp.before.max.ms': 100_000, 'message.timestamp.after.max.ms': 100_000 } })
  await send('ts now', 't', batchOf(['a'], { timestamp: now }))
  await send('ts past', 't', batchOf(['a', 'b'], { timestamp: past }))
  await send('ts future', 't', batchOf(['a', 'b'], { timestamp: future }))
  await send('ts none', 't', batchOf(['a'], { timestamp: -1 }))
  for (const codec of [GZIP, ZSTD]) await send(`ts past codec ${codec}`, 't', batchOf(['a', 'b'], { timestamp: past, codec }))
  await send('ts past v7', 't', batchOf(['a', 'b'], { timestamp: past }), 7)
  await send('ts past many', 't', batchOf(Array.from({ length: 12 }, String), { timestamp: past }))
  await send('client LogAppendTime flag', 't', batchOf(['a'], { timestamp: now, timestampType: 'LogAppendTime' }))
  await createTopic(client, 'l', {
    configs: {
      'message.timestamp.type': 'LogAppendTime',
      'message.timestamp.before.max.ms': 1000,
      'message.timestamp.after.max.ms': 1000,
    },
  })
  await send('LAT past', 'l', batchOf(['a'], { timestamp: 5 }))
  await send('LAT flag', 'l', batchOf(['a'], { timestamp: now, timestampType: 'LogAppendTime' }))
  await createTopic(client, 'c', { configs: { 'cleanup.policy': 'compact' } })
  await send('compact null key', 'c', batchOf(['a', 'b'], { key: null }))
  await send('compact key', 'c', batchOf(['a', 'b']))
  await alterTopic(client, 'c', { 'cleanup.policy': 'delete' })
  await send('then delete: null key', 'c', batchOf(['a', 'b'], { key: null }))
  await sendLarge(client, send)
  assert.deepEqual(outcomes, KAFKA.batches)
})

/** `max.message.bytes` is asked twice, of what came and of what is stored; `segment.bytes` of what is stored. */
async function sendLarge(client: RawClient, send: (label: string, topic: string, batch: Buffer) => Promise<void>): Promise<void> {
  const zeros = Buffer.alloc(100_000)
  await createTopic(client, 's', { configs: { 'max.message.bytes': 2000 } })
  await send('too large', 's', batchOf([zeros]))
  await send('compressed, small enough', 's', batchOf([zeros], { codec: GZIP }))
  await alterTopic(client, 's', { 'compression.type': 'uncompressed' })
  await send('too large after decompression', 's', batchOf([zeros], { codec: GZIP }))
  await alterTopic(client, 's', { 'compression.type': 'gzip' })
  await send('too large before compression', 's', batchOf([zeros]))
  const large = Buffer.alloc(2_000_000)
  await createTopic(client, 'g', {
    configs: { 'segment.bytes': 1_048_576, 'max.message.bytes': 5_000_000, 'compression.type': 'gzip' },
  })
  await send('above segment, compresses', 'g', batchOf([large]))
  await alterTopic(client, 'g', { 'compression.type': 'uncompressed' })
  await send('above segment', 'g', batchOf([large]))
  await send('above segment, decompressed', 'g', batchOf([large], { codec: ZSTD }))
}
