import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCode, KafkaError } from '@ottla/protocol'
import { loadBrokerConfig, withDynamicConfigs } from './broker-config.ts'
import { LONG_MAX } from './config-row.ts'

const load = (properties: Record<string, string>, overrides: Record<string, string> = {}) =>
  loadBrokerConfig(new Map(Object.entries(properties)), new Map(Object.entries(overrides)))
const config = (properties: Record<string, string>, overrides: Record<string, string> = {}) => load(properties, overrides).config

function refused(properties: Record<string, string>, message: RegExp): void {
  assert.throws(
    () => load(properties),
    (error) => {
      assert(error instanceof KafkaError)
      assert.equal(error.code, ErrorCode.INVALID_CONFIG)
      assert.match(error.message, message)
      return true
    },
  )
}

test('without a file all is as Kafka has it', () => {
  const loaded = load({})
  const { notes, warnings } = loaded
  assert.deepEqual([notes, warnings], [[], []])
  assert.equal(loaded.config.logRetentionMs, 604800000)
  assert.equal(loaded.config.logRollMs, 604800000)
  assert.equal(loaded.config.logFlushIntervalMs, LONG_MAX)
  assert.deepEqual(loaded.config.logDirs, ['data/logs'])
  assert.deepEqual(loaded.config.listeners, [{ name: 'PLAINTEXT', securityProtocol: 'PLAINTEXT', host: '', port: 9092 }])
  assert.deepEqual(loaded.config.advertisedListeners, [])
  assert.deepEqual(loaded.config.groupConsumerAssignors, ['uniform', 'range'])
  const delay: number = loaded.config.groupInitialRebalanceDelayMs
  assert.equal(delay, 100)
})

test('the finer unit comes before the coarser, and -1 has no unit', () => {
  assert.equal(config({ 'log.retention.hours': '2' }).logRetentionMs, 7200000)
  assert.equal(config({ 'log.retention.hours': '2', 'log.retention.minutes': '3' }).logRetentionMs, 180000)
  assert.equal(config({ 'log.retention.minutes': '3', 'log.retention.ms': '4' }).logRetentionMs, 4)
  assert.equal(config({ 'log.retention.hours': '-1' }).logRetentionMs, -1)
  assert.equal(config({ 'log.roll.hours': '1' }).logRollMs, 3600000)
  assert.equal(config({ 'log.roll.jitter.hours': '1', 'log.roll.jitter.ms': '5' }).logRollJitterMs, 5)
  assert.equal(config({ 'log.flush.scheduler.interval.ms': '6' }).logFlushIntervalMs, 6)
})

test('log.dirs comes before log.dir, and the command line before the file', () => {
  assert.deepEqual(config({ 'log.dir': 'a' }).logDirs, ['a'])
  assert.deepEqual(config({ 'log.dir': 'a', 'log.dirs': ' b , c ' }).logDirs, ['b', 'c'])
  assert.deepEqual(config({ 'log.dirs': 'b' }, { 'log.dir': 'a' }).logDirs, ['a'])
  assert.equal(config({ 'log.retention.ms': '4' }, { 'log.retention.hours': '1' }).logRetentionMs, 3600000)
})

test('broker.id and node.id are one', () => {
  assert.equal(config({ 'node.id': '7' }).brokerId, 7)
  assert.equal(config({ 'node.id': '7', 'broker.id': '7' }).brokerId, 7)
  refused({ 'node.id': '7', 'broker.id': '8' }, /broker\.id=8 and node\.id=7/)
  refused({ 'broker.id': '-1' }, /^broker\.id=-1: must be \[0,\.\.\.\]$/)
})

test("a value that can't be is refused, with its key and what may be, all in one go", () => {
  refused({ 'num.partitions': '0' }, /^num\.partitions=0: must be \[1,\.\.\.\]$/)
  refused({ 'num.partitions': 'many' }, /^num\.partitions=many: must be a whole number of 32 bits, \[1,\.\.\.\]$/)
  refused({ 'num.partitions': '2147483648' }, /32 bits/)
  refused({ 'log.flush.interval.messages': '9223372036854775808' }, /64 bits/)
  refused({ 'offsets.topic.replication.factor': '40000' }, /16 bits/)
  refused({ 'delete.topic.enable': 'yes' }, /true or false/)
  refused({ 'log.cleanup.policy': 'keep' }, /\[compact, delete\]/)
  refused({ 'log.cleanup.policy': 'delete,keep' }, /\[compact, delete\]/)
  refused({ 'compression.type': 'brotli' }, /zstd/)
  refused({ 'compression.gzip.level': '0' }, /\[1,\.\.\.,9\] or -1/)
  refused({ 'log.cleaner.min.cleanable.ratio': '1.5' }, /\[0,\.\.\.,1\]/)
  refused({ 'num.partitions': '0', 'delete.topic.enable': 'x' }, /num\.partitions.*\n.*delete\.topic\.enable/)
  assert.equal(config({ 'log.flush.interval.messages': '9223372036854775807' }).logFlushIntervalMessages, LONG_MAX)
  assert.equal(config({ 'group.consumer.migration.policy': 'Upgrade' }).groupConsumerMigrationPolicy, 'Upgrade')
  assert.deepEqual([...config({ 'log.cleanup.policy': 'compact, delete' }).logCleanupPolicy], ['compact', 'delete'])
})

