import type { Address, Connection, Env, Listener, Receiver, Timer } from '@ottla/env'
import type { CleanerSettings, LogDirectoryOptions } from '@ottla/log'
import type { ZooKeeper } from '@ottla/zookeeper'
import { prepareCluster, refuseOthers, registrationOf, type Endpoint } from './cluster-membership.ts'
import type { BrokerConfig } from './configs/broker-config.ts'
import { Controller } from './controller.ts'
import { shareDescriptors, type Descriptors } from './descriptors.ts'
import { FetchSessions } from './fetch/fetch-sessions.ts'
import { GroupTopic } from './group-topic.ts'
import type { GroupConfig } from './groups/group-config.ts'
import { GroupCoordinator } from './groups/group-coordinator.ts'
import { HandlerTable } from './handler-table.ts'
import { takeOverKraft } from './kraft/kraft-directories.ts'
import { LogDirectories } from './log-directories.ts'
import { Membership } from './membership.ts'
import { LateBatches } from './produce/late-batches.ts'
import { ProducerIds } from './producer-ids.ts'
import { Session } from './session.ts'
import { Topics } from './topics.ts'
import { takeOverZooKeeperMode } from './zookeeper-mode/tree-owner.ts'

const IDLE_CHECK_MS = 10_000

/** A broker: connections on one side, logs on the other, the tree of ZooKeeper for what it knows of the cluster. */
export class Broker {
  readonly env: Env
  readonly config: BrokerConfig
  readonly clusterId: string
  readonly topics: Topics
  readonly groups: GroupCoordinator
  readonly producerIds: ProducerIds
  readonly fetchSessions: FetchSessions
  readonly lateBatches: LateBatches
  readonly handlers = new HandlerTable()
  readonly sessions = new Set<Session>()
  readonly #membership: Membership
  readonly #directories: LogDirectories
  readonly #listeners: { readonly name: string; readonly listener: Listener }[] = []
  readonly #connectionsMax: number
  #idleCheck: Timer | null = null
  #stopping: Promise<void> | null = null

  /** Starts a broker on a tree that is its own; rejects with a sentence for the operator, and nothing stays open. */
  static async start(env: Env, config: BrokerConfig, zooKeeper: ZooKeeper): Promise<Broker> {
    await refuseOthers(zooKeeper, config.brokerId)
    await takeOverKraft(env, zooKeeper, config)
    await takeOverZooKeeperMode(env, zooKeeper, config)
    const clusterId = await prepareCluster(env, zooKeeper)
    const identity = { brokerId: config.brokerId, clusterId }
    const controller = new Controller(env, zooKeeper, config.brokerId)
    const membership = new Membership({ env, zooKeeper, brokerId: config.brokerId, clusterId, controller })
    await membership.claim(config.zookeeperSessionTimeoutMs)
    const descriptors = shareDescriptors(env, config)
    const options = directoryOptions(config, descriptors)
    const directories = await LogDirectories.open(env, config.logDirs, identity, cleanerSettings(config), options)
    const broker = new Broker(env, config, zooKeeper, clusterId, directories, controller, membership, descriptors.connectionsMax)
    try {
      await broker.#open()
    } catch (error) {
      await broker.stop()
      throw error
    }
    return broker
  }

  private constructor(
    env: Env,
    config: BrokerConfig,
    zooKeeper: ZooKeeper,
    clusterId: string,
    directories: LogDirectories,
    controller: Controller,
    membership: Membership,
    connectionsMax: number,
  ) {
    this.env = env
    this.config = config
    this.clusterId = clusterId
    this.#membership = membership
    this.#connectionsMax = connectionsMax
    this.#directories = directories
    this.topics = new Topics({ env, zooKeeper, membership, controller, directories, config })
    this.producerIds = new ProducerIds(zooKeeper, config.brokerId)
    this.lateBatches = new LateBatches(env.loop)
    this.fetchSessions = new FetchSessions(env.clock, env.random, config.maxIncrementalFetchSessionCacheSlots)
    this.groups = new GroupCoordinator(env, new GroupTopic(this), groupConfig(config))
  }

