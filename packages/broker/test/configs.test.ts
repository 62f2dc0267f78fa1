import assert from 'node:assert/strict'
import { codecNamed, ErrorCode } from '@ottla/protocol'
import { DescribeConfigs } from '@ottla/protocol/messages/32-describe-configs'
import { IncrementalAlterConfigs } from '@ottla/protocol/messages/44-incremental-alter-configs'
import { alterTopic, batchOf, createTopic, EARLIEST, fetch, offsetAt, produce, recordsIn, TIME } from './actions.ts'
import type { RawClient } from './raw-client.ts'
import { brokerTest } from './test-broker.ts'

const TOPIC = 2
const BROKER = 4
const SET = 0
const DELETE = 1
const APPEND = 2
const SUBTRACT = 3

async function describe(client: RawClient, resourceType: number, resourceName: string, keys: readonly string[] | null = null, version = 4) {
  const request = {
    resources: [{ resourceType, resourceName, configurationKeys: keys }],
    includeSynonyms: true,
    includeDocumentation: true,
  }
  return (await client.request(DescribeConfigs, version, request)).results[0]!
}

async function alter(
  client: RawClient,
  name: string,
  changes: readonly (readonly [string, number, string | null])[],
  options = {},
): Promise<number> {
  const {
    resourceType = TOPIC,
    validateOnly = false,
    version = 1,
  } = options as { resourceType?: number; validateOnly?: boolean; version?: number }
  const configs = changes.map(([key, configOperation, value]) => ({ name: key, configOperation, value }))
  const request = { resources: [{ resourceType, resourceName: name, configs }], validateOnly }
  return (await client.request(IncrementalAlterConfigs, version, request)).responses[0]!.errorCode
}

brokerTest('DescribeConfigs: of a topic, in every version', { settings: { 'log.segment.bytes': 5_000_000 } }, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'a', { configs: { 'retention.ms': 1234 } })
  for (let version = 0; version <= 4; version++) {
    const { errorCode, configs } = await describe(client, TOPIC, 'a', ['retention.ms', 'segment.bytes', 'max.message.bytes'], version)
    assert.equal(errorCode, 0)
    const byName = new Map(configs.map((one) => [one.name, one]))
    assert.equal(byName.size, 3)
    assert.deepEqual([...byName.values()].map(({ name, value }) => `${name}=${value}`).toSorted(), [
      'max.message.bytes=1048588',
      'retention.ms=1234',
      'segment.bytes=5000000',
    ])
    if (version === 0) assert.deepEqual([byName.get('retention.ms')!.isDefault, byName.get('max.message.bytes')!.isDefault], [false, true])
    else
      assert.deepEqual(
        ['retention.ms', 'segment.bytes', 'max.message.bytes'].map((key) => byName.get(key)!.configSource),
        [1, 4, 5],
      )
    if (version >= 1)
      assert.deepEqual(
        byName.get('segment.bytes')!.synonyms.map(({ name, source }) => [name, source]),
        [
          ['log.segment.bytes', 4],
          ['log.segment.bytes', 5],
        ],
      )
    if (version >= 3)
      assert.deepEqual([byName.get('retention.ms')!.configType, byName.get('retention.ms')!.documentation === null], [5, false])
  }
})

brokerTest('DescribeConfigs: all keys, of topics and of the broker, and what there is not', {}, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'a')
  const ofTopic = await describe(client, TOPIC, 'a')
  assert(ofTopic.configs.some(({ name }) => name === 'cleanup.policy') && !ofTopic.configs.some(({ name }) => name.startsWith('internal.')))
  const ofBroker = await describe(client, BROKER, '1')
  assert.equal(ofBroker.configs.find(({ name }) => name === 'log.dirs')?.readOnly, true)
  assert.equal((await describe(client, TOPIC, 'absent')).errorCode, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  assert.equal((await describe(client, BROKER, '2')).errorCode, ErrorCode.INVALID_REQUEST)
  assert.equal((await describe(client, 99, 'a')).errorCode, ErrorCode.INVALID_REQUEST)
})

