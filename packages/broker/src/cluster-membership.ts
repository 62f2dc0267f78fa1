import type { Env } from '@ottla/env'
import { createIfAbsent, createPath, type ZooKeeper } from '@ottla/zookeeper'
import { ALL_INTERFACES } from './configs/listeners.ts'
import { PRODUCER_IDS_PATH } from './producer-ids.ts'
import { randomId } from './random-id.ts'
import { deletionsPath, topicConfigsPath, topicsPath } from './topic-znodes.ts'
import { childrenOf, clusterIdOf, dataOf, decodeZnode, json, readZnode } from './znodes.ts'

/** One of a broker's listeners as others are told of it. */
export interface Endpoint {
  readonly listener: string
  readonly host: string
  readonly port: number
}

/** Paths that are there from the first start on; their parents too. */
const ROOTS = [
  '/consumers',
  '/brokers/ids',
  topicsPath,
  '/brokers/seqid',
  '/config/changes',
  topicConfigsPath,
  '/config/clients',
  '/config/users',
  '/config/brokers',
  '/config/ips',
  deletionsPath,
  '/isr_change_notification',
  PRODUCER_IDS_PATH,
  '/log_dir_event_notification',
  '/ottla/brokers',
]

/** Makes the layout where it lacks, and answers the cluster's id, which the first broker ever chooses: `id` where it has one already. */
export async function prepareCluster(env: Env, zooKeeper: ZooKeeper, id?: string): Promise<string> {
  const known = await clusterIdOf(zooKeeper)
  if (known !== null && (await dataOf(zooKeeper, '/ottla'))) return known
  for (const path of ROOTS) await createPath(zooKeeper, path, null)
  // before the id: a tree that has one, and not this, is Kafka's
  await zooKeeper.setData('/ottla', json({ version: 1 }))
  await createPath(zooKeeper, '/cluster', null)
  await createIfAbsent(zooKeeper, '/cluster/id', json({ version: '1', id: id ?? randomId(env) }))
  return prepareCluster(env, zooKeeper)
}

/** What this broker needs is another session's. */
export class HeldElsewhere extends Error {}

/** What others are told of a broker. */
export interface Registration {
  readonly brokerId: number
  readonly data: Buffer
}

/** `hostName` stands for all interfaces. */
export function registrationOf(
  brokerId: number,
  bound: readonly Endpoint[],
  rack: string | null,
  { clock, net: { hostName } }: Env,
): Registration {
  const endpoints = bound.map((endpoint) => ({ ...endpoint, host: ALL_INTERFACES.has(endpoint.host) ? hostName : endpoint.host }))
  const first = endpoints[0]!
  const data = json({
    version: 5,
    host: first.host,
    port: first.port,
    endpoints: endpoints.map(({ listener, host, port }) => `${listener}://${host}:${port}`),
    jmx_port: -1,
    timestamp: String(clock.now()),
    ...(rack === null ? {} : { rack }),
    listener_security_protocol_map: Object.fromEntries(endpoints.map(({ listener }) => [listener, 'PLAINTEXT'])),
    features: {},
  })
  return { brokerId, data }
}

/**
 * The broker's place among the brokers: an ephemeral that vanishes with its session, and its incarnation: a version that each registration
 * raises. Does nothing where this session has it. Rejects with HeldElsewhere where another one does.
 */
export async function register(zooKeeper: ZooKeeper, { brokerId, data }: Registration): Promise<void> {
  const path = `/brokers/ids/${brokerId}`
  const incarnation = `/ottla/brokers/${brokerId}`
  const mark = json({ version: 1 })
  const [held, known] = await Promise.all([readZnode(zooKeeper, path), zooKeeper.exists(incarnation)])
  if (held?.stat.ephemeralOwner === zooKeeper.sessionId) return
  if (held !== undefined) {
    const { host, port } = decodeZnode(path, held.data)
    throw new HeldElsewhere(`broker.id=${brokerId} is registered by the broker at ${String(host)}:${String(port)}, whose session lasts`)
  }
  await zooKeeper.multi([
    { type: 'create', path, data, mode: 'ephemeral' },
    known === null
      ? { type: 'create', path: incarnation, data: mark }
      : { type: 'setData', path: incarnation, data: mark, version: known.version },
  ])
}

/** Rejects, with nothing written, where brokers of Kafka are registered in the tree, or it has known another broker of Ottla. */
export async function refuseOthers(zooKeeper: ZooKeeper, brokerId: number): Promise<void> {
  const [registered, known] = await Promise.all([childrenOf(zooKeeper, '/brokers/ids'), childrenOf(zooKeeper, '/ottla/brokers')])
  const kafkas: string[] = []
  for (const id of registered) {
    const [held, incarnation] = await Promise.all([zooKeeper.exists(`/brokers/ids/${id}`), zooKeeper.exists(`/ottla/brokers/${id}`)])
    // ours writes both in one transaction
    if (held !== null && held.czxid !== incarnation?.mzxid) kafkas.push(id)
  }
  if (kafkas.length > 0) throw new Error(`the tree has Kafka's brokers ${kafkas.join(', ')} registered: stop them first`)
  const others = [...new Set([...registered, ...known])].filter((id) => id !== String(brokerId))
  if (others.length === 0) return
  throw new Error(
    `the tree is of broker ${others.join(', ')}, and this one is broker.id=${brokerId}: clusters of several brokers are not built yet, so give ` +
      `this one another zookeeper.connect, such as another chroot`,
  )
}
