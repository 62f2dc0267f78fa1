import { Socket, type SocketConstructorOpts } from 'node:net'
import type { Address, CloseReason, Connection, File, Receiver } from '../env.ts'
import type { NodeFile } from './file.ts'
import type { NodeLoop, Sender } from './loop.ts'
import type { Native } from './native.ts'
import { Outbox } from './outbox.ts'
import type { PiecePool } from './piece-pool.ts'

/** What all connections of a Net share. */
export interface Shared {
  readonly loop: NodeLoop
  readonly native: Native | null
  readonly pieces: PiecePool
}

/** A handle that Node's server accepted, before it became a socket. */
export interface TcpHandle {
  readonly fd: number
}

const KEEP_ALIVE_MS = 60_000
/** How long a closed connection waits for the peer to close its side. */
const LINGER_MS = 5_000
/** Where bytes go that have no receiver yet, or no more. */
const SCRATCH = Buffer.allocUnsafeSlow(64 << 10)
const UNREACHABLE = new Set(['ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN'])

export class NodeConnection implements Connection, Sender {
  readonly socket: Socket
  local: Address = { host: '', port: 0 }
  remote: Address = { host: '', port: 0 }
  readonly #shared: Shared
  #outbox: Outbox | null = null
  #receiver: Receiver | null = null
  #space: Uint8Array = SCRATCH
  /** What came in a buffer of the system's and has no place at the receiver's yet. */
  #overflow: Uint8Array[] = []
  #corked = false
  #draining = false
  #paused = false
  #closing = false
  #peerEnded = false
  #endSent = false
  #brokenBy: CloseReason | null = null
  #linger: NodeJS.Timeout | null = null

