import type { Env } from '@ottla/env'
import { ZooKeeperError, type Operation, type ZooKeeper } from '@ottla/zookeeper'
import { PRODUCER_IDS_PATH } from './producer-ids.ts'
import { randomId } from './random-id.ts'
import { clusterIdOf, dataOf, json } from './znodes.ts'

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
  '/brokers/topics',
  '/brokers/seqid',
  '/config/changes',
  '/config/topics',
  '/config/clients',
  '/config/users',
  '/config/brokers',
  '/config/ips',
  '/admin/delete_topics',
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
  await ignoreExisting(zooKeeper.create('/cluster/id', json({ version: '1', id: id ?? randomId(env) })))
  return prepareCluster(env, zooKeeper)
}

/** The broker's place among the brokers: an ephemeral that vanishes with its session, and its incarnation: a version that each start raises. */
export async function register(
  env: Env,
  zooKeeper: ZooKeeper,
  brokerId: number,
  endpoints: readonly Endpoint[],
  rack: string | null,
): Promise<void> {
  const first = endpoints[0]!
  const registration = json({
    version: 5,
    host: first.host,
    port: first.port,
    endpoints: endpoints.map(({ listener, host, port }) => `${listener}://${host}:${port}`),
    jmx_port: -1,
    timestamp: String(env.clock.now()),
    ...(rack === null ? {} : { rack }),
    listener_security_protocol_map: Object.fromEntries(endpoints.map(({ listener }) => [listener, 'PLAINTEXT'])),
    features: {},
  })
  const incarnation = `/ottla/brokers/${brokerId}`
  const data = json({ version: 1 })
  const known = await zooKeeper.exists(incarnation)
  const operations: Operation[] = [
    { type: 'create', path: `/brokers/ids/${brokerId}`, data: registration, mode: 'ephemeral' },
    known === null ? { type: 'create', path: incarnation, data } : { type: 'setData', path: incarnation, data, version: known.version },
  ]
  await zooKeeper.multi(operations)
}

/** Takes /controller, and with it the next controller epoch; the epoch fences every write of an older one. */
export async function electController(env: Env, zooKeeper: ZooKeeper, brokerId: number): Promise<number> {
  const known = await zooKeeper.exists('/controller_epoch')
  const epoch = known === null ? 1 : Number((await zooKeeper.getData('/controller_epoch')).data?.toString()) + 1
  const data = Buffer.from(String(epoch))
  const controller = json({ version: 2, brokerid: brokerId, timestamp: String(env.clock.now()), kraftControllerEpoch: -1 })
  await zooKeeper.multi([
    { type: 'create', path: '/controller', data: controller, mode: 'ephemeral' },
    known === null
      ? { type: 'create', path: '/controller_epoch', data }
      : { type: 'setData', path: '/controller_epoch', data, version: known.version },
  ])
  return epoch
}

async function createPath(zooKeeper: ZooKeeper, path: string, data: Buffer | null): Promise<void> {
  const parts = path.split('/').slice(1)
  for (let length = 1; length <= parts.length; length++) {
    await ignoreExisting(zooKeeper.create(`/${parts.slice(0, length).join('/')}`, length === parts.length ? data : null))
  }
}

async function ignoreExisting(creation: Promise<unknown>): Promise<void> {
  try {
    await creation
  } catch (error) {
    if (!(error instanceof ZooKeeperError && error.code === 'NodeExists')) throw error
  }
}
