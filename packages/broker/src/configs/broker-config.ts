import { ErrorCode, KafkaError } from '@ottla/protocol'
import { parseConnectString } from '@ottla/zookeeper'
import { BROKER_CONFIGS, brokerRow, type BrokerValues } from './broker-configs.ts'
import { kindOfBrokerKey, nearestBrokerKey } from './config-keys.ts'
import { camelCase, type ConfigRow, type ConfigValue } from './config-row.ts'
import { parseAdvertisedListeners, parseListeners, type ListenerAddress } from './listeners.ts'
import { parseConfig, splitList } from './parse.ts'
import { brokerSettings, type BrokerLayers } from './resolve.ts'
import { topicRow } from './topic-configs.ts'

/** Where the fields say more than the rows: addresses are parsed, and what has synonyms always has a value. */
interface Settled {
  readonly listeners: readonly ListenerAddress[]
  /** Empty: clients are told the address that they came to. */
  readonly advertisedListeners: readonly ListenerAddress[]
  readonly logDirs: readonly string[]
  readonly logRetentionMs: number
  readonly logRollMs: number
  readonly logRollJitterMs: number
  readonly logFlushIntervalMs: number
}

/**
 * What a broker obeys: a field for each row of `BROKER_CONFIGS`, synonyms resolved (`logRetentionMs` also where the file says hours), and
 * the layers that it was made from. Ms, bytes and counts as the field's name says; -1 and `LONG_MAX` mean no limit.
 */
export type BrokerConfig = Omit<BrokerValues, keyof Settled> &
  Settled & {
    readonly layers: BrokerLayers
  }

export interface LoadedBrokerConfig {
  readonly config: BrokerConfig
  /** Harmless facts, one sentence each. */
  readonly notes: readonly string[]
  /** What is probably a mistake, one sentence each. */
  readonly warnings: readonly string[]
}

const NOTHING: ReadonlyMap<string, string> = new Map()

/** Keys of Kafka's that must not be passed over in silence: what they ask for would not happen. */
const REFUSED: Record<string, (text: string) => string | undefined> = {
  'zookeeper.ssl.client.enable': (text) => (text === 'true' ? 'TLS to ZooKeeper is not supported yet: take this line out' : undefined),
  'zookeeper.set.acl': (text) => (text === 'true' ? 'rights on znodes are not supported yet: take this line out' : undefined),
  'authorizer.class.name': (text) => (text === '' ? undefined : 'authorisation is not supported yet: take this line out'),
  'remote.log.storage.system.enable': (text) => (text === 'true' ? 'remote storage is not supported: take this line out' : undefined),
  'security.inter.broker.protocol': (text) => (text === 'PLAINTEXT' ? undefined : 'only PLAINTEXT is served yet'),
}

/**
 * The broker's config from the properties of its file and what the command line overrides. Throws KafkaError INVALID_CONFIG with one line
 * for each value that can't be.
 */
export function loadBrokerConfig(
  properties: ReadonlyMap<string, string>,
  overrides: ReadonlyMap<string, string> = NOTHING,
): LoadedBrokerConfig {
  const file = merged(properties, overrides)
  const problems: string[] = []
  const warnings: string[] = []
  const unneeded: string[] = []
  for (const [key, text] of file) {
    const refusal = REFUSED[key]?.(text.trim())
    const kind = kindOfBrokerKey(key)
    if (refusal !== undefined) problems.push(`${key}: ${refusal}`)
    else if (kind === 'ours') collect(problems, () => parseConfig(brokerRow(key)!, text))
    else if (kind === 'unneeded') unneeded.push(key)
    else warnings.push(kind === 'topic' ? topicKeyWarning(key) : unknownKeyWarning(key))
  }
  const config = problems.length > 0 ? undefined : collect(problems, () => build({ broker: NOTHING, brokers: NOTHING, file }))
  if (config !== undefined) problems.push(...contradictions(config))
  if (config === undefined || problems.length > 0) throw new KafkaError(ErrorCode.INVALID_CONFIG, problems.join('\n'))
  const notes = unneeded.length === 0 ? [] : [`These keys of Kafka have no effect in Ottla: ${unneeded.toSorted().join(', ')}`]
  return { config, notes, warnings }
}

/**
 * The config once `broker` is set at run time for this broker and `brokers` for all. Throws KafkaError INVALID_CONFIG; keys that there
 * are not are passed over.
 */
export function withDynamicConfigs(
  config: BrokerConfig,
  broker: ReadonlyMap<string, string>,
  brokers: ReadonlyMap<string, string>,
): BrokerConfig {
  const changed = build({ broker, brokers, file: config.layers.file })
  const problems = contradictions(changed)
  if (problems.length > 0) throw new KafkaError(ErrorCode.INVALID_CONFIG, problems.join('\n'))
  return changed
}

