import type { Address, Clock, Connection, Listener, Logger, Net, Receiver } from '@ottla/env'
import type { ClientSessions } from './client-sessions.ts'
import { ClientSocket } from './client-socket.ts'
import type { Server } from './server.ts'
import { Traffic } from './traffic.ts'

export interface ClientPortOptions {
  /** So many connections of one address; 0: any number. */
  readonly connectionsPerHostMax: number
  /** A larger request, data and all, closes its connection: `jute.maxbuffer`. */
  readonly requestBytesMax: number
  /** The four-letter words that are answered. */
  readonly words: ReadonlySet<string>
  /** `user:base64(sha1(user:password))` of an administrator, who may do anything. */
  readonly superDigest: string | null
}

/** What the sockets of a port share. */
export interface PortContext extends ClientPortOptions {
  readonly clock: Clock
  readonly log: Logger
  readonly server: Server
  readonly sessions: ClientSessions
  readonly traffic: Traffic
  readonly sockets: ReadonlySet<ClientSocket>
  readonly startedMs: number
  /** Of the keeper's files. */
  readonly directory: string
  /** Where it listens. */
  readonly addresses: readonly Address[]
}

/** Where clients of ZooKeeper connect. */
export class ClientPort {
  readonly #context: PortContext
  readonly #sockets = new Set<ClientSocket>()
  readonly #bySession = new Map<bigint, ClientSocket>()
  readonly #listeners: Listener[] = []
  readonly #addresses: Address[] = []

  constructor(env: { clock: Clock; log: Logger }, directory: string, server: Server, sessions: ClientSessions, options: ClientPortOptions) {
    const { clock, log } = env
    this.#context = {
      ...options,
      clock,
      log,
      directory,
      server,
      sessions,
      traffic: new Traffic(),
      sockets: this.#sockets,
      startedMs: clock.monotonic(),
      addresses: this.#addresses,
    }
  }

  get addresses(): readonly Address[] {
    return this.#addresses
  }

  /** Rejects with EnvError where the address is in use. */
  async listen(net: Net, address: Address): Promise<void> {
    const listener = await net.listen(address, (connection) => this.#accept(connection))
    this.#listeners.push(listener)
    this.#addresses.push(listener.address)
  }

  /** Accepts no more, and closes all connections; their sessions go on. */
  async close(): Promise<void> {
    await Promise.all(this.#listeners.map((listener) => listener.close()))
    for (const socket of this.#sockets) socket.close()
  }

  #accept(connection: Connection): Receiver {
    const { connectionsPerHostMax, log } = this.#context
    const socket = new ClientSocket(this.#context, connection, {
      opened: (sessionId) => this.#opened(sessionId, socket),
      closed: (sessionId) => this.#closed(sessionId, socket),
    })
    this.#sockets.add(socket)
    if (connectionsPerHostMax > 0 && this.#countOf(connection.remote.host) > connectionsPerHostMax) {
      log.warn(`closing a connection of ${connection.remote.host}: it has ${connectionsPerHostMax} already, which is maxClientCnxns`)
      socket.close()
    }
    return socket
  }

  #countOf(host: string): number {
    let count = 0
    for (const socket of this.#sockets) if (socket.remote.host === host) count++
    return count
  }

  /** A session has one connection: the one that came last. */
  #opened(sessionId: bigint, socket: ClientSocket): void {
    this.#bySession.get(sessionId)?.close()
    this.#bySession.set(sessionId, socket)
  }

  #closed(sessionId: bigint, socket: ClientSocket): void {
    this.#sockets.delete(socket)
    if (this.#bySession.get(sessionId) === socket) this.#bySession.delete(sessionId)
  }
}
