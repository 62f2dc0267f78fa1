import { EnvError, type Address, type Connection, type Listener, type Net, type Receiver } from '../env.ts'
import { SimConnection } from './connection.ts'
import { KIND } from './event-queue.ts'
import type { Host } from './host.ts'

type Accept = (connection: Connection) => Receiver

/** As the real one: how long a connect waits for an answer. */
const CONNECT_MS = 10_000
const RETRY_MS = 500
/** Addresses of whoever says them. */
const OWN = new Set(['127.0.0.1', '::1', 'localhost', '0.0.0.0', '::', ''])

class SimListener implements Listener {
  readonly host: Host
  readonly address: Address
  readonly accept: Accept

  constructor(host: Host, address: Address, accept: Accept) {
    this.host = host
    this.address = address
    this.accept = accept
  }

  close(): Promise<void> {
    this.host.net.listeners.delete(this.address.port)
    return Promise.resolve()
  }
}

/** A host is reached by its name, by itself also as loopback. It listens on all of its addresses. */
export class SimNet implements Net {
  readonly hostName: string
  readonly listeners = new Map<number, SimListener>()
  readonly #host: Host
  #nextPort = 40000

  constructor(host: Host) {
    this.#host = host
    this.hostName = host.name
  }

  listen(address: Address, accept: Accept): Promise<Listener> {
    const port = address.port === 0 ? this.#nextPort++ : address.port
    if (this.listeners.has(port)) return Promise.reject(new EnvError('in-use', `Port ${port} of ${this.#host.name} is in use`))
    const listener = new SimListener(this.#host, { host: address.host, port }, accept)
    this.listeners.set(port, listener)
    return Promise.resolve(listener)
  }

  connect(address: Address, receiver: Accept): Promise<Connection> {
    return new Promise((resolve, reject) => this.#knock(address, receiver, 0, resolve, reject))
  }

  /** The program that listened is dead. */
  clear(): void {
    this.listeners.clear()
  }

  #knock(address: Address, receiver: Accept, waitedMs: number, resolve: (c: Connection) => void, reject: (e: EnvError) => void): void {
    const { world } = this.#host
    world.schedule(waitedMs === 0 ? world.faults.latencyMs : RETRY_MS, this.#host, KIND.connect, () => {
      const target = OWN.has(address.host) ? this.#host : world.hostNamed(address.host)
      const listener = target?.net.listeners.get(address.port)
      if (target !== undefined && world.isCut(this.#host, target) && waitedMs < CONNECT_MS) {
        this.#knock(address, receiver, waitedMs + RETRY_MS, resolve, reject)
      } else if (listener === undefined || waitedMs >= CONNECT_MS) {
        reject(new EnvError('refused', `No connection to ${address.host}:${address.port}`))
      } else resolve(this.#open(address, receiver, listener))
    })
  }

  #open(address: Address, receiver: Accept, listener: SimListener): Connection {
    const { world } = this.#host
    const own = OWN.has(address.host)
    const local = { host: own ? '127.0.0.1' : this.#host.name, port: this.#nextPort++ }
    const remote = { host: own ? '127.0.0.1' : address.host, port: address.port }
    const near = new SimConnection(this.#host, local, remote)
    const far = new SimConnection(listener.host, remote, local)
    near.peer = far
    far.peer = near
    world.schedule(0, listener.host, KIND.accept, () => far.start(listener.accept))
    near.start(receiver)
    return near
  }
}