brokerTest('IncrementalAlterConfigs: sets, deletes, appends and subtracts', {}, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'a')
  const value = async (key: string): Promise<string | null> => (await describe(client, TOPIC, 'a', [key])).configs[0]!.value
  assert.equal(
    await alter(
      client,
      'a',
      [
        ['retention.ms', SET, '1000'],
        ['cleanup.policy', APPEND, 'compact'],
      ],
      { version: 0 },
    ),
    0,
  )
  assert.deepEqual([await value('retention.ms'), await value('cleanup.policy')], ['1000', 'delete,compact'])
  assert.equal(
    await alter(client, 'a', [
      ['cleanup.policy', SUBTRACT, 'delete'],
      ['retention.ms', DELETE, null],
    ]),
    0,
  )
  assert.deepEqual([await value('retention.ms'), await value('cleanup.policy')], ['-1', 'compact'])
  assert.equal(await alter(client, 'a', [['retention.ms', SET, '5']], { validateOnly: true }), 0)
  assert.equal(await value('retention.ms'), '-1')
})

brokerTest('IncrementalAlterConfigs: what it refuses, and changes nothing then', {}, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'a')
  assert.equal(
    await alter(client, 'a', [
      ['retention.ms', SET, '5'],
      ['no.such.key', SET, '1'],
    ]),
    ErrorCode.INVALID_CONFIG,
  )
  assert.equal(await alter(client, 'a', [['retention.ms', SET, 'soon']]), ErrorCode.INVALID_CONFIG)
  assert.equal(await alter(client, 'a', [['retention.ms', SET, null]]), ErrorCode.INVALID_REQUEST)
  assert.equal(await alter(client, 'a', [['retention.ms', 9, '5']]), ErrorCode.INVALID_REQUEST)
  assert.equal(await alter(client, 'a', [['retention.ms', APPEND, '5']]), ErrorCode.INVALID_CONFIG)
  assert.equal(
    await alter(client, 'a', [
      ['retention.ms', SET, '5'],
      ['retention.ms', SET, '6'],
    ]),
    ErrorCode.INVALID_REQUEST,
  )
  assert.equal(await alter(client, 'absent', [['retention.ms', SET, '5']]), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  assert.equal((await describe(client, TOPIC, 'a', ['retention.ms'])).configs[0]!.value, '-1')
})

brokerTest('IncrementalAlterConfigs: of two clients at once, both changes stay', { seeds: 5 }, async (place) => {
  const clients = await Promise.all([1, 2, 3].map(() => place.connect()))
  await createTopic(clients[0]!, 'a')
  const keys = ['retention.ms', 'segment.ms', 'max.message.bytes']
  const codes = await Promise.all(clients.map((client, i) => alterTopic(client, 'a', { [keys[i]!]: 5000 + i })))
  assert.deepEqual(codes, [0, 0, 0])
  const { configs } = await describe(clients[0]!, TOPIC, 'a', keys)
  assert.deepEqual(new Map(configs.map(({ name, value }) => [name, value])), new Map(keys.map((key, i) => [key, String(5000 + i)])))
})

brokerTest('max.message.bytes counts from the next request on', {}, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'a')
  const large = (): Buffer => batchOf([Buffer.alloc(2000)])
  assert.equal((await produce(client, 'a', large())).errorCode, 0)
  await alterTopic(client, 'a', { 'max.message.bytes': 1000 })
  assert.equal((await produce(client, 'a', large())).errorCode, ErrorCode.MESSAGE_TOO_LARGE)
  await alterTopic(client, 'a', { 'max.message.bytes': null })
  assert.equal((await produce(client, 'a', large())).errorCode, 0)
})

