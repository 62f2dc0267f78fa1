import { ErrorCode, KafkaError } from '@ottla/protocol'
import type { BrokerConfig } from './broker-config.ts'
import { nearest } from './config-keys.ts'
import { camelCase, type ConfigRow, type ConfigValue } from './config-row.ts'
import { topicSettings } from './resolve.ts'
import { TOPIC_CONFIGS, topicRow, type TopicValues } from './topic-configs.ts'

type CleanupPolicy = 'delete' | 'compact'

/** What a topic obeys: a field for each row of `TOPIC_CONFIGS`, and what the log wants to know of them. It is a `LogConfig`. */
export type TopicConfig = Omit<TopicValues, 'cleanupPolicy'> & {
  readonly cleanupPolicy: ReadonlySet<CleanupPolicy>
  /** `cleanup.policy` contains delete. */
  readonly deleteOld: boolean
  /** `cleanup.policy` contains compact. */
  readonly compact: boolean
  /** `message.timestamp.type` is LogAppendTime. */
  readonly logAppendTime: boolean
  /** The broker's. */
  readonly producerIdExpirationMs: number
}

/**
 * The config of a topic for which `overrides` are set, by key. Keys that there are not are passed over, for a tree may hold what another
 * version wrote; `checkTopicConfigs` refuses them. Throws KafkaError INVALID_CONFIG for a value that can't be.
 */
export function topicConfig(broker: BrokerConfig, overrides: ReadonlyMap<string, string>): TopicConfig {
  const values: Record<string, ConfigValue> = {}
  for (const row of TOPIC_CONFIGS) values[fieldName(row.name)] = topicSettings(row, overrides, broker.layers)[0]?.value ?? null
  const typed = values as unknown as TopicValues
  const cleanupPolicy = new Set(typed.cleanupPolicy as readonly CleanupPolicy[])
  return {
    ...typed,
    segmentBytes: typed.internalSegmentBytes ?? typed.segmentBytes,
    // the active segment is not compacted, so it must end in time (KIP-354)
    segmentMs: cleanupPolicy.has('compact') ? Math.min(typed.segmentMs, typed.maxCompactionLagMs) : typed.segmentMs,
    cleanupPolicy,
    deleteOld: cleanupPolicy.has('delete'),
    compact: cleanupPolicy.has('compact'),
    logAppendTime: typed.timestampType === 'LogAppendTime',
    producerIdExpirationMs: broker.producerIdExpirationMs,
  }
}

/**
 * The overrides that a client asks for with a new topic. Throws KafkaError: INVALID_CONFIG for a key that topics don't have or a value that
 * can't be, INVALID_REQUEST for a key that comes twice.
 */
export function checkTopicConfigs(
  broker: BrokerConfig,
  configs: readonly { readonly name: string; readonly value: string | null }[],
): Map<string, string> {
  const overrides = new Map<string, string>()
  for (const { name, value } of configs) {
    if (overrides.has(name)) throw new KafkaError(ErrorCode.INVALID_REQUEST, `the topic config ${name} is given twice`)
    if (value === null) throw invalid(`the topic config ${name} has no value: leave it out for the broker's`)
    overrides.set(name, value)
  }
  checkTopicOverrides(broker, overrides)
  return overrides
}

/** Throws KafkaError INVALID_CONFIG unless each key is one of a topic's, each value is allowed, and together they make sense. */
export function checkTopicOverrides(broker: BrokerConfig, overrides: ReadonlyMap<string, string>): void {
  for (const key of overrides.keys()) if (topicRow(key) === undefined) throw unknownTopicKey(key)
  const config = topicConfig(broker, overrides)
  if (config.remoteStorageEnable) throw invalid('remote.storage.enable=true: there is no remote storage')
  if (config.minCompactionLagMs > config.maxCompactionLagMs) throw invalid('min.compaction.lag.ms is above max.compaction.lag.ms')
}

/** INVALID_CONFIG for a key that topics do not have, with the one that is probably meant. */
export function unknownTopicKey(key: string): KafkaError {
  const rows: readonly ConfigRow[] = TOPIC_CONFIGS
  const meant =
    rows.find((row) => row.brokerKey === key)?.name ??
    nearest(
      key,
      rows.map((row) => row.name),
    )
  return invalid(`unknown topic config ${key}${meant === undefined ? '' : `; did you mean ${meant}?`}`)
}

function fieldName(key: string): string {
  return camelCase(key.replace(/^message\.timestamp\./, 'timestamp.'))
}

function invalid(sentence: string): KafkaError {
  return new KafkaError(ErrorCode.INVALID_CONFIG, sentence)
}