  async #open(): Promise<void> {
    await Promise.all([this.topics.start(), this.handlers.loadFirst()])
    this.groups.start().catch((error: unknown) => this.env.log.error('the groups could not be read', { error }))
    for (const { name, host, port } of this.config.listeners) {
      const listener = await this.env.net.listen({ host, port }, (connection) => this.#accept(connection))
      this.#listeners.push({ name, listener })
    }
    const { brokerId, brokerRack, zookeeperSessionTimeoutMs } = this.config
    const registration = registrationOf(brokerId, this.#endpoints(), brokerRack, this.env)
    await this.#membership.join(registration, zookeeperSessionTimeoutMs, () => this.topics.readAll())
    // the embedded keeper does not go away
    if (this.config.zookeeperConnect) this.producerIds.prepare()
    this.#checkIdle()
    this.topics.opening.run().catch((error: unknown) => this.env.log.error('not all partitions could be opened', { error }))
    this.handlers.loadAll().catch((error: unknown) => this.env.log.error('a handler could not be loaded', { error }))
  }

  /** Where it listens, in the order of `listeners`. */
  get addresses(): Address[] {
    return this.#listeners.map(({ listener }) => listener.address)
  }

  /** What a client is told to connect to: the advertised address of its listener, else the one at which it reached us. */
  advertisedAddress(session: Session): { nodeId: number; host: string; port: number } {
    const { local } = session.connection
    const name = this.#listeners.find(({ listener }) => listener.address.port === local.port)?.name
    const advertised = this.config.advertisedListeners.find((one) => one.name === name)
    const { host, port } = advertised ?? local
    return { nodeId: this.config.brokerId, host: host.replace(/^::ffff:/, ''), port }
  }

  /** Ends in order: no new work, groups, logs to the disk. Its place in the cluster ends with the session, which the caller closes. */
  stop(): Promise<void> {
    return (this.#stopping ??= this.#stop())
  }

  async #stop(): Promise<void> {
    this.#idleCheck?.cancel()
    this.topics.opening.stopped = true
    this.#membership.stop()
    await Promise.all(this.#listeners.map(({ listener }) => listener.close()))
    for (const session of [...this.sessions]) session.connection.close()
    this.groups.close()
    await this.#directories.close()
  }

  #endpoints(): Endpoint[] {
    return this.#listeners.map(({ name, listener }) => {
      const { host, port } = this.config.advertisedListeners.find((one) => one.name === name) ?? listener.address
      return { listener: name, host, port }
    })
  }

  #accept(connection: Connection): Receiver {
    const session = new Session(this, this.handlers, connection)
    const max = this.#connectionsMax
    if (this.sessions.size >= max) {
      const why = max === this.config.maxConnections ? `max.connections=${max}` : `${max}, as many as ulimit -n leaves room for,`
      session.fail(`there are ${why} connections already`)
    } else this.sessions.add(session)
    return session
  }

  #checkIdle(): void {
    const { connectionsMaxIdleMs } = this.config
    this.#idleCheck = this.env.clock.after(Math.min(IDLE_CHECK_MS, connectionsMaxIdleMs), () => {
      const before = this.env.clock.monotonic() - connectionsMaxIdleMs
      for (const session of this.sessions) if (session.idleSince < before) session.connection.close()
      this.#checkIdle()
    })
  }
}

function directoryOptions(config: BrokerConfig, { openSegmentsMax }: Descriptors): LogDirectoryOptions {
  return {
    openSegmentsMax,
    recoveryPointIntervalMs: config.logFlushOffsetCheckpointIntervalMs,
    highWatermarkIntervalMs: config.replicaHighWatermarkCheckpointIntervalMs,
    retentionIntervalMs: config.logRetentionCheckIntervalMs,
  }
}

function cleanerSettings(config: BrokerConfig): CleanerSettings {
  return {
    backoffMs: config.logCleanerEnable ? config.logCleanerBackoffMs : Infinity,
    threads: config.logCleanerThreads,
    dedupeBytesMax: config.logCleanerDedupeBufferSize,
    loadFactor: config.logCleanerIoBufferLoadFactor,
    ioBufferBytes: config.logCleanerIoBufferSize,
    ioBytesPerSecondMax: config.logCleanerIoMaxBytesPerSecond,
  }
}

function groupConfig(config: BrokerConfig): GroupConfig {
  return {
    minSessionTimeoutMs: config.groupMinSessionTimeoutMs,
    maxSessionTimeoutMs: config.groupMaxSessionTimeoutMs,
    initialRebalanceDelayMs: config.groupInitialRebalanceDelayMs,
    maxSize: config.groupMaxSize,
    heartbeatHoldMaxMs: config.groupHeartbeatHoldMaxMs,
    offsetMetadataMaxBytes: config.offsetMetadataMaxBytes,
    offsetsRetentionMs: config.offsetsRetentionMinutes * 60_000,
    offsetsRetentionCheckIntervalMs: config.offsetsRetentionCheckIntervalMs,
  }
}
