import type { ClientServing } from '@ottla/keeper'
import { nearest } from '@ottla/broker'

/** A keeper alone, as ZooKeeper's own file of properties says it. */
export interface ZooKeeperConfig {
  /** ZooKeeper's `dataDir`; the keeper has a directory of its own in it. */
  readonly dataDir: string
  readonly clients: ClientServing
}

export interface LoadedZooKeeperConfig {
  readonly config: ZooKeeperConfig
  /** Keys of ZooKeeper's without effect here. */
  readonly notes: readonly string[]
  readonly warnings: readonly string[]
}

type Row =
  | { readonly key: string; readonly type: 'text'; readonly default: string | null }
  | { readonly key: string; readonly type: 'number'; readonly default: number; readonly least: number; readonly most: number }

const INT_MAX = 2 ** 31 - 1

/** The keys that act, with ZooKeeper's defaults; -1: by the tick. Each may have `zookeeper.` in front, as system properties have it. */
const ROWS = [
  { key: 'dataDir', type: 'text', default: null },
  { key: 'clientPort', type: 'number', default: 2181, least: 0, most: 65_535 },
  { key: 'clientPortAddress', type: 'text', default: '' },
  { key: 'tickTime', type: 'number', default: 3000, least: 1, most: INT_MAX },
  { key: 'maxClientCnxns', type: 'number', default: 60, least: 0, most: INT_MAX },
  { key: 'minSessionTimeout', type: 'number', default: -1, least: -1, most: INT_MAX },
  { key: 'maxSessionTimeout', type: 'number', default: -1, least: -1, most: INT_MAX },
  { key: '4lw.commands.whitelist', type: 'text', default: 'srvr' },
  { key: 'jute.maxbuffer', type: 'number', default: 0xfffff, least: 1024, most: 1 << 24 },
  { key: 'DigestAuthenticationProvider.superDigest', type: 'text', default: '' },
] as const satisfies readonly Row[]

type Key = (typeof ROWS)[number]['key']

/** What an operator relies on, and a keeper alone does not do: a start that passed over it would do harm. */
const REFUSED: readonly (readonly [key: RegExp, why: string])[] = [
  [/^(?:server|group|weight)\.\d+$|^dynamicConfigFile$/, 'ensembles of keepers are not built yet; without such lines it runs alone'],
  [/^secureClientPort(?:Address)?$|^client\.portUnification$|^ssl\./, 'TLS for clients of ZooKeeper is not built yet'],
  [
    /^authProvider\.|^requireClientAuthScheme$|^sessionRequireClientSASLAuth$|^enforce\.auth\./,
    'SASL for clients of ZooKeeper is not built yet',
  ],
  [/^peerType$/, 'a keeper alone is no observer'],
]

/** What needs no word: it says how ZooKeeper does what a keeper does in its own way. */
const UNNEEDED = new Set(
  `initLimit syncLimit electionAlg standaloneEnabled reconfigEnabled leaderServes connectToLearnerMasterLimit
  dataLogDir snapCount snapSizeLimitInKb preAllocSize forceSync fsync.warningthresholdms commitLogCount snapshot.trust.empty
  snapshot.compression.method digest.enabled autopurge.snapRetainCount autopurge.purgeInterval
  globalOutstandingLimit maxCnxns clientPortListenBacklog cnxTimeout nio.numSelectorThreads nio.numWorkerThreads
  serverCnxnFactory extendedTypesEnabled emulate353TTLNodes znode.container.checkIntervalMs znode.container.maxPerMinute
  localSessionsEnabled localSessionsUpgradingEnabled readonlymode.enabled syncEnabled quorumListenOnAllIPs
  admin.enableServer admin.serverPort admin.serverAddress admin.idleTimeout admin.commandURL admin.portUnification
  metricsProvider.className metricsProvider.httpPort metricsProvider.httpHost metricsProvider.exportJvmInfo
  jvm.pause.monitor advancedFlowControlEnabled audit.enable`.split(/\s+/),
)

/** Throws with every problem in one sentence each. What is set in `overrides` goes over the file. */
export function loadZooKeeperConfig(file: ReadonlyMap<string, string>, overrides: ReadonlyMap<string, string>): LoadedZooKeeperConfig {
  const properties = new Map([...file, ...overrides].map(([key, value]) => [key.replace(/^zookeeper\./, ''), value]))
  const problems: string[] = []
  const notes: string[] = []
  const warnings: string[] = []
  for (const key of properties.keys()) {
    if (ROWS.some((row) => row.key === key)) continue
    const refused = REFUSED.find(([pattern]) => pattern.test(key))
    if (refused !== undefined) problems.push(`${key}: ${refused[1]}`)
    else if (UNNEEDED.has(key)) notes.push(`${key} is ZooKeeper's and has no effect here`)
    else warnings.push(unknownKey(key))
  }
  const text = (key: Key): string => (properties.get(key) ?? String(rowOf(key).default ?? '')).trim()
  const number = (key: Key): number => numberOf(key, text(key), problems)
  if (text('dataDir') === '') problems.push('dataDir: say where the data are')
  const tickMs = number('tickTime')
  const [least, most] = [number('minSessionTimeout'), number('maxSessionTimeout')]
  const timeoutMsMin = least === -1 ? tickMs * 2 : least
  const timeoutMsMax = most === -1 ? tickMs * 20 : most
  if (timeoutMsMin > timeoutMsMax) problems.push(`minSessionTimeout=${timeoutMsMin} is above maxSessionTimeout=${timeoutMsMax}`)
  const clients: ClientServing = {
    addresses: [{ host: text('clientPortAddress'), port: number('clientPort') }],
    tickMs,
    timeoutMsMin,
    timeoutMsMax,
    connectionsPerHostMax: number('maxClientCnxns'),
    requestBytesMax: number('jute.maxbuffer'),
    words: new Set(text('4lw.commands.whitelist').split(/[\s,]+/)),
    superDigest: text('DigestAuthenticationProvider.superDigest') || null,
  }
  if (problems.length > 0) throw new Error(problems.join('\n'))
  return { config: { dataDir: text('dataDir'), clients }, notes, warnings }
}

function rowOf(key: Key): Row {
  return ROWS.find((row) => row.key === key)!
}

function numberOf(key: Key, text: string, problems: string[]): number {
  const row = rowOf(key)
  const number = /^-?\d+$/.test(text) ? Number(text) : NaN
  if (row.type !== 'number' || (number >= row.least && number <= row.most)) return number
  problems.push(`${key}=${text}: a whole number from ${row.least} to ${row.most} is wanted`)
  return row.default
}

function unknownKey(key: string): string {
  const meant = nearest(key, [...ROWS.map((row) => row.key), ...UNNEEDED])
  return `unknown key ${key}, without effect${meant === undefined ? '' : `; did you mean ${meant}?`}`
}