test("Kafka's own file names the listeners of its controller, and those are not served", () => {
  const file = {
    'process.roles': 'broker,controller',
    listeners: 'PLAINTEXT://:9092,CONTROLLER://:9093, ssl-controller://:9094',
    'advertised.listeners': 'PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093',
    'controller.listener.names': 'CONTROLLER, SSL-CONTROLLER',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL-CONTROLLER:SSL',
  }
  const { listeners, advertisedListeners } = config(file)
  assert.deepEqual(
    [listeners, advertisedListeners].map((list) => list.map(({ name, port }) => [name, port])),
    [[['PLAINTEXT', 9092]], [['PLAINTEXT', 9092]]],
  )
  refused({ ...file, listeners: 'CONTROLLER://:9093' }, /at least one listener/)
})

test('values that contradict one another are refused', () => {
  refused({ 'group.min.session.timeout.ms': '10', 'group.max.session.timeout.ms': '9' }, /^group\.min.*=10 is above group\.max.*=9$/)
  refused({ 'group.consumer.session.timeout.ms': '1' }, /group\.consumer\.min\.session\.timeout\.ms=45000 is above/)
  refused({ 'log.dirs': 'a,a' }, /twice/)
  refused({ 'log.dirs': '' }, /at least one/)
})

test('a ZooKeeper elsewhere: servers and a chroot, and no embedded keeper that would be served', () => {
  assert.equal(config({ 'zookeeper.connect': 'a:2181,b/kafka' }).zookeeperConnect, 'a:2181,b/kafka')
  refused({ 'zookeeper.connect': 'a:2181/x/' }, /^zookeeper\.connect: '\/x\/' in 'a:2181\/x\/' is no path/)
  refused({ 'zookeeper.connect': 'a:0' }, /^zookeeper\.connect: .*host:port/)
  refused({ 'zookeeper.connect': 'a', 'keeper.port': '2181' }, /^zookeeper\.connect and keeper\.port=2181: .*only one/)
})

test('what would not happen is refused, not passed over', () => {
  refused({ 'zookeeper.ssl.client.enable': 'true' }, /TLS to ZooKeeper/)
  refused({ 'zookeeper.set.acl': 'true' }, /rights on znodes/)
  refused({ 'authorizer.class.name': 'x.Y' }, /authorisation/)
  refused({ 'security.inter.broker.protocol': 'SSL' }, /PLAINTEXT/)
  refused({ listeners: 'SSL://:9093' }, /SSL is not served yet/)
})

test("Kafka's keys that we don't need are noted once; unknown ones are warned of", () => {
  const { notes, warnings } = load({
    'process.roles': 'broker',
    'num.io.threads': '8',
    'log.retntion.ms': '1',
    'retention.ms': '1',
    colour: 'blue',
    'listener.name.x.ssl.key': 'y',
  })
  assert.deepEqual(notes, ['These keys of Kafka have no effect in Ottla: listener.name.x.ssl.key, num.io.threads, process.roles'])
  assert.deepEqual(warnings, [
    'unknown key log.retntion.ms, without effect; did you mean log.retention.ms?',
    'retention.ms is a key of topics and has no effect here; for all topics of the broker set log.retention.ms',
    'unknown key colour, without effect',
  ])
})

test('listeners', () => {
  const { listeners } = config({
    listeners: 'inside://[::1]:9092,OUTSIDE://:0',
    'listener.security.protocol.map': 'INSIDE:PLAINTEXT,outside:plaintext',
  })
  assert.deepEqual(
    listeners.map(({ name, host, port }) => [name, host, port]),
    [
      ['INSIDE', '::1', 9092],
      ['OUTSIDE', '', 0],
    ],
  )
  refused({ listeners: '' }, /at least one/)
  refused({ listeners: 'localhost:9092' }, /NAME:\/\/host:port/)
  refused({ listeners: 'PLAINTEXT://a:99999' }, /NAME:\/\/host:port/)
  refused({ listeners: 'OTHER://a:1' }, /OTHER is not in listener\.security\.protocol\.map/)
  refused({ listeners: 'PLAINTEXT://a:1,PLAINTEXT://b:2' }, /PLAINTEXT stands here twice/)
  refused({ 'listener.security.protocol.map': 'A:B' }, /must be one of/)
})

test('advertised listeners are real addresses of listeners that there are', () => {
  assert.deepEqual(config({ 'advertised.listeners': 'PLAINTEXT://shop:19092' }).advertisedListeners, [
    { name: 'PLAINTEXT', securityProtocol: 'PLAINTEXT', host: 'shop', port: 19092 },
  ])
  refused({ 'advertised.listeners': 'PLAINTEXT://0.0.0.0:9092' }, /name a host/)
  refused({ 'advertised.listeners': 'PLAINTEXT://:9092' }, /name a host/)
  refused({ 'advertised.listeners': 'PLAINTEXT://shop:0' }, /port 0/)
  const map = { 'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,OUT:PLAINTEXT' }
  refused({ ...map, 'advertised.listeners': 'OUT://shop:1' }, /no listener has the name OUT/)
})

test('what is set at run time comes before the file, for one broker before all', () => {
  const still = config({ 'log.retention.ms': '1', 'log.segment.bytes': '2097152' })
  const one = new Map([['log.retention.ms', '3']])
  const all = new Map([
    ['log.retention.ms', '2'],
    ['log.segment.bytes', '4194304'],
  ])
  const changed = withDynamicConfigs(still, one, all)
  assert.deepEqual([changed.logRetentionMs, changed.logSegmentBytes], [3, 4194304])
  assert.deepEqual([still.logRetentionMs, still.logSegmentBytes], [1, 2097152])
  assert.equal(withDynamicConfigs(changed, new Map(), new Map()).logRetentionMs, 1)
  assert.throws(() => withDynamicConfigs(still, new Map([['log.segment.bytes', '1']]), new Map()), { code: ErrorCode.INVALID_CONFIG })
})