function build(layers: BrokerLayers): BrokerConfig {
  const values: Record<string, ConfigValue> = {}
  for (const row of BROKER_CONFIGS) values[camelCase(row.name)] = brokerSettings(row, layers)[0]?.value ?? null
  const typed = values as unknown as BrokerValues
  const protocolMap = typed.listenerSecurityProtocolMap
  const served = notOfControllers(layers.file)
  const listeners = parseListeners(typed.listeners.filter(served), protocolMap)
  const advertisedListeners = parseAdvertisedListeners((typed.advertisedListeners ?? []).filter(served), listeners, protocolMap)
  return { ...(typed as BrokerValues & Settled), listeners, advertisedListeners, layers }
}

/** A file of KRaft Kafka's may list the listeners of its controller too: those names are not the broker's. */
function notOfControllers(file: ReadonlyMap<string, string>): (listener: string) => boolean {
  const names = splitList(file.get('controller.listener.names') ?? '').map((name) => name.toUpperCase())
  return (listener) => !names.includes(listener.slice(0, listener.indexOf('://')).toUpperCase())
}

/** What no single value shows. */
function contradictions(config: BrokerConfig): string[] {
  const problems: string[] = []
  const { file } = config.layers
  if (config.nodeId !== null && file.has('broker.id') && config.nodeId !== config.brokerId) {
    problems.push(`broker.id=${config.brokerId} and node.id=${config.nodeId}: they mean the same, so give only one`)
  }
  problems.push(...zooKeeperProblems(config))
  if (config.logDirs.length === 0 || config.logDirs.includes('')) problems.push('log.dirs: at least one directory is needed')
  if (new Set(config.logDirs).size < config.logDirs.length) problems.push('log.dirs: a directory stands here twice')
  const ordered: [low: keyof BrokerValues, high: keyof BrokerValues][] = [
    ['groupMinSessionTimeoutMs', 'groupMaxSessionTimeoutMs'],
    ['groupConsumerMinSessionTimeoutMs', 'groupConsumerSessionTimeoutMs'],
    ['groupConsumerSessionTimeoutMs', 'groupConsumerMaxSessionTimeoutMs'],
    ['groupConsumerMinHeartbeatIntervalMs', 'groupConsumerHeartbeatIntervalMs'],
    ['groupConsumerHeartbeatIntervalMs', 'groupConsumerMaxHeartbeatIntervalMs'],
    ['groupConsumerHeartbeatIntervalMs', 'groupConsumerSessionTimeoutMs'],
    ['groupConsumerMinAssignmentIntervalMs', 'groupConsumerAssignmentIntervalMs'],
    ['groupConsumerAssignmentIntervalMs', 'groupConsumerMaxAssignmentIntervalMs'],
    ['logCleanerMinCompactionLagMs', 'logCleanerMaxCompactionLagMs'],
  ]
  for (const [low, high] of ordered) {
    const [least, most] = [Number(config[low]), Number(config[high])]
    if (least > most) problems.push(`${keyOf(low)}=${least} is above ${keyOf(high)}=${most}`)
  }
  return problems
}

function zooKeeperProblems({ zookeeperConnect, keeperPort }: BrokerConfig): string[] {
  if (!zookeeperConnect) return []
  const problems: string[] = []
  try {
    parseConnectString(zookeeperConnect)
  } catch (error) {
    problems.push(`zookeeper.connect: ${(error as Error).message}`)
  }
  if (keeperPort >= 0) {
    problems.push(`zookeeper.connect and keeper.port=${keeperPort}: with a ZooKeeper elsewhere there is no embedded keeper; give only one`)
  }
  return problems
}

function keyOf(field: string): string {
  return BROKER_CONFIGS.find((row) => camelCase(row.name) === field)!.name
}

/** An override of `log.dir` counts against `log.dirs` in the file too. */
function merged(properties: ReadonlyMap<string, string>, overrides: ReadonlyMap<string, string>): Map<string, string> {
  const file = new Map(properties)
  const rows: readonly ConfigRow[] = BROKER_CONFIGS
  for (const { name, synonyms } of rows) {
    const chain = [name, ...(synonyms ?? []).map((synonym) => synonym.key)]
    if (chain.some((key) => overrides.has(key))) for (const key of chain) file.delete(key)
  }
  for (const [key, text] of overrides) file.set(key, text)
  return file
}

function topicKeyWarning(key: string): string {
  const brokerKey = topicRow(key)?.brokerKey
  const advice = brokerKey === undefined ? '' : `; for all topics of the broker set ${brokerKey}`
  return `${key} is a key of topics and has no effect here${advice}`
}

function unknownKeyWarning(key: string): string {
  const meant = nearestBrokerKey(key)
  return `unknown key ${key}, without effect${meant === undefined ? '' : `; did you mean ${meant}?`}`
}

/** What `make` gives; the sentence of a KafkaError goes to `problems`. */
function collect<T>(problems: string[], make: () => T): T | undefined {
  try {
    return make()
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    problems.push(error.message)
    return undefined
  }
}
