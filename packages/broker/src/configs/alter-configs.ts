import { ErrorCode, KafkaError } from '@ottla/protocol'
import { withDynamicConfigs, type BrokerConfig } from './broker-config.ts'
import { brokerRow } from './broker-configs.ts'
import { kindOfBrokerKey, nearestBrokerKey } from './config-keys.ts'
import type { ConfigRow } from './config-row.ts'
import { splitList } from './parse.ts'
import { brokerSettings, topicSettings } from './resolve.ts'
import { checkTopicOverrides, unknownTopicKey } from './topic-config.ts'
import { topicRow } from './topic-configs.ts'

/** Kafka's numbers for what IncrementalAlterConfigs does to a key. */
export const AlterOperation = { SET: 0, DELETE: 1, APPEND: 2, SUBTRACT: 3 } as const

/** One change in an IncrementalAlterConfigs request, as that message has it. */
export interface ConfigChange {
  readonly name: string
  readonly configOperation: number
  readonly value: string | null
}

/**
 * What is set for a topic after the changes, checked as a whole. Throws KafkaError: INVALID_CONFIG for an unknown key or a value that can't
 * be, INVALID_REQUEST for changes that make no sense.
 */
export function alteredTopicOverrides(
  broker: BrokerConfig,
  overrides: ReadonlyMap<string, string>,
  changes: readonly ConfigChange[],
): Map<string, string> {
  const altered = apply(overrides, changes, {
    rowOf: (name) => topicRow(name) ?? unknown(unknownTopicKey(name)),
    listOf: (row) => topicSettings(row, overrides, broker.layers)[0]?.text ?? '',
  })
  checkTopicOverrides(broker, altered)
  return altered
}

/**
 * What is set at run time for this broker (`layer` broker) or for all (`brokers`) after the changes. Throws as above, also for a key that
 * can't change at run time.
 */
export function alteredBrokerConfigs(
  config: BrokerConfig,
  layer: 'broker' | 'brokers',
  changes: readonly ConfigChange[],
): Map<string, string> {
  const { layers } = config
  const altered = apply(layers[layer], changes, {
    rowOf: (name) => changeable(name, layer),
    listOf: (row) => brokerSettings(row, layers)[0]?.text ?? '',
  })
  if (layer === 'broker') withDynamicConfigs(config, altered, layers.brokers)
  else withDynamicConfigs(config, layers.broker, altered)
  return altered
}

interface Keys {
  /** The row of a key; throws where it can't be changed. */
  readonly rowOf: (name: string) => ConfigRow
  /** The list that counts now. */
  readonly listOf: (row: ConfigRow) => string
}

function apply(current: ReadonlyMap<string, string>, changes: readonly ConfigChange[], keys: Keys): Map<string, string> {
  const altered = new Map(current)
  const names = new Set<string>()
  for (const { name, configOperation, value } of changes) {
    if (names.has(name)) throw invalidRequest(`${name} stands in this request twice: send one change for each key`)
    names.add(name)
    if (configOperation === AlterOperation.DELETE) {
      // what another version has stored can always go
      if (!current.has(name)) keys.rowOf(name)
      altered.delete(name)
      continue
    }
    const row = keys.rowOf(name)
    if (value === null) throw invalidRequest(`${name} has no value: to take it away, delete it`)
    altered.set(name, configOperation === AlterOperation.SET ? value : changedList(row, keys.listOf(row), configOperation, value))
  }
  return altered
}

function changedList(row: ConfigRow, before: string, operation: number, value: string): string {
  const known = operation === AlterOperation.APPEND || operation === AlterOperation.SUBTRACT
  if (!known) throw invalidRequest(`unknown operation ${operation} on ${row.name}`)
  if (row.type !== 'list') throw new KafkaError(ErrorCode.INVALID_CONFIG, `${row.name} is no list: it can only be set or deleted`)
  const list = splitList(before)
  const changed = splitList(value)
  return operation === AlterOperation.APPEND
    ? [...list, ...changed.filter((element) => !list.includes(element))].join(',')
    : list.filter((element) => !changed.includes(element)).join(',')
}

function changeable(name: string, layer: 'broker' | 'brokers'): ConfigRow {
  const row = brokerRow(name)
  if (row === undefined) {
    const meant = kindOfBrokerKey(name) === 'unneeded' ? undefined : nearestBrokerKey(name)
    const why = kindOfBrokerKey(name) === 'unneeded' ? 'has no effect in Ottla' : 'is unknown'
    throw new KafkaError(ErrorCode.INVALID_CONFIG, `broker config ${name} ${why}${meant === undefined ? '' : `; did you mean ${meant}?`}`)
  }
  const { update } = row
  if (update === 'cluster-wide' || (update === 'per-broker' && layer === 'broker')) return row
  throw invalidRequest(
    update === 'per-broker'
      ? `${name} can be set for one broker only, not for all`
      : `${name} can't change while the broker runs: set it in its server.properties and restart it`,
  )
}

function unknown(error: KafkaError): never {
  throw error
}

function invalidRequest(sentence: string): KafkaError {
  return new KafkaError(ErrorCode.INVALID_REQUEST, sentence)
}
