import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LogConfig } from '@ottla/log'
import { ErrorCode } from '@ottla/protocol'
import { AlterOperation, alteredBrokerConfigs, alteredTopicOverrides } from './alter-configs.ts'
import { loadBrokerConfig, withDynamicConfigs } from './broker-config.ts'
import { describeBrokerConfigs, describeBrokerDefaults, describeTopicConfigs } from './describe-configs.ts'
import { checkTopicConfigs, topicConfig } from './topic-config.ts'

const { SET, DELETE, APPEND, SUBTRACT } = AlterOperation
const NONE: ReadonlyMap<string, string> = new Map()
const broker = (properties: Record<string, string> = {}) => loadBrokerConfig(new Map(Object.entries(properties))).config
const map = (values: Record<string, string>) => new Map(Object.entries(values))
const invalid = (message: RegExp) => ({ code: ErrorCode.INVALID_CONFIG, message })

test("a topic has the broker's values where it has none of its own", () => {
  const config = topicConfig(broker({ 'log.retention.hours': '1', 'log.flush.before.ack': 'true' }), map({ 'segment.bytes': '1048576' }))
  assert.equal(config.retentionMs, 3600000)
  assert.equal(config.segmentBytes, 1048576)
  assert.equal(config.maxMessageBytes, 1048588)
  assert.equal(config.flushBeforeAck, true)
  assert.equal(config.timestampType, 'CreateTime')
  assert.equal(config.timestampAfterMaxMs, 3600000)
  assert.equal(config.messageDownconversionEnable, true)
  assert.deepEqual([...config.cleanupPolicy], ['delete'])
  assert.deepEqual([config.deleteOld, config.compact, config.logAppendTime], [true, false, false])
})

test('it is what a log wants to know', () => {
  const config: LogConfig = topicConfig(
    broker(),
    map({
      'cleanup.policy': 'compact',
      'message.timestamp.type': 'LogAppendTime',
      'internal.segment.bytes': '1000',
      'flush.messages': '1',
      'delete.retention.ms': '7',
      'min.cleanable.dirty.ratio': '0.1',
      'min.compaction.lag.ms': '8',
      'max.compaction.lag.ms': '9000',
    }),
  )
  assert.deepEqual([config.deleteOld, config.compact, config.logAppendTime, config.segmentBytes], [false, true, true, 1000])
  assert.deepEqual([config.flushMessages, config.producerIdExpirationMs], [1, 86400000])
  assert.deepEqual([config.deleteRetentionMs, config.minCleanableDirtyRatio], [7, 0.1])
  assert.deepEqual([config.minCompactionLagMs, config.maxCompactionLagMs], [8, 9000])
  assert.equal(config.segmentMs, 9000, 'an active segment ends before max.compaction.lag.ms')
  assert.equal(topicConfig(broker(), map({ 'max.compaction.lag.ms': '9000' })).segmentMs, 604800000)
})

test("stored keys that there are not are passed over; a value that can't be is not", () => {
  assert.equal(topicConfig(broker(), map({ 'message.format.version': '2.0', colour: 'blue' })).retentionMs, 604800000)
  assert.throws(() => topicConfig(broker(), map({ 'segment.bytes': '1' })), invalid(/^segment\.bytes=1: must be \[14,\.\.\.\]$/))
})

test('what a client asks for with a new topic is checked', () => {
  const check = (...configs: [string, string | null][]) =>
    checkTopicConfigs(
      broker(),
      configs.map(([name, value]) => ({ name, value })),
    )
  const both = { 'retention.ms': '5', 'cleanup.policy': 'compact,delete' }
  assert.deepEqual(check(['retention.ms', '5'], ['cleanup.policy', 'compact,delete']), map(both))
  assert.throws(() => check(['retention.sm', '5']), invalid(/unknown topic config retention\.sm; did you mean retention\.ms\?/))
  assert.throws(() => check(['log.roll.ms', '5']), invalid(/did you mean segment\.ms\?/))
  assert.throws(() => check(['message.format.version', '2.0']), invalid(/unknown/))
  assert.throws(() => check(['retention.ms', null]), invalid(/no value/))
  assert.throws(() => check(['retention.ms', '5'], ['retention.ms', '6']), { code: ErrorCode.INVALID_REQUEST })
  assert.throws(() => check(['remote.storage.enable', 'true']), invalid(/no remote storage/))
  assert.throws(() => check(['min.compaction.lag.ms', '5'], ['max.compaction.lag.ms', '4']), invalid(/is above/))
  assert.throws(() => check(['leader.replication.throttled.replicas', '1']), invalid(/partitionId/))
  check(['leader.replication.throttled.replicas', '0:1,1:2'], ['follower.replication.throttled.replicas', '*'])
})

