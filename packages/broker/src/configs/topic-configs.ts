import { LONG_MAX, type CamelCase, type ConfigRow, type ValueOf } from './config-row.ts'
import { atLeast, between, GZIP_LEVEL, oneOf, THROTTLED_REPLICAS } from './valid.ts'

const NO_REMOTE_STORAGE = 'there is no remote storage'
const ONE_REPLICA = 'each partition has one replica yet'

/**
 * Every key of a topic. Names, types, defaults and what is allowed are Kafka's. Where no value is set for a topic, the broker's `brokerKey`
 * decides. What has `withoutEffect` is without effect. `TopicConfig`, the checks, DescribeConfigs and the documentation are derived from it.
 */
export const TOPIC_CONFIGS = [
  { name: 'cleanup.policy', type: 'list', default: 'delete', valid: oneOf('compact', 'delete'), importance: 'medium',
    brokerKey: 'log.cleanup.policy', doc: 'What becomes of old records: delete, compact (the newest of each key stays), or both.' },
  { name: 'compression.gzip.level', type: 'int', default: -1, valid: GZIP_LEVEL, importance: 'medium',
    brokerKey: 'compression.gzip.level', doc: 'The level where the broker compresses with gzip.' },
  { name: 'compression.lz4.level', type: 'int', default: 9, valid: between(1, 17), importance: 'medium',
    brokerKey: 'compression.lz4.level', withoutEffect: 'the lz4 in use here has one level',
    doc: 'The level where the broker compresses with lz4.' },
  { name: 'compression.type', type: 'string', default: 'producer',
    valid: oneOf('uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer'), importance: 'medium', brokerKey: 'compression.type',
    doc: 'The codec in which batches are stored; producer: as they come.' },
  { name: 'compression.zstd.level', type: 'int', default: 3, valid: between(-131072, 22), importance: 'medium',
    brokerKey: 'compression.zstd.level', doc: 'The level where the broker compresses with zstd.' },
  { name: 'delete.retention.ms', type: 'long', default: 86400000, valid: atLeast(0), importance: 'medium',
    brokerKey: 'log.cleaner.delete.retention.ms', doc: 'How long a tombstone stays readable after compaction has seen it.' },
  { name: 'errors.deadletterqueue.group.enable', type: 'boolean', default: false, importance: 'medium',
    withoutEffect: 'there are no share groups yet',
    doc: 'Whether share groups may write records that they gave up to this topic.' },
  { name: 'file.delete.delay.ms', type: 'long', default: 60000, valid: atLeast(0), importance: 'medium',
    brokerKey: 'log.segment.delete.delay.ms', doc: 'How long a deleted file still stays on disk, for those who read it.' },
  { name: 'flush.before.ack', type: 'boolean', default: false, importance: 'medium', brokerKey: 'log.flush.before.ack', ottla: true,
    doc: 'Whether a write is answered only once it survives the loss of power.' },
  { name: 'flush.messages', type: 'long', default: LONG_MAX, valid: atLeast(1), importance: 'medium',
    brokerKey: 'log.flush.interval.messages',
    doc: 'A partition is synced after so many records, and the write that reaches the number waits for it.' },
  { name: 'flush.ms', type: 'long', default: LONG_MAX, valid: atLeast(0), importance: 'medium', brokerKey: 'log.flush.interval.ms',
    doc: 'A record is synced, and shown to consumers, at most so much later.' },
  { name: 'follower.replication.throttled.replicas', type: 'list', default: '', valid: THROTTLED_REPLICAS, importance: 'medium',
    withoutEffect: ONE_REPLICA,
    doc: 'The replicas whose following is throttled: partition:broker, with commas, or * for all.' },
  { name: 'index.interval.bytes', type: 'int', default: 4096, valid: atLeast(0), importance: 'medium',
    brokerKey: 'log.index.interval.bytes', doc: 'One index entry for so many bytes of log.' },
  { name: 'internal.segment.bytes', type: 'int', default: null, importance: 'medium', internal: true,
    doc: 'The segment size where it is to be smaller than segment.bytes may be: for tests.' },
  { name: 'leader.replication.throttled.replicas', type: 'list', default: '', valid: THROTTLED_REPLICAS, importance: 'medium',
    withoutEffect: ONE_REPLICA,
    doc: 'The replicas to which leaders send throttled: partition:broker, with commas, or * for all.' },
  { name: 'local.retention.bytes', type: 'long', default: -2, valid: atLeast(-2), importance: 'medium',
    brokerKey: 'log.local.retention.bytes',
    withoutEffect: NO_REMOTE_STORAGE,
    doc: 'The bytes that stay here once they are copied to remote storage; -2: as retention.bytes.' },
  { name: 'local.retention.ms', type: 'long', default: -2, valid: atLeast(-2), importance: 'medium', brokerKey: 'log.local.retention.ms',
    withoutEffect: NO_REMOTE_STORAGE,
    doc: 'How long records stay here once they are copied to remote storage; -2: as retention.ms.' },
  { name: 'max.compaction.lag.ms', type: 'long', default: LONG_MAX, valid: atLeast(1), importance: 'medium',
    brokerKey: 'log.cleaner.max.compaction.lag.ms', doc: 'A record is taken up by compaction at this age at the latest.' },
  { name: 'max.decompressed.message.bytes', type: 'int', default: 2147483639, valid: between(1, 2147483639), importance: 'medium',
    brokerKey: 'max.decompressed.message.bytes', doc: 'The largest batch once decompressed.' },
  { name: 'max.message.bytes', type: 'int', default: 1048588, valid: atLeast(0), importance: 'medium', brokerKey: 'message.max.bytes',
    doc: 'The largest batch, compressed as it is, with its 12 bytes of overhead.' },
  { name: 'message.downconversion.enable', type: 'boolean', default: true, importance: 'low',
    brokerKey: 'log.message.downconversion.enable', doc: 'Whether consumers of old formats are served by converting batches for them.' },
  { name: 'message.timestamp.after.max.ms', type: 'long', default: 3600000, valid: atLeast(0), importance: 'medium',
    brokerKey: 'log.message.timestamp.after.max.ms', doc: 'How far a record may lie in the future.' },
  { name: 'message.timestamp.before.max.ms', type: 'long', default: LONG_MAX, valid: atLeast(0), importance: 'medium',
    brokerKey: 'log.message.timestamp.before.max.ms', doc: 'How far a record may lie in the past.' },
  { name: 'message.timestamp.type', type: 'string', default: 'CreateTime', valid: oneOf('CreateTime', 'LogAppendTime'),
    importance: 'medium', brokerKey: 'log.message.timestamp.type',
    doc: 'Whether a record has the time of its producer or that of its append.' },
  { name: 'min.cleanable.dirty.ratio', type: 'double', default: 0.5, valid: between(0, 1), importance: 'medium',
    brokerKey: 'log.cleaner.min.cleanable.ratio', doc: 'The log is compacted once this part of it is not.' },
  { name: 'min.compaction.lag.ms', type: 'long', default: 0, valid: atLeast(0), importance: 'medium',
    brokerKey: 'log.cleaner.min.compaction.lag.ms', doc: 'A record is not compacted away before this age.' },
  { name: 'min.insync.replicas', type: 'int', default: 1, valid: atLeast(1), importance: 'medium', brokerKey: 'min.insync.replicas',
    doc: 'A write with acks=all is accepted only while so many replicas are in sync.' },
  { name: 'preallocate', type: 'boolean', default: false, importance: 'medium', brokerKey: 'log.preallocate',
    doc: 'Whether a new segment takes its whole size on disk at once.' },
  { name: 'remote.copy.lag.bytes', type: 'long', default: -1, valid: atLeast(-1), importance: 'medium',
    brokerKey: 'log.remote.copy.lag.bytes', withoutEffect: NO_REMOTE_STORAGE,
    doc: 'How many bytes of log wait before they are copied to remote storage.' },
  { name: 'remote.copy.lag.ms', type: 'long', default: 0, valid: atLeast(-1), importance: 'medium', brokerKey: 'log.remote.copy.lag.ms',
    withoutEffect: NO_REMOTE_STORAGE,
    doc: 'How long a segment waits before it is copied to remote storage.' },
  { name: 'remote.log.copy.disable', type: 'boolean', default: false, importance: 'medium',
    withoutEffect: NO_REMOTE_STORAGE,
    doc: 'Whether copying to remote storage is stopped.' },
  { name: 'remote.log.delete.on.disable', type: 'boolean', default: false, importance: 'medium',
    withoutEffect: NO_REMOTE_STORAGE,
    doc: 'Whether what lies in remote storage goes when that is switched off.' },
  { name: 'remote.storage.enable', type: 'boolean', default: false, importance: 'medium',
    withoutEffect: NO_REMOTE_STORAGE,
    doc: 'Whether old segments go to remote storage. Only false is accepted.' },
  { name: 'retention.bytes', type: 'long', default: -1, importance: 'medium', brokerKey: 'log.retention.bytes',
    doc: 'The bytes of a partition that are kept; -1: no limit.' },
  { name: 'retention.ms', type: 'long', default: 604800000, valid: atLeast(-1), importance: 'medium', brokerKey: 'log.retention.ms',
    doc: 'How long records are kept; -1: for ever.' },
  { name: 'segment.bytes', type: 'int', default: 1073741824, valid: atLeast(14), importance: 'medium',
    brokerKey: 'log.segment.bytes', doc: 'The largest segment; then a new one begins.' },
  { name: 'segment.index.bytes', type: 'int', default: 10485760, valid: atLeast(4), importance: 'medium',
    brokerKey: 'log.index.size.max.bytes', doc: 'The largest offset or time index; a full one begins a new segment.' },
  { name: 'segment.jitter.ms', type: 'long', default: 0, valid: atLeast(0), importance: 'medium', brokerKey: 'log.roll.jitter.ms',
    doc: 'The most by which segment.ms is shortened at random, so that segments do not all roll at once.' },
  { name: 'segment.ms', type: 'long', default: 604800000, valid: atLeast(1), importance: 'medium', brokerKey: 'log.roll.ms',
    doc: 'The oldest that a segment gets before a new one begins.' },
  { name: 'unclean.leader.election.enable', type: 'boolean', default: false, importance: 'medium',
    brokerKey: 'unclean.leader.election.enable',
    withoutEffect: ONE_REPLICA,
    doc: 'Whether a replica that is behind may lead when no other is left: it loses what it lacks.' },
] as const satisfies readonly ConfigRow[]

type TopicRow = (typeof TOPIC_CONFIGS)[number]

type FieldName<S extends string> = S extends `message.timestamp.${infer Rest}` ? CamelCase<`timestamp.${Rest}`> : CamelCase<S>

/** A field for each row: `segment.bytes` is `segmentBytes`, `message.timestamp.type` is `timestampType`. */
export type TopicValues = { readonly [R in TopicRow as FieldName<R['name']>]: ValueOf<R> }

const rows: ReadonlyMap<string, ConfigRow> = new Map(TOPIC_CONFIGS.map((row) => [row.name, row]))

/** The row of a topic's key; undefined for one that there is not. */
export function topicRow(key: string): ConfigRow | undefined {
  return rows.get(key)
}