  /**
   * Three beginnings: a handle that was accepted, read into the receiver's buffers; a socket of Node's making, whose bytes are copied
   * there; neither, for a socket that will connect.
   */
  constructor(shared: Shared, from: TcpHandle | Socket | null) {
    this.#shared = shared
    if (from instanceof Socket) {
      this.socket = from
      this.socket.on('data', (bytes) => this.#chunk(bytes))
    } else {
      // the constructor asks for a buffer already
      const onread = { buffer: () => this.#space, callback: (length: number) => this.#read(length) }
      const options = { allowHalfOpen: true, onread, ...(from === null ? {} : { handle: from }) }
      this.socket = new Socket(options as unknown as SocketConstructorOpts)
    }
  }

  /** The socket is connected: from now on it has a receiver. To be called as an event. */
  start(accept: (connection: Connection) => Receiver): void {
    const { socket } = this
    const { loop, native, pieces } = this.#shared
    this.local = addressOf(socket.localAddress, socket.localPort)
    this.remote = addressOf(socket.remoteAddress, socket.remotePort)
    socket.setNoDelay(true)
    socket.setKeepAlive(true, KEEP_ALIVE_MS)
    const fd = (socket as unknown as { _handle?: TcpHandle })._handle?.fd ?? -1
    this.#outbox = new Outbox(socket, fd, native, pieces, loop, this.#roomy)
    socket.on('error', (error) => this.#broken(error))
    socket.on('end', () => loop.event(() => this.#ended()))
    socket.on('close', () => loop.event(() => this.#closed()))
    this.#receiver = accept(this)
    if (!this.#paused) socket.read(0)
  }

  get unsentBytes(): number {
    return this.#outbox?.unsentBytes ?? 0
  }

  write(view: Uint8Array): void {
    if (this.#closing || this.#endSent) return
    this.#outbox!.push(view)
    this.#cork()
  }

  sendFile(file: File, position: number, length: number): void {
    if (this.#closing || this.#endSent) return
    this.#outbox!.pushRange(file as NodeFile, position, length)
    this.#cork()
  }

  pause(): void {
    if (this.#paused || this.#closing) return
    this.#paused = true
    this.socket.pause()
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    if (this.#overflow.length > 0) setImmediate(() => this.#shared.loop.event(() => this.#drainOverflow()))
    else this.socket.resume()
  }

  close(): void {
    if (this.#closing) return
    this.#closing = true
    this.#overflow = []
    // read on, to nowhere: closing with unread bytes would reset the connection under what is still on its way
    this.socket.resume()
    this.#cork()
  }

  abort(): void {
    this.#closing = true
    this.#outbox!.drop()
    this.#overflow = []
    // a reset fails while the end is on its way, and would leave the handle behind
    if (this.#endSent) this.socket.destroy()
    else this.socket.resetAndDestroy()
  }

  flush(): void {
    this.#corked = false
    const { socket } = this
    const outbox = this.#outbox!
    if (socket.destroyed) {
      outbox.drop()
      return
    }
    outbox.flush()
    if (this.#draining && outbox.unsentBytes === 0) {
      this.#draining = false
      process.nextTick(this.#tellDrained)
    }
    if ((this.#closing || this.#peerEnded) && outbox.empty) this.#end()
  }

  #cork(): void {
    if (this.#corked) return
    this.#corked = true
    this.#shared.loop.sendAtEnd(this)
  }

  #end(): void {
    if (this.#endSent) return
    this.#endSent = true
    this.socket.end()
    this.#linger = setTimeout(() => this.socket.destroy(), LINGER_MS)
  }

  /** What is left goes with the rest of the turn: nothing of this turn may leave before its tasks. */
  readonly #roomy = (): void => {
    this.#draining = true
    this.#cork()
  }

  readonly #tellDrained = (): void => {
    this.#shared.loop.event(() => {
      if (!this.#closing && !this.socket.destroyed) this.#receiver!.drained()
    })
  }

  /** `length` bytes lie in `#space`. */
  #read(length: number): boolean {
    const receiver = this.#receiver
    if (this.#closing || receiver === null) return true
    if (this.#space === SCRATCH) {
      this.#chunk(Buffer.from(SCRATCH.subarray(0, length)))
    } else {
      const { loop } = this.#shared
      loop.beginRead()
      try {
        receiver.received(length)
      } finally {
        loop.endRead(this)
      }
    }
    this.#space = this.#closing || this.#overflow.length > 0 ? SCRATCH : receiver.space()
    return true
  }

  #chunk(bytes: Uint8Array): void {
    if (this.#closing) return
    this.#overflow.push(bytes)
    if (this.#overflow.length > 1) return
    const { loop } = this.#shared
    loop.beginRead()
    try {
      this.#drainOverflow()
    } finally {
      loop.endRead(this)
    }
  }

  /** Hands out what has come, as long as the receiver wants it. */
  #drainOverflow(): void {
    const receiver = this.#receiver!
    while (this.#overflow.length > 0 && !this.#paused && !this.#closing) {
      const bytes = this.#overflow[0]!
      const space = receiver.space()
      const length = Math.min(space.length, bytes.length)
      space.set(bytes.subarray(0, length))
      if (length < bytes.length) this.#overflow[0] = bytes.subarray(length)
      else this.#overflow.shift()
      receiver.received(length)
    }
    if (!this.#paused && !this.#closing) this.socket.resume()
  }

  /** The peer will send no more. It may still read: what was given goes out first. */
  #ended(): void {
    this.#peerEnded = true
    this.#cork()
  }

  #broken(error: NodeJS.ErrnoException): void {
    this.#brokenBy = UNREACHABLE.has(error.code ?? '') ? 'unreachable' : 'reset'
  }

  #closed(): void {
    const reason = this.#closing ? 'here' : this.#peerEnded ? 'peer' : (this.#brokenBy ?? 'peer')
    this.#closing = true
    if (this.#linger !== null) clearTimeout(this.#linger)
    this.#outbox!.drop()
    this.#overflow = []
    this.#space = SCRATCH
    this.#shared.loop.forget(this)
    this.#receiver?.closed(reason)
  }
}

/** A listener on all addresses sees IPv4 peers in IPv6 clothes. */
function addressOf(host: string | undefined, port: number | undefined): Address {
  return { host: (host ?? '').replace(/^::ffff:(?=\d+\.)/, ''), port: port ?? 0 }
}