test('DescribeConfigs of a topic: value, source and synonyms', () => {
  const described = (key: string, overrides = NONE, properties = {}) => {
    const { name, value, source, synonyms, type, readOnly, sensitive } = describeTopicConfigs(broker(properties), overrides, [key])[0]!
    return [name, value, source, type, readOnly || sensitive, synonyms.map((one) => `${one.source} ${one.name}=${one.value}`)]
  }
  assert.deepEqual(described('flush.messages'), [
    'flush.messages',
    '9223372036854775807',
    5,
    5,
    false,
    ['5 log.flush.interval.messages=9223372036854775807'],
  ])
  assert.deepEqual(described('retention.ms', map({ 'retention.ms': '9' }), { 'log.retention.minutes': '2' }), [
    'retention.ms',
    '9',
    1,
    5,
    false,
    ['1 retention.ms=9', '4 log.retention.minutes=2', '5 log.retention.hours=168'],
  ])
  assert.deepEqual(described('retention.ms', NONE, { 'log.retention.minutes': '2' }).slice(0, 3), ['retention.ms', '120000', 4])
  assert.deepEqual(described('cleanup.policy'), ['cleanup.policy', 'delete', 5, 7, false, ['5 log.cleanup.policy=delete']])
  assert.deepEqual(described('remote.storage.enable'), ['remote.storage.enable', 'false', 5, 1, false, ['5 remote.storage.enable=false']])
  const names = describeTopicConfigs(broker(), NONE).map((one) => one.name)
  assert(names.includes('min.insync.replicas') && !names.includes('internal.segment.bytes'))
})

test('DescribeConfigs of a broker, and of what is set for all', () => {
  const config = withDynamicConfigs(broker({ 'broker.id': '3' }), map({ 'log.retention.ms': '3' }), map({ 'log.retention.ms': '2' }))
  const [id] = describeBrokerConfigs(config, ['broker.id'])
  assert.deepEqual([id!.value, id!.source, id!.readOnly, id!.type], ['3', 4, true, 3])
  const [retention] = describeBrokerConfigs(config, ['log.retention.ms'])
  assert.deepEqual([retention!.value, retention!.source, retention!.readOnly], ['3', 2, false])
  assert.deepEqual(
    retention!.synonyms.map((one) => one.source),
    [2, 3, 5],
  )
  assert.deepEqual(
    describeBrokerDefaults(config).map((one) => [one.name, one.value, one.source]),
    [['log.retention.ms', '2', 3]],
  )
  assert.equal(describeBrokerConfigs(config, ['listeners'])[0]!.value, 'PLAINTEXT://:9092')
  assert.equal(describeBrokerConfigs(config, ['advertised.listeners'])[0]!.value, null)
})

test('IncrementalAlterConfigs of a topic: set, delete, append, subtract', () => {
  const alter = (overrides: Record<string, string>, ...changes: [string, number, string | null][]) =>
    Object.fromEntries(
      alteredTopicOverrides(
        broker(),
        map(overrides),
        changes.map(([name, configOperation, value]) => ({ name, configOperation, value })),
      ),
    )
  assert.deepEqual(alter({ 'retention.ms': '1' }, ['retention.bytes', SET, '2']), { 'retention.ms': '1', 'retention.bytes': '2' })
  assert.deepEqual(alter({ 'retention.ms': '1', colour: 'blue' }, ['retention.ms', DELETE, null], ['colour', DELETE, null]), {})
  assert.deepEqual(alter({}, ['cleanup.policy', APPEND, 'compact']), { 'cleanup.policy': 'delete,compact' })
  assert.deepEqual(alter({}, ['cleanup.policy', APPEND, 'delete']), { 'cleanup.policy': 'delete' })
  assert.deepEqual(alter({ 'cleanup.policy': 'delete,compact' }, ['cleanup.policy', SUBTRACT, 'delete']), { 'cleanup.policy': 'compact' })
  assert.throws(() => alter({}, ['retention.ms', APPEND, '1']), invalid(/no list/))
  assert.throws(() => alter({}, ['retention.mss', SET, '1']), invalid(/did you mean retention\.ms/))
  assert.throws(() => alter({}, ['retention.mss', DELETE, null]), invalid(/unknown/))
  assert.throws(() => alter({}, ['retention.ms', SET, '-2']), invalid(/\[-1,\.\.\.\]/))
  for (const changes of [
    [['retention.ms', SET, null]],
    [
      ['retention.ms', SET, '1'],
      ['retention.ms', SET, '2'],
    ],
    [['cleanup.policy', 9, 'delete']],
  ] as [string, number, string | null][][]) {
    assert.throws(() => alter({}, ...changes), { code: ErrorCode.INVALID_REQUEST })
  }
})

test('IncrementalAlterConfigs of a broker: only what can change at run time', () => {
  const alter = (name: string, value: string) => alteredBrokerConfigs(broker(), 'brokers', [{ name, configOperation: SET, value }])
  assert.deepEqual(alter('log.retention.ms', '5'), map({ 'log.retention.ms': '5' }))
  assert.throws(() => alter('broker.id', '5'), { code: ErrorCode.INVALID_REQUEST, message: /server\.properties/ })
  assert.throws(() => alter('num.io.threads', '5'), invalid(/no effect/))
  assert.throws(() => alter('log.retention.mss', '5'), invalid(/did you mean log\.retention\.ms/))
  assert.throws(() => alter('log.segment.bytes', '5'), invalid(/must be/))
})
