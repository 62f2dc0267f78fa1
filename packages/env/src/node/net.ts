import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { hostname } from 'node:os'
import type { Address, Connection, Listener, Logger, Net, Receiver } from '../env.ts'
import { NodeConnection, type Shared, type TcpHandle } from './connection.ts'
import { connectError, later } from './errors.ts'
import type { NodeLoop } from './loop.ts'
import type { Native } from './native.ts'
import { openFilesMax } from './open-files.ts'
import { PiecePool } from './piece-pool.ts'

const BACKLOG = 1024
/** Kafka's socket.connection.setup.timeout.ms. */
const CONNECT_MS = 10_000
/** Where sendfile does the work, a piece is only what keeps a full socket busy. */
const PIECE_BYTES = 64 << 10
const PIECE_BYTES_WITHOUT_SENDFILE = 256 << 10
const FREE_BYTES_MAX = 8 << 20
/** Descriptors that connections leave to the logs: without them a disk would look broken. */
const RESERVED_FILES = 1_500

type Accept = (connection: Connection) => Receiver

/** Node's own hook for an accepted connection, which is no public interface: the 'connection' event does as well, at the cost of a copy. */
interface ServerHandle {
  onconnection?: (status: number, handle: TcpHandle | undefined) => void
}

export class NodeNet implements Net {
  readonly hostName = hostname()
  readonly #shared: () => Shared
  readonly #log: Logger
  readonly #openMax = Math.max(100, openFilesMax() - RESERVED_FILES)
  #openCount = 0
  #isFull = false

  constructor(loop: NodeLoop, native: () => Native | null, log: Logger) {
    let shared: Shared | null = null
    this.#shared = () => (shared ??= sharedOf(loop, native()))
    this.#log = log
  }

  async listen(address: Address, accept: Accept): Promise<Listener> {
    const server = createServer({ allowHalfOpen: true })
    await later<void>((cb) => {
      server.once('error', cb)
      server.listen({ host: address.host, port: address.port, backlog: BACKLOG }, () => cb(null))
    })
    server.on('error', (error) => this.#log.warn('A connection could not be accepted', { error }))
    this.#attach(server, accept)
    const { address: host, port } = server.address() as AddressInfo
    return { address: { host, port }, close: () => closeServer(server) }
  }

  connect(address: Address, receiver: Accept): Promise<Connection> {
    const connection = new NodeConnection(this.#shared(), null)
    const { socket } = connection
    const where = `${address.host}:${address.port}`
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => socket.destroy(timedOut()), CONNECT_MS)
      const fail = (error: NodeJS.ErrnoException): void => {
        clearTimeout(timer)
        reject(connectError(error, where))
      }
      socket.once('error', fail)
      socket.connect({ host: address.host, port: address.port }, () => {
        clearTimeout(timer)
        socket.off('error', fail)
        this.#shared().loop.event(() => {
          connection.start(receiver)
          resolve(connection)
        })
      })
    })
  }

  #hasRoom(): boolean {
    const hasRoom = this.#openCount < this.#openMax
    if (!hasRoom && !this.#isFull) {
      this.#log.error(`${this.#openMax} connections are open; more are refused, to leave files to the logs: raise the limit (ulimit -n)`)
    }
    this.#isFull = !hasRoom
    return hasRoom
  }

  #attach(server: Server, accept: Accept): void {
    const shared = this.#shared()
    const take = (from: TcpHandle | Socket): void => {
      const connection = new NodeConnection(shared, from)
      if (!this.#hasRoom()) {
        connection.socket.destroy()
        return
      }
      this.#openCount++
      connection.socket.once('close', () => this.#openCount--)
      shared.loop.event(() => connection.start(accept))
    }
    const handle = (server as unknown as { _handle?: ServerHandle })._handle
    if (shared.native === null || typeof handle?.onconnection !== 'function') {
      server.on('connection', take)
      return
    }
    handle.onconnection = (status, accepted) => {
      if (accepted === undefined) this.#log.warn('A connection could not be accepted', { status })
      else take(accepted)
    }
  }
}

function sharedOf(loop: NodeLoop, native: Native | null): Shared {
  const pieceBytes = native === null ? PIECE_BYTES_WITHOUT_SENDFILE : PIECE_BYTES
  return { loop, native, pieces: new PiecePool(pieceBytes, FREE_BYTES_MAX / pieceBytes) }
}

function timedOut(): Error {
  return Object.assign(new Error(`no answer within ${CONNECT_MS} ms`), { code: 'ETIMEDOUT' })
}

/** The port is free at once. Node's callback would wait for the connections too. */
function closeServer(server: Server): Promise<void> {
  server.close()
  return new Promise((resolve) => setImmediate(resolve))
}
