import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Broker, loadBrokerConfig, warmBroker, type BrokerConfig } from '@ottla/broker'
import type { Env } from '@ottla/env'
import { nodeEnv } from '@ottla/env/node'
import { World, type Host } from '@ottla/env/sim'
import { openKeeper, type Keeper } from '@ottla/keeper'
import type { ZooKeeper } from '@ottla/zookeeper'
import { RawClient } from './raw-client.ts'

export type Settings = Readonly<Record<string, string | number | boolean>>

/** Simulated time that a test may take at most. */
const TEST_MS = 3_600_000
/** A test that waits for ever ends here. */
const GIVE_UP = { timeout: 60_000 }
/** Records of tests carry times of long ago, and must not be deleted for it. */
const QUIET = { 'group.initial.rebalance.delay.ms': 0, 'broker.id': 1, 'log.retention.ms': -1 }

/** A broker with its keeper in this process, on a disk that outlives it, and connections to it. */
export class TestBroker {
  /** The broker's world. */
  readonly env: Env
  readonly directory: string
  readonly #clientEnv: Env
  readonly #host: Host | null
  readonly #clients: RawClient[] = []
  #running: { keeper: Keeper; zooKeeper: ZooKeeper; broker: Broker } | null = null
  #settings: Settings = {}

  constructor(env: Env, clientEnv: Env, host: Host | null, directory: string) {
    this.env = env
    this.#clientEnv = clientEnv
    this.#host = host
    this.directory = directory
  }

  get broker(): Broker {
    return this.#running!.broker
  }

  get logDirectory(): string {
    return `${this.directory}/logs`
  }

  /** What it was, or is to be, started with. */
  get config(): BrokerConfig {
    const all = {
      listeners: 'PLAINTEXT://127.0.0.1:0',
      'log.dirs': this.logDirectory,
      'keeper.dir': `${this.directory}/keeper`,
      ...QUIET,
      ...this.#settings,
    }
    return loadBrokerConfig(new Map(Object.entries(all).map(([key, value]) => [key, String(value)]))).config
  }

  /** What the operator would read as an error. */
  get errors(): string[] {
    return this.#host === null
      ? []
      : this.#host.log.lines
          .filter(({ level }) => level === 'error')
          .map(({ message, facts }) => `${message} ${String((facts as { error?: Error } | undefined)?.error?.stack ?? '')}`)
  }

  async start(settings: Settings = this.#settings): Promise<void> {
    this.#settings = settings
    const { env, config } = this
    const keeper = await openKeeper(env, config.keeperDir)
    const zooKeeper = keeper.connect()
    try {
      this.#running = { keeper, zooKeeper, broker: await Broker.start(env, config, zooKeeper) }
    } catch (error) {
      await keeper.close()
      throw error
    }
  }

  /** In order; everything is on the disk then. */
  async stop(): Promise<void> {
    if (this.#running === null) return
    const { keeper, zooKeeper, broker } = this.#running
    this.#running = null
    await broker.stop()
    await zooKeeper.close()
    await keeper.close()
  }

  async restart(settings?: Settings): Promise<void> {
    await this.stop()
    await this.start(settings)
  }

  /** Without a word: as kill -9 (what was written stays), or as a loss of power (what was not synced may go). Simulated only. */
  async dieAndStart(how: 'kill' | 'crash', meanwhile = async (): Promise<void> => {}): Promise<void> {
    this.#running = null
    this.#host![how]()
    await meanwhile()
    await this.start()
  }

  async connect(): Promise<RawClient> {
    const { host, port } = this.broker.addresses[0]!
    const client = await RawClient.connect(this.#clientEnv, { host: this.#host === null ? host : this.#host.name, port })
    this.#clients.push(client)
    return client
  }

  /** Resolves after so long, on the broker's clock. Simulated only: no test waits for real time. */
  passTime(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.#clientEnv.clock.after(delayMs, resolve))
  }

  closeClients(): void {
    for (const client of this.#clients) client.close()
  }
}

export interface TestOptions {
  readonly settings?: Settings
  /** Time passes, or the machine dies: in the simulated world alone. */
  readonly simulatedOnly?: boolean
  /** The test provokes an error line. */
  readonly errorsExpected?: boolean
  readonly seeds?: number
}

type Work = (place: TestBroker) => Promise<void>

/** One test in the real world, over loopback, and in the simulated one. The work awaits nothing but what the broker's Env gives. */
export function brokerTest(title: string, options: TestOptions, work: Work): void {
  if (!options.simulatedOnly) test(title, GIVE_UP, () => runReal(options, work))
  test(`${title}, simulated`, GIVE_UP, async () => {
    for (let seed = 1; seed <= (options.seeds ?? 1); seed++) await runSimulated(seed, options, work)
  })
}

async function runReal(options: TestOptions, work: Work): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'ottla-broker-'))
  const env = nodeEnv({ logLevel: options.errorsExpected ? 'silent' : 'error' })
  const place = new TestBroker(env, env, null, directory)
  // timers of env don't keep the process alive
  const alive = setInterval(() => {}, 1 << 30)
  try {
    await place.start(options.settings)
    await work(place)
  } finally {
    clearInterval(alive)
    place.closeClients()
    await place.stop()
    rmSync(directory, { recursive: true, force: true })
  }
}

async function runSimulated(seed: number, options: TestOptions, work: Work): Promise<void> {
  await warmBroker()
  const world = new World(seed)
  const host = world.host('broker')
  const place = new TestBroker(host, world.host('client'), host, '/data')
  const all = async (): Promise<void> => {
    await place.start(options.settings)
    await work(place)
    await place.stop()
  }
  await world.complete(all(), TEST_MS)
  if (!options.errorsExpected && place.errors.length > 0)
    throw new Error(`the broker logged errors (seed ${seed}):\n${place.errors.join('\n')}`)
}
