import type { Clock, Logger, Net, Random, Timer } from '@ottla/env'
import { ClientLink, type LinkListener } from './client-link.ts'
import { parseConnectString, type ConnectString } from './connect-string.ts'
import { ZooKeeperError } from './errors.ts'
import { PASSWORD_BYTES, type ConnectResponse } from './handshake.ts'
import {
  isSequential,
  MultiError,
  operationResultOf,
  type CreateOptions,
  type Operation,
  type OperationResult,
  type SessionEvent,
  type WatchEvent,
  type WatchMode,
} from './operations.ts'
import { validatePath } from './path.ts'
import type { ClientRequest, HeldWatches, Reply } from './requests.ts'
import type { Stat } from './stat.ts'
import { WatchListeners } from './watch-listeners.ts'
import type { ZooKeeper } from './zookeeper.ts'

export interface ClientEnv {
  readonly net: Net
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
}

export interface ClientOptions {
  /** `host:port,host:port…/chroot`. */
  readonly connect: string
  /** What the client asks for; the server may give another. 18 seconds unless told. */
  readonly sessionTimeoutMs?: number
  /** Who the session is, in its own words: sent after each connect. */
  readonly auth?: readonly { readonly scheme: string; readonly credentials: Buffer }[]
  /** A session to go on with, of a former life of this client. */
  readonly session?: Session
  /** A reply that is longer ends the connection; 64 MiB unless told: a list of children may be long. */
  readonly replyBytesMax?: number
}

/** What is needed to go on with a session. */
export interface Session {
  readonly sessionId: bigint
  readonly password: Buffer
}

const SESSION_TIMEOUT_MS = 18_000
const REPLY_BYTES_MAX = 64 << 20
/** Between two rounds through all servers: so much, and up to as much again. */
const BACKOFF_MS = 500
/** Watches are restored by requests of at most so many bytes of paths: every server takes as much. */
const RESTORED_BYTES_MAX = 128 << 10
const NO_SESSION: Session = { sessionId: 0n, password: Buffer.alloc(PASSWORD_BYTES) }
const PERSISTENT_MODES = ['persistent', 'persistentRecursive'] as const

/**
 * A session with a ZooKeeper far away, kept through changes of server. While there is no connection requests are refused with
 * ConnectionLoss; those that were under way when it was lost may or may not have been carried out, and none is repeated. Persistent
 * watches are restored after each loss, before `connected` is told; what changed meanwhile is not. A session that expired is followed by a new one.
 */
export class ZooKeeperClient implements ZooKeeper {
  readonly #env: ClientEnv
  readonly #options: ClientOptions
  readonly #target: ConnectString
  readonly #listeners = new WatchListeners()
  readonly #sessionListeners: ((event: SessionEvent) => void)[] = []
  #session: Session
  #hosts: ConnectString['hosts']
  #at = 0
  #lastZxid = 0
  #link: ClientLink | null = null
  #isConnected = false
  #isClosed = false
  #timer: Timer | null = null
  #lastLoss: string | null = null

  /** Connects in the background; `onSession` tells when. Throws RangeError where the connect string is none. */
  constructor(env: ClientEnv, options: ClientOptions) {
    this.#env = env
    this.#options = options
    this.#target = parseConnectString(options.connect)
    this.#hosts = shuffled(this.#target.hosts, env.random)
    this.#session = options.session ?? NO_SESSION
    this.#open()
  }

  get sessionId(): bigint {
    return this.#session.sessionId
  }

  /** Kept by whoever wants to go on with it in another life. */
  get session(): Session {
    return this.#session
  }

  /** Why the last connection was lost, or not had; for people. */
  get lastLoss(): string | null {
    return this.#lastLoss
  }

