/** A broker and the keeper that has its tree, each on a machine of its own, in one simulated world. */
import assert from 'node:assert/strict'
import { Broker, loadBrokerConfig, openZooKeeper, warmBroker, type BrokerConfig } from '@ottla/broker'
import { World, type Host } from '@ottla/env/sim'
import { openKeeper, type Keeper } from '@ottla/keeper'
import { ZooKeeperClient, type ZooKeeper } from '@ottla/zookeeper'
import { RawClient } from './raw-client.ts'

export const SESSION_TIMEOUT_MS = 6_000
const LIMIT_MS = 600_000
const PORT = 2181
const CLIENTS = {
  addresses: [{ host: 'keeper', port: PORT }],
  tickMs: 500,
  timeoutMsMin: 1000,
  timeoutMsMax: 40_000,
  connectionsPerHostMax: 0,
  requestBytesMax: 0xfffff,
  words: new Set<string>(),
  superDigest: null,
}

export type Settings = Readonly<Record<string, string | number>>

/** One broker that runs, with its session. */
export interface Life {
  readonly broker: Broker
  readonly zooKeeper: ZooKeeper
}

export class Elsewhere {
  readonly world: World
  readonly keeperHost: Host
  readonly brokerHost: Host
  readonly near: Host
  keeper: Keeper | null = null
  #life: Life | null = null

  private constructor(seed: number) {
    this.world = new World(seed)
    this.keeperHost = this.world.host('keeper')
    this.brokerHost = this.world.host('broker')
    this.near = this.world.host('client')
    this.world.faults.unreachableMs = 10
  }

  /** The keeper runs, no broker yet. */
  static async open(seed = 1): Promise<Elsewhere> {
    await warmBroker()
    const place = new Elsewhere(seed)
    await place.startKeeper()
    return place
  }

  get broker(): Broker {
    return this.#life!.broker
  }

  get zooKeeper(): ZooKeeper {
    return this.#life!.zooKeeper
  }

  config(settings: Settings = {}): BrokerConfig {
    const all = {
      listeners: 'PLAINTEXT://:9092',
      'log.dirs': '/logs',
      'zookeeper.connect': `keeper:${PORT}/kafka`,
      'zookeeper.session.timeout.ms': SESSION_TIMEOUT_MS,
      'group.initial.rebalance.delay.ms': 0,
      ...settings,
    }
    return loadBrokerConfig(new Map(Object.entries(all).map(([key, value]) => [key, String(value)]))).config
  }

  /** As a process on `host` would; the sessions of one that is refused are ended. */
  async start(settings: Settings = {}, host = this.brokerHost): Promise<Life> {
    const config = this.config(settings)
    const life = await this.complete(startOn(host, config))
    if (host === this.brokerHost) this.#life = life
    return life
  }

  async stop(): Promise<void> {
    await this.complete(this.broker.stop().then(() => this.zooKeeper.close()))
  }

  async startKeeper(): Promise<void> {
    await this.complete(this.openKeeper())
  }

  async openKeeper(): Promise<void> {
    this.keeper = await openKeeper(this.keeperHost, '/keeper', { clients: CLIENTS })
  }

  complete<T>(promise: Promise<T>): Promise<T> {
    return this.world.complete(promise, LIMIT_MS)
  }

  async until(what: string, condition: () => boolean): Promise<void> {
    assert.ok(await this.world.run(condition, LIMIT_MS), `it never happens: ${what}`)
  }

  async passTime(ms: number): Promise<void> {
    const endMs = this.world.timeMs + ms
    await this.world.run(() => this.world.timeMs >= endMs, ms)
  }

  connect(): Promise<RawClient> {
    return this.complete(RawClient.connect(this.near, { host: 'broker', port: 9092 }))
  }

  /** Somebody else's session with the keeper, below the broker's chroot unless told. */
  async session(chroot = '/kafka'): Promise<ZooKeeperClient> {
    const client = new ZooKeeperClient(this.near, { connect: `keeper:${PORT}${chroot}`, sessionTimeoutMs: 30_000 })
    let isThere = false
    client.onSession((event) => void (isThere ||= event === 'connected'))
    await this.until('a session', () => isThere)
    return client
  }

  get warnings(): string[] {
    return this.brokerHost.log.lines.filter(({ level }) => level === 'warn').map(({ message }) => message)
  }

  get errors(): string[] {
    return this.brokerHost.log.lines
      .filter(({ level }) => level === 'error')
      .map(({ message, facts }) => `${message} ${String((facts as { error?: Error } | undefined)?.error?.stack ?? '')}`)
  }
}

async function startOn(host: Host, config: BrokerConfig): Promise<Life> {
  const zooKeeper = await openZooKeeper(host, config)
  try {
    return { zooKeeper, broker: await Broker.start(host, config, zooKeeper) }
  } catch (error) {
    await zooKeeper.close()
    throw error
  }
}