brokerTest('message.timestamp.type=LogAppendTime: the broker sets the time', {}, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'a')
  await produce(client, 'a', ['own time'])
  await alterTopic(client, 'a', { 'message.timestamp.type': 'LogAppendTime' })
  const { logAppendTimeMs } = await produce(client, 'a', ['x', 'y'])
  assert(logAppendTimeMs > TIME)
  // years apart, so in two segments
  const records = [...recordsIn((await fetch(client, 'a', 0)).records), ...recordsIn((await fetch(client, 'a', 1)).records)]
  assert.deepEqual(
    records.map(({ timestamp }) => timestamp),
    [TIME, logAppendTimeMs, logAppendTimeMs],
  )
  assert.deepEqual(
    records.map(({ batch }) => batch.timestampType),
    ['CreateTime', 'LogAppendTime', 'LogAppendTime'],
  )
})

brokerTest(
  "message.timestamp.type=LogAppendTime: the client's times do not count, and only the broker may claim its own",
  {},
  async (place) => {
    const client = await place.connect()
    await createTopic(client, 'a', { configs: { 'message.timestamp.type': 'LogAppendTime' } })
    const future = 9_000_000_000_000
    assert.equal((await produce(client, 'a', batchOf(['x'], { timestamp: future }))).errorCode, 0)
    assert.equal((await produce(client, 'a', batchOf(['x'], { timestampType: 'LogAppendTime' }))).errorCode, ErrorCode.INVALID_TIMESTAMP)
  },
)

brokerTest('compression.type: batches are stored in it, whatever they came in', {}, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'a')
  const values = Array.from({ length: 50 }, (_, i) => `value ${i}`)
  for (const [type, stored] of [
    ['gzip', 'gzip'],
    ['uncompressed', 'none'],
    ['zstd', 'zstd'],
    ['snappy', 'snappy'],
    ['lz4', 'lz4'],
    ['producer', 'gzip'],
  ] as const) {
    await alterTopic(client, 'a', { 'compression.type': type })
    const { baseOffset, errorCode } = await produce(client, 'a', batchOf(values, { codec: codecNamed('gzip')!.id }))
    assert.equal(errorCode, 0)
    const records = recordsIn((await fetch(client, 'a', baseOffset)).records)
    assert.deepEqual(
      records.map(({ value, offset }) => [value!.toString(), offset]),
      values.map((value, i) => [value, baseOffset + i]),
    )
    assert.equal(records[0]!.batch.codec, stored)
  }
})

brokerTest(
  'segment.bytes and retention.bytes: old segments go',
  { simulatedOnly: true, settings: { 'log.retention.check.interval.ms': 1000 } },
  async (place) => {
    const client = await place.connect()
    await createTopic(client, 'a')
    await alterTopic(client, 'a', { 'internal.segment.bytes': 1000, 'retention.bytes': 2500 })
    for (let i = 0; i < 10; i++) await produce(client, 'a', batchOf([Buffer.alloc(800)]))
    await place.passTime(3000)
    const { offset } = await offsetAt(client, 'a', EARLIEST)
    assert(offset >= 6 && offset < 10, `log start ${offset}`)
    assert.equal((await fetch(client, 'a', 0)).errorCode, ErrorCode.OFFSET_OUT_OF_RANGE)
    assert.equal((await fetch(client, 'a', 0)).logStartOffset, offset)
    assert.equal((await fetch(client, 'a', offset)).errorCode, 0)
  },
)

brokerTest(
  'retention.ms: what is older goes',
  { simulatedOnly: true, settings: { 'log.retention.check.interval.ms': 1000 } },
  async (place) => {
    const client = await place.connect()
    await createTopic(client, 'a', { configs: { 'internal.segment.bytes': 300, 'message.timestamp.type': 'LogAppendTime' } })
    for (let i = 0; i < 4; i++) await produce(client, 'a', batchOf([Buffer.alloc(200)]))
    await place.passTime(10_000)
    await alterTopic(client, 'a', { 'retention.ms': 5000 })
    await produce(client, 'a', batchOf([Buffer.alloc(200)]))
    await place.passTime(3000)
    assert.equal((await offsetAt(client, 'a', EARLIEST)).offset, 4)
  },
)