  async create(path: string, data: Buffer | null, options: CreateOptions = {}): Promise<{ path: string; stat: Stat }> {
    validatePath(path, isSequential(options.mode))
    const reply = await this.#ask({ ...options, type: 'create', path: this.#outer(path), data }, 'create')
    return { path: this.#inner(reply.path), stat: reply.stat! }
  }

  async delete(path: string, version = -1): Promise<void> {
    validatePath(path)
    if (path === '/') throw new ZooKeeperError('BadArguments', path, 'the root can not be deleted')
    await this.#ask({ type: 'delete', path: this.#outer(path), version }, 'delete')
  }

  async exists(path: string): Promise<Stat | null> {
    validatePath(path)
    try {
      return (await this.#ask({ type: 'exists', path: this.#outer(path) }, 'exists')).stat
    } catch (error) {
      if (error instanceof ZooKeeperError && error.code === 'NoNode') return null
      throw error
    }
  }

  async getData(path: string): Promise<{ data: Buffer | null; stat: Stat }> {
    validatePath(path)
    const { data, stat } = await this.#ask({ type: 'getData', path: this.#outer(path) }, 'getData')
    return { data, stat }
  }

  async setData(path: string, data: Buffer | null, version = -1): Promise<Stat> {
    validatePath(path)
    return (await this.#ask({ type: 'setData', path: this.#outer(path), data, version }, 'setData')).stat
  }

  async getChildren(path: string): Promise<{ children: string[]; stat: Stat }> {
    validatePath(path)
    const { children, stat } = await this.#ask({ type: 'getChildren', path: this.#outer(path) }, 'getChildren')
    return { children: [...children], stat: stat! }
  }

  async multi(operations: readonly Operation[]): Promise<OperationResult[]> {
    for (const operation of operations) validatePath(operation.path, operation.type === 'create' && isSequential(operation.mode))
    const outer = operations.map((operation) => ({ ...operation, path: this.#outer(operation.path) }))
    const { results } = await this.#ask({ type: 'multi', operations: outer }, 'multi')
    const told = results
      .map(operationResultOf)
      .map((result) => (result.type === 'create' ? { ...result, path: this.#inner(result.path) } : result))
    if (told.some(({ type }) => type === 'error')) throw new MultiError(operations, told)
    return told
  }

  async sync(path: string): Promise<void> {
    validatePath(path)
    await this.#ask({ type: 'sync', path: this.#outer(path) }, 'sync')
  }

  async addWatch(path: string, mode: WatchMode, listener: (event: WatchEvent) => void): Promise<() => Promise<void>> {
    validatePath(path)
    const own = (event: WatchEvent): void => listener(event)
    this.#listeners.add(path, mode, own)
    try {
      await this.#ask({ type: 'addWatch', path: this.#outer(path), mode }, 'addWatch')
    } catch (error) {
      this.#listeners.remove(path, mode, own)
      throw error
    }
    return async () => {
      // A lost connection has taken it away already, and it is not restored.
      if (!this.#listeners.remove(path, mode, own) || !this.#isConnected) return
      await this.#ask({ type: 'removeWatches', path: this.#outer(path), watches: mode }, 'removeWatches')
    }
  }

  onSession(listener: (event: SessionEvent) => void): void {
    this.#sessionListeners.push(listener)
  }

  /** Whether one of these events is told within the time. */
  hears(events: readonly SessionEvent[], withinMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = this.#env.clock.after(withinMs, () => resolve(false))
      this.onSession((event) => {
        if (!events.includes(event)) return
        timer.cancel()
        resolve(true)
      })
    })
  }

  /** Ends the session, if a server can be told; else it ends by its timeout. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#timer?.cancel()
    const link = this.#link
    if (link === null) return
    if (this.#isConnected) await new Promise<void>((resolve) => link.ask({ type: 'closeSession' }, () => resolve()))
    link.close()
  }

  /** Rejects with ZooKeeperError; else the reply is of the type that the request has. */
  #ask<T extends Reply['type']>(request: ClientRequest, type: T): Promise<Reply & { type: T }> {
    return new Promise((resolve, reject) => {
      const path = 'path' in request ? this.#inner(request.path) : null
      if (this.#isClosed || this.#link === null || !this.#isConnected) {
        reject(new ZooKeeperError(this.#isClosed ? 'SessionExpired' : 'ConnectionLoss', path))
        return
      }
      this.#link.ask(request, (reply, error) => {
        if (reply?.type === type) resolve(reply as Reply & { type: T })
        else reject(new ZooKeeperError(error?.code ?? 'SystemError', path))
      })
    })
  }

  #open(): void {
    const server = this.#hosts[this.#at % this.#hosts.length]!
    this.#at++
    const timeoutMs = this.#options.sessionTimeoutMs ?? SESSION_TIMEOUT_MS
    const limits = {
      connectTimeoutMs: Math.max(timeoutMs / this.#hosts.length, 1000),
      replyBytesMax: this.#options.replyBytesMax ?? REPLY_BYTES_MAX,
    }
    const handshake = { lastZxidSeen: this.#lastZxid, timeoutMs, ...this.#session, readOnly: false }
    const listener: LinkListener = {
      shaken: (response) => this.#shaken(response),
      watchFired: (event) => this.#watchFired(event),
      lost: (why) => this.#lost(why),
    }
    this.#link = new ClientLink(this.#env, server, limits, handshake, listener)
  }

  #shaken(response: ConnectResponse): void {
    if (response.timeoutMs <= 0) {
      // The session is over: the server closes, and the next connection asks for a new one.
      this.#session = NO_SESSION
      this.#lastZxid = 0
      this.#at--
      this.#tell('expired')
      return
    }
    this.#session = { sessionId: response.sessionId, password: response.password }
    this.#restore()
  }

  /** Who we are, then what we watch; when the server has all of it the session is of use. */
  #restore(): void {
    const link = this.#link!
    const failed = (what: string, error: ZooKeeperError): void => {
      if (link !== this.#link || error.code === 'ConnectionLoss') return
      this.#env.log.error(`the ZooKeeper server refuses ${what}`, { server: link.server, error })
      link.close()
    }
    for (const { scheme, credentials } of this.#options.auth ?? []) {
      link.ask({ type: 'auth', scheme, credentials }, (_, error) => error !== null && failed(`the credentials of scheme ${scheme}`, error))
    }
    for (const watches of this.#heldWatches()) {
      link.ask({ type: 'setWatches', relativeZxid: this.#lastZxid, watches }, (_, error) => error !== null && failed('the watches', error))
    }
    // Everything before it is answered when this is.
    link.ask({ type: 'sync', path: this.#outer('/') }, (_, error) => {
      if (error?.code === 'ConnectionLoss' || link !== this.#link || this.#isClosed) return
      this.#isConnected = true
      this.#at = 0
      this.#tell('connected')
    })
  }

  #heldWatches(): HeldWatches[] {
    const all: HeldWatches[] = []
    let bytes = Infinity
    for (const mode of PERSISTENT_MODES) {
      for (const path of this.#listeners.paths(mode)) {
        const outer = this.#outer(path)
        if ((bytes += Buffer.byteLength(outer) + 4) > RESTORED_BYTES_MAX) {
          all.push({ data: [], exist: [], child: [], persistent: [], persistentRecursive: [] })
          bytes = 0
        }
        ;(all.at(-1)![mode] as string[]).push(outer)
      }
    }
    return all
  }

  #watchFired(event: WatchEvent): void {
    const { type } = event
    const path = this.#inner(event.path)
    this.#listeners.dispatch({ type, path }, (error) => this.#env.log.error('A watch listener failed', { type, path, error }))
  }

  #lost(why: string): void {
    const link = this.#link
    this.#link = null
    if (link !== null && link.lastZxid > this.#lastZxid && this.#session.sessionId !== 0n) this.#lastZxid = link.lastZxid
    const wasConnected = this.#isConnected
    this.#isConnected = false
    if (this.#isClosed) return
    this.#lastLoss = link === null ? why : `${link.server.host}:${link.server.port}: ${why}`
    this.#env.log.debug('a connection to ZooKeeper is lost', { server: link?.server, why })
    // After a full round there is a pause, so that servers that are down are not knocked at all the time.
    const isRoundOver = this.#at > 0 && this.#at % this.#hosts.length === 0
    const delayMs = isRoundOver ? BACKOFF_MS + this.#env.random.below(BACKOFF_MS) : 0
    this.#timer = this.#env.clock.after(delayMs, () => this.#open())
    if (wasConnected) this.#tell('disconnected')
  }

  #tell(event: SessionEvent): void {
    for (const listener of this.#sessionListeners) {
      try {
        listener(event)
      } catch (error) {
        this.#env.log.error('A session listener failed', { event, error })
      }
    }
  }

  #outer(path: string): string {
    const { chroot } = this.#target
    if (chroot === '/') return path
    return path === '/' ? chroot : chroot + path
  }

  #inner(path: string): string {
    const { chroot } = this.#target
    return chroot === '/' ? path : path === chroot ? '/' : path.slice(chroot.length)
  }
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const left = [...items]
  return items.map(() => left.splice(random.below(left.length), 1)[0]!)
}
