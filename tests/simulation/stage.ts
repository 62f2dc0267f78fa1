/** A whole server on a simulated machine, and the machines of its clients. */
import { loadBrokerConfig, warmBroker, type BrokerConfig } from '@ottla/broker'
import { createClient, type Client } from '@ottla/client'
import { World, type Faults, type Host } from '@ottla/env/sim'
import { startServer, type Server } from 'ottla'

export const LIMIT_MS = 600_000
export const LOG_DIRECTORY = '/data/logs'

const SETTINGS: Readonly<Record<string, string>> = {
  listeners: 'PLAINTEXT://:9092',
  'log.dirs': LOG_DIRECTORY,
  'keeper.dir': '/data/keeper',
  'log.segment.bytes': '6000',
  'log.index.interval.bytes': '300',
  'log.flush.offset.checkpoint.interval.ms': '150',
  'log.flush.start.offset.checkpoint.interval.ms': '150',
  'replica.high.watermark.checkpoint.interval.ms': '150',
  'log.segment.delete.delay.ms': '50',
  'offsets.topic.num.partitions': '1',
  'offsets.topic.segment.bytes': '5000',
  'group.initial.rebalance.delay.ms': '0',
  'auto.create.topics.enable': 'false',
}

// a module that is loaded while the world runs would take real time
await warmBroker()

export class Stage {
  readonly world: World
  readonly host: Host
  server: Server | null = null
  readonly #config: BrokerConfig

  constructor(seed: number, faults: Partial<Faults> = {}, settings: Readonly<Record<string, string>> = {}) {
    this.world = new World(seed, faults)
    this.host = this.world.host('broker')
    this.#config = loadBrokerConfig(new Map(Object.entries({ ...SETTINGS, ...settings }))).config
  }

  /** A program on a machine of its own, that reaches the server. */
  client(name: string): Client {
    return createClient(this.world.host(name), {
      bootstrap: 'broker:9092',
      retryBackoffMs: 10,
      retryBackoffMaxMs: 200,
      requestTimeoutMs: 5_000,
    })
  }

  async start(): Promise<Server> {
    this.server = await this.complete(startServer(this.host, this.#config))
    return this.server
  }

  /** The process is on its way up, for as long as the caller lets the world run. Nobody has to await it: it may die on the way. */
  beginToStart(): Promise<void> {
    const starting = startServer(this.host, this.#config).then((server) => void (this.server = server))
    starting.catch(() => {})
    return starting
  }

  /** `crash`: the power fails. `kill`: the process alone. `stop`: in good order. */
  async end(how: 'crash' | 'kill' | 'stop'): Promise<void> {
    if (how === 'stop') await this.complete(this.server!.stop())
    if (how === 'crash') this.host.crash()
    else this.host.kill()
    this.server = null
  }

  complete<T>(promise: Promise<T>): Promise<T> {
    return this.world.complete(promise, LIMIT_MS)
  }

  async pass(ms: number): Promise<void> {
    await this.world.run(() => false, ms)
  }
}
