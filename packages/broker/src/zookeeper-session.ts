import { EnvError, type Disk, type Env } from '@ottla/env'
import { writeWhole } from '@ottla/env/files'
import { readWhole } from '@ottla/log'
import { createPath, parseConnectString, ZooKeeperClient, type Session, type ZooKeeper } from '@ottla/zookeeper'
import type { BrokerConfig } from './configs/broker-config.ts'
import { withLocks } from './stopped-directories/locked-directories.ts'
import { decodeZnode, readZnode } from './znodes.ts'

/** In the first of `log.dirs`: the session that this broker has, for the one that starts after it was killed. */
const SESSION_FILE = 'ottla.zookeeper-session.json'

/** Whose session, and on which machine: a copy of the directory elsewhere is not to end it. */
interface FormerSession extends Session {
  readonly brokerId: number
  readonly hostName: string
}

/**
 * A session with the ZooKeeper of `zookeeper.connect`, below its chroot, which is made where it isn't there. The session that a former life
 * of this broker left is ended first, so that its registration is not waited for. Rejects with a sentence for the operator.
 */
export async function openZooKeeper(env: Env, config: BrokerConfig): Promise<ZooKeeper> {
  const connect = config.zookeeperConnect!
  const zooKeeper = await connected(env, config, connect)
  try {
    await makeRoot(env, config, zooKeeper)
    await env.disk.createDirectory(config.logDirs[0]!)
    await withLocks(env, config.logDirs, async () => {
      await endFormerSession(env, config, zooKeeper)
      await keepSession(env, config, zooKeeper.session)
    })
    keepLaterSessions(env, config, zooKeeper)
    return zooKeeper
  } catch (error) {
    await zooKeeper.close()
    throw error
  }
}

/** Resolves with the first connection, to a session that is either `session` or a new one. */
async function connected(env: Env, config: BrokerConfig, connect: string, session?: Session): Promise<ZooKeeperClient> {
  const { zookeeperSessionTimeoutMs: sessionTimeoutMs } = config
  const timeoutMs = config.zookeeperConnectionTimeoutMs ?? sessionTimeoutMs
  const client = new ZooKeeperClient(env, { connect, sessionTimeoutMs, ...(session === undefined ? {} : { session }) })
  // a former session that is over is all that its heir wants to know
  if (await client.hears(session === undefined ? ['connected'] : ['connected', 'expired'], timeoutMs)) return client
  await client.close()
  throw new Error(
    `zookeeper.connect=${connect}: no ZooKeeper answered within ${timeoutMs} ms (zookeeper.connection.timeout.ms)` +
      `${client.lastLoss === null ? '' : `; the last word was: ${client.lastLoss}`}. Without zookeeper.connect the embedded keeper is used`,
  )
}

async function makeRoot(env: Env, config: BrokerConfig, zooKeeper: ZooKeeper): Promise<void> {
  const connect = config.zookeeperConnect!
  const { chroot } = parseConnectString(connect)
  if (chroot === '/' || (await zooKeeper.exists('/')) !== null) return
  const above = await connected(env, config, connect.slice(0, -chroot.length))
  try {
    await createPath(above, chroot, null)
  } finally {
    await above.close()
  }
}

async function endFormerSession(env: Env, config: BrokerConfig, zooKeeper: ZooKeeper): Promise<void> {
  const { brokerId } = config
  const former = await readFormer(env.disk, fileIn(config))
  if (former === null || former.brokerId !== brokerId || former.hostName !== env.net.hostName) return
  const [registration, controller] = await Promise.all([
    readZnode(zooKeeper, `/brokers/ids/${brokerId}`),
    readZnode(zooKeeper, '/controller'),
  ])
  const isRegistered = registration?.stat.ephemeralOwner === former.sessionId
  if (!isRegistered && controller?.stat.ephemeralOwner !== former.sessionId) return
  if (isRegistered && !hostsOf(env, config).has(String(decodeZnode(`/brokers/ids/${brokerId}`, registration.data)['host']))) return
  env.log.info('the session of a former life of this broker is ended', { sessionId: former.sessionId.toString(16) })
  const heir = await connected(env, config, config.zookeeperConnect!, former)
  await heir.close()
}

/** What this broker's registration may have named as its host. */
function hostsOf(env: Env, { listeners, advertisedListeners }: BrokerConfig): Set<string> {
  return new Set([env.net.hostName, ...[...listeners, ...advertisedListeners].map(({ host }) => host)])
}

/** A session that expired is followed by another one. */
function keepLaterSessions(env: Env, config: BrokerConfig, zooKeeper: ZooKeeperClient): void {
  let { sessionId } = zooKeeper
  zooKeeper.onSession((event) => {
    if (event !== 'connected' || zooKeeper.sessionId === sessionId) return
    sessionId = zooKeeper.sessionId
    keepSession(env, config, zooKeeper.session).catch((error: unknown) => {
      env.log.warn('the session with ZooKeeper could not be written down: a start after a kill will wait for its end', { error })
    })
  })
}

async function keepSession({ disk, net }: Env, config: BrokerConfig, { sessionId, password }: Session): Promise<void> {
  const { brokerId } = config
  const kept = {
    version: 1,
    brokerId,
    hostName: net.hostName,
    sessionId: sessionId.toString(16),
    password: password.toString('base64'),
  }
  await writeWhole(disk, fileIn(config), Buffer.from(JSON.stringify(kept)))
}

/** Null where there is none, or none that can be read: then a start waits until that session is over. */
async function readFormer(disk: Disk, path: string): Promise<FormerSession | null> {
  try {
    const bytes = await readWhole(disk, path)
    if (bytes === null) return null
    const { brokerId, hostName, sessionId, password } = JSON.parse(bytes.toString()) as Record<string, string>
    return {
      brokerId: Number(brokerId),
      hostName: String(hostName),
      sessionId: BigInt(`0x${sessionId}`),
      password: Buffer.from(password!, 'base64'),
    }
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError || error instanceof EnvError) return null
    throw error
  }
}

const fileIn = ({ logDirs }: BrokerConfig): string => `${logDirs[0]}/${SESSION_FILE}`
