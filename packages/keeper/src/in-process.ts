import {
  errorName,
  isSequential,
  MultiError,
  operationResultOf,
  validatePath,
  WatchListeners,
  ZooKeeperError,
  type CreateOptions,
  type Operation,
  type OperationResult,
  type Reply,
  type SessionEvent,
  type Stat,
  type WatchEvent,
  type WatchMode,
  type ZooKeeper,
} from '@ottla/zookeeper'
import type { Logger } from '@ottla/env'
import type { Connection, ConnectionOwner } from './connection.ts'
import type { Request, Result } from './requests.ts'
import type { TreeEvent } from './tree.ts'

/** The most that one znode, and all of a multi, may hold: other clients could not read more. */
const DATA_BYTES_MAX = 1_048_576 - 1024

/** A session in the server's own process: the same interface as over a socket, with no socket between. */
export class InProcessZooKeeper implements ZooKeeper, ConnectionOwner {
  readonly sessionId: bigint
  readonly #logger: Logger
  readonly #ended: (client: InProcessZooKeeper) => void
  readonly #listeners = new WatchListeners()
  readonly #sessionListeners: ((event: SessionEvent) => void)[] = []
  #connection: Connection | null = null
  #cxid = 0
  #closing: Promise<void> | null = null
  #over: SessionEvent | null = null

  /** `ended` is called once, when it is of no more use. */
  constructor(sessionId: bigint, logger: Logger, ended: (client: InProcessZooKeeper) => void) {
    this.sessionId = sessionId
    this.#logger = logger
    this.#ended = ended
  }

  /** The line to the server, given once. */
  attach(connection: Connection): void {
    this.#connection = connection
  }

  /** The session is in the log. */
  opened(): void {
    this.#tell('connected')
  }

  async create(path: string, data: Buffer | null, options: CreateOptions = {}): Promise<{ path: string; stat: Stat }> {
    validatePath(path, isSequential(options.mode))
    const result = await this.#ask({ ...options, type: 'create', path, data: copyOf(data) }, 'create', path)
    return { path: result.path, stat: result.stat }
  }

  async delete(path: string, version = -1): Promise<void> {
    validatePath(path)
    await this.#ask({ type: 'delete', path, version }, 'delete', path)
  }

  async exists(path: string): Promise<Stat | null> {
    validatePath(path)
    try {
      return (await this.#ask({ type: 'exists', path }, 'exists', path)).stat
    } catch (error) {
      if (error instanceof ZooKeeperError && error.code === 'NoNode') return null
      throw error
    }
  }

  async getData(path: string): Promise<{ data: Buffer | null; stat: Stat }> {
    validatePath(path)
    const { data, stat } = await this.#ask({ type: 'getData', path }, 'getData', path)
    return { data, stat }
  }

  async setData(path: string, data: Buffer | null, version = -1): Promise<Stat> {
    return (await this.#ask({ type: 'setData', path, data: copyOf(data), version }, 'setData', path)).stat
  }

  async getChildren(path: string): Promise<{ children: string[]; stat: Stat }> {
    validatePath(path)
    const { children, stat } = await this.#ask({ type: 'getChildren', path }, 'getChildren', path)
    return { children: [...children], stat: stat! }
  }

  async multi(operations: readonly Operation[]): Promise<OperationResult[]> {
    const kept = operations.map((operation) => ('data' in operation ? { ...operation, data: copyOf(operation.data) } : operation))
    const { results } = await this.#ask({ type: 'multi', operations: kept }, 'multi', null)
    const told = (results as readonly Reply[]).map(operationResultOf)
    if (told[0]?.type === 'error') throw new MultiError(operations, told)
    return told
  }

  async sync(path: string): Promise<void> {
    validatePath(path)
    await this.#ask({ type: 'sync', path }, 'sync', path)
  }

  async addWatch(path: string, mode: WatchMode, listener: (event: WatchEvent) => void): Promise<() => Promise<void>> {
    validatePath(path)
    // Listened to from the moment that the server knows of it: events may come before this promise goes on.
    const own = (event: WatchEvent): void => listener(event)
    this.#listeners.add(path, mode, own)
    try {
      await this.#ask({ type: 'addWatch', path, mode }, 'addWatch', path)
    } catch (error) {
      this.#listeners.remove(path, mode, own)
      throw error
    }
    return async () => {
      if (!this.#listeners.remove(path, mode, own) || this.#over !== null) return
      await this.#ask({ type: 'removeWatches', path, watches: mode }, 'removeWatches', path)
    }
  }

  onSession(listener: (event: SessionEvent) => void): void {
    this.#sessionListeners.push(listener)
  }

  close(): Promise<void> {
    this.#closing ??= this.#over !== null ? Promise.resolve() : this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#ask({ type: 'closeSession' }, 'closeSession', null)
  }

  watchFired({ type, path }: TreeEvent): void {
    this.#listeners.dispatch({ type, path }, (error) => this.#logger.error('A watch listener failed', { type, path, error }))
  }

  sessionEnded(): void {
    this.#over = 'expired'
    this.#ended(this)
    if (this.#closing === null) this.#tell('expired')
  }

  serverFailed(): void {
    this.#over = 'disconnected'
    this.#ended(this)
    this.#tell('disconnected')
  }

  /** Rejects with ZooKeeperError; else the result is of the type that the request has. */
  #ask<T extends Result['type']>(request: Request, type: T, path: string | null): Promise<Result & { type: T }> {
    return new Promise((resolve, reject) => {
      if (this.#over !== null || this.#connection === null || (this.#closing !== null && request.type !== 'closeSession')) {
        reject(new ZooKeeperError(this.#over === 'disconnected' ? 'ConnectionLoss' : 'SessionExpired', path))
        return
      }
      if (bytesOf(request) > DATA_BYTES_MAX) {
        reject(new ZooKeeperError('BadArguments', path, `no more than ${DATA_BYTES_MAX} bytes`))
        return
      }
      this.#connection.submit(
        request,
        (result) => {
          if (result.type === type) resolve(result as Result & { type: T })
          else reject(new ZooKeeperError(result.type === 'error' ? errorName(result.number) : 'SystemError', path))
        },
        ++this.#cxid,
      )
    })
  }

  #tell(event: SessionEvent): void {
    for (const listener of this.#sessionListeners) {
      try {
        listener(event)
      } catch (error) {
        this.#logger.error('A session listener failed', { event, error })
      }
    }
  }
}

/** What it adds to the log, near enough. */
function bytesOf(request: Request): number {
  if (request.type === 'multi')
    return request.operations.reduce((bytes, operation) => bytes + operation.path.length + bytesOf(operation), 0)
  return 'data' in request && request.data !== null ? request.data.length : 0
}

/** The caller's memory may be used again. */
function copyOf(data: Buffer | null): Buffer | null {
  return data === null ? null : Buffer.from(data)
}
