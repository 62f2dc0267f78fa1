import { EnvError, type Address, type CloseReason, type Connection, type Env, type Receiver, type Timer } from '@ottla/env'
import { ErrorCode, readResponseHeader, writeRequestHeader, type Api } from '@ottla/protocol'
import { ApiVersions } from '@ottla/protocol/messages/18-api-versions'
import { Frames, Reader, Writer, type Decoded, type Encodable, type Fields, type Slab } from '@ottla/wire'
import { ClientError } from './errors.ts'

export interface ConnectionOptions {
  readonly clientId: string
  /** A request that is unanswered for so long closes the connection. 30 s by default. */
  readonly requestTimeoutMs?: number
  readonly connectTimeoutMs?: number
  /** A larger answer closes the connection. 256 MiB by default. */
  readonly responseBytesMax?: number
}

export interface RequestOptions {
  /** The highest version to use, where the caller knows no later one. */
  readonly versionMax?: number
  /** In place of the connection's: for requests that the broker may hold. */
  readonly timeoutMs?: number
}

/** A body, or what makes one for the version that was chosen. */
export type Body<Q extends Fields> = Encodable<Q> | ((version: number) => Encodable<Q>)

interface Pending {
  readonly api: Api
  readonly version: number
  readonly correlationId: number
  readonly deadlineMs: number
  readonly resolve: (response: never) => void
  readonly reject: (error: Error) => void
}

interface VersionRange {
  readonly min: number
  readonly max: number
}

const SOFTWARE_NAME = 'ottla'
const SOFTWARE_VERSION = '0.1.0'
/** The last version without fields of a broker's own (KIP-1242 adds a cluster id and a node id to check). */
const API_VERSIONS_MAX = 4
/** A frame in a buffer of its own that is smaller than this is copied, so that the buffer goes on being used. */
const COPIED_BYTES_MAX = 16384

/**
 * One TCP connection to a broker. Requests are pipelined and answered in order; which version each API is spoken in was agreed at the
 * start (ApiVersions, KIP-511). Whatever goes wrong with the connection rejects all that is unanswered with one ClientError.
 */
export class BrokerConnection implements Receiver {
  readonly address: Address
  readonly #env: Env
  readonly #clientId: string
  readonly #requestTimeoutMs: number
  readonly #frames: Frames
  readonly #pending: Pending[] = []
  readonly #versions = new Map<number, VersionRange>()
  readonly #closeListeners = new Set<(error: ClientError) => void>()
  #drainListeners: (() => void)[] = []
  #connection: Connection | null = null
  #correlationId = 0
  #timer: Timer | null = null
  #timerDueMs = Infinity
  #error: ClientError | null = null

  private constructor(env: Env, address: Address, options: ConnectionOptions) {
    this.#env = env
    this.address = address
    this.#clientId = options.clientId
    this.#requestTimeoutMs = options.requestTimeoutMs ?? 30_000
    this.#frames = new Frames(options.responseBytesMax ?? 256 << 20, (slab, start, end) => this.#frame(slab, start, end))
  }

  /** Connects and agrees on versions. Rejects with a ClientError of kind `connect`, `timeout` or `protocol`. */
  static async open(env: Env, address: Address, options: ConnectionOptions): Promise<BrokerConnection> {
    const made = new BrokerConnection(env, address, options)
    const timeoutMs = options.connectTimeoutMs ?? 10_000
    const timer = env.clock.after(timeoutMs, () =>
      made.#fail(new ClientError('timeout', `${made.#where} did not answer within ${timeoutMs} ms; check the address and the network.`)),
    )
    try {
      await made.#connect()
      await made.#agreeOnVersions()
    } catch (error) {
      made.#fail(error instanceof ClientError ? error : new ClientError('protocol', String(error), error))
      throw made.#error!
    } finally {
      timer.cancel()
    }
    return made
  }

  get #where(): string {
    return `${this.address.host}:${this.address.port}`
  }

  get open(): boolean {
    return this.#error === null
  }

  /** Bytes that the system has not taken yet; whoever sends much waits for `drainedOnce` while this is large. */
  get unsentBytes(): number {
    return this.#connection?.unsentBytes ?? 0
  }

  /** Requests that are not answered. */
  get unanswered(): number {
    return this.#pending.length
  }

  /** The version that `request` will use; throws a ClientError of kind `unsupported` where there is none. */
  version(api: Api, versionMax = api.max): number {
    const range = this.#versions.get(api.key)
    if (range === undefined) {
      throw new ClientError('unsupported', `The broker at ${this.#where} has no ${api.name}; use a broker that has it.`)
    }
    const version = Math.min(versionMax, api.max, range.max)
    if (version < Math.max(api.min, range.min)) {
      throw new ClientError(
        'unsupported',
        `The broker at ${this.#where} speaks ${api.name} ${range.min}-${range.max}, ` +
          `this client ${api.min}-${Math.min(versionMax, api.max)}; bring the older of the two up to date.`,
      )
    }
    return version
  }

  /** Whether the broker speaks a version of the API that we do. */
  supports(api: Api, versionMin = api.min): boolean {
    const range = this.#versions.get(api.key)
    return range !== undefined && Math.min(api.max, range.max) >= Math.max(versionMin, range.min)
  }

  /** Sends a request; resolves with its answer, whose `bytes` and `records` are views that stay good. */
  request<Q extends Fields, P extends Fields>(api: Api<Q, P>, body: Body<Q>, options: RequestOptions = {}): Promise<Decoded<P>> {
    return new Promise((resolve, reject) => {
      if (this.#error !== null) throw this.#error
      const version = this.version(api as unknown as Api, options.versionMax)
      this.#send(api, version, body)
      this.#await(api as unknown as Api, version, options.timeoutMs ?? this.#requestTimeoutMs, resolve, reject)
    })
  }

  /** Sends a request that has no answer: Produce with acks 0. */
  notify<Q extends Fields, P extends Fields>(api: Api<Q, P>, body: Body<Q>): void {
    if (this.#error !== null) throw this.#error
    this.#send(api, this.version(api as unknown as Api), body)
  }

  /** Calls `listener` once the connection is gone; the function given back takes it off again. */
  onClose(listener: (error: ClientError) => void): () => void {
    if (this.#error !== null) listener(this.#error)
    else this.#closeListeners.add(listener)
    return () => this.#closeListeners.delete(listener)
  }

  /** Resolves when all that was sent has left, or the connection is gone. */
  drainedOnce(): Promise<void> {
    if (this.unsentBytes === 0 || this.#error !== null) return Promise.resolve()
    return new Promise((resolve) => {
      this.#drainListeners.push(resolve)
    })
  }

  /** What is unanswered is rejected; what was sent still goes out. */
  close(): void {
    this.#fail(new ClientError('closed', 'This client was closed; make a new one.'))
  }

  space(): Uint8Array {
    return this.#frames.space()
  }

  received(length: number): void {
    if (!this.#frames.received(length)) this.#fail(this.#notKafka('an answer of an impossible size'))
  }

  drained(): void {
    const listeners = this.#drainListeners
    this.#drainListeners = []
    for (const listener of listeners) listener()
  }

  closed(reason: CloseReason): void {
    const how = reason === 'peer' ? 'closed the connection' : reason === 'here' ? 'was let go' : "can't be reached any more"
    this.#fail(new ClientError('disconnected', `The broker at ${this.#where} ${how}; see its log, and whether it still runs.`))
    this.#frames.close()
  }

  async #connect(): Promise<void> {
    const opening = this.#env.net.connect(this.address, () => this)
    opening.then(
      (connection) => {
        if (this.#error !== null) connection.abort()
      },
      () => {},
    )
    try {
      this.#connection = await Promise.race([opening, new Promise<never>((_, reject) => this.onClose(reject))])
    } catch (error) {
      if (error instanceof ClientError) throw error
      const why = error instanceof EnvError && error.code === 'refused' ? 'nobody listens there' : (error as Error).message
      throw new ClientError('connect', `No connection to ${this.#where}: ${why}; start the broker, or correct the address.`, error)
    }
  }

  async #agreeOnVersions(): Promise<void> {
    let version = Math.min(ApiVersions.max, API_VERSIONS_MAX)
    for (;;) {
      const asked = version
      const answer = await new Promise<Decoded<typeof ApiVersions.response.fields>>((resolve, reject) => {
        if (this.#error !== null) throw this.#error
        this.#send(ApiVersions, asked, { clientSoftwareName: SOFTWARE_NAME, clientSoftwareVersion: SOFTWARE_VERSION })
        this.#await(ApiVersions as unknown as Api, asked, this.#requestTimeoutMs, resolve, reject)
      })
      if (answer.errorCode === ErrorCode.NONE) {
        for (const { apiKey, minVersion, maxVersion } of answer.apiKeys) this.#versions.set(apiKey, { min: minVersion, max: maxVersion })
        return
      }
      if (answer.errorCode !== ErrorCode.UNSUPPORTED_VERSION || version === 0) {
        throw new ClientError(
          'protocol',
          `The broker at ${this.#where} refused ApiVersions with code ${answer.errorCode}; ` + 'check that it is a Kafka listener.',
        )
      }
      const own = answer.apiKeys.find((range) => range.apiKey === ApiVersions.key)
      version = own === undefined ? 0 : Math.min(own.maxVersion, version - 1)
    }
  }

  #send<Q extends Fields, P extends Fields>(api: Api<Q, P>, apiVersion: number, body: Body<Q>): void {
    this.#correlationId = (this.#correlationId + 1) & 0x7fffffff
    const writer = new Writer()
    writer.int32(0)
    writeRequestHeader(writer, { apiKey: api.key, apiVersion, correlationId: this.#correlationId, clientId: this.#clientId })
    api.request.encode(writer, apiVersion, typeof body === 'function' ? body(apiVersion) : body)
    writer.patchInt32(writer.length - 4)
    for (const chunk of writer.done()) this.#connection!.write(chunk as Buffer)
  }

  #await<T>(api: Api, version: number, timeoutMs: number, resolve: (response: T) => void, reject: (error: Error) => void): void {
    const deadlineMs = this.#env.clock.monotonic() + timeoutMs
    this.#pending.push({ api, version, correlationId: this.#correlationId, deadlineMs, resolve, reject })
    if (deadlineMs < this.#timerDueMs) this.#arm(deadlineMs)
  }

  /** One timer for all: it looks for what is late, and is set again for the next to be. */
  #arm(dueMs: number): void {
    this.#timer?.cancel()
    this.#timerDueMs = dueMs
    this.#timer = this.#env.clock.after(Math.max(0, dueMs - this.#env.clock.monotonic()), () => {
      this.#timer = null
      this.#timerDueMs = Infinity
      const now = this.#env.clock.monotonic()
      let nextMs = Infinity
      for (const pending of this.#pending) {
        if (pending.deadlineMs <= now) {
          this.#fail(
            new ClientError(
              'timeout',
              `The broker at ${this.#where} did not answer ${pending.api.name} in time; ` +
                'see whether it is overloaded, or raise requestTimeoutMs.',
            ),
          )
          return
        }
        nextMs = Math.min(nextMs, pending.deadlineMs)
      }
      if (nextMs < this.#timerDueMs) this.#arm(nextMs)
    })
  }

  #frame(slab: Slab, start: number, end: number): void {
    const pending = this.#pending.shift()
    if (pending === undefined) {
      this.#fail(this.#notKafka('an answer that nobody asked for'))
      return
    }
    let bytes: Buffer
    if (slab.common || end - start < COPIED_BYTES_MAX) {
      bytes = Buffer.allocUnsafe(end - start)
      slab.bytes.copy(bytes, 0, start, end)
    } else {
      // held and never let go: the answer's views keep it for as long as someone has them
      slab.hold()
      bytes = slab.bytes.subarray(start, end)
    }
    const { api, version } = pending
    try {
      const reader = new Reader(bytes)
      if (readResponseHeader(reader, api.key, version) !== pending.correlationId) throw new Error('it answers another request')
      pending.resolve(api.response.decode(reader, answerVersion(api, version, reader)) as never)
    } catch (error) {
      const failure = this.#notKafka(`an answer to ${api.name} that can't be read (${(error as Error).message})`)
      pending.reject(failure)
      this.#fail(failure)
    }
  }

  #notKafka(what: string): ClientError {
    return new ClientError('protocol', `The broker at ${this.#where} sent ${what}; check that this is a Kafka listener without TLS.`)
  }

  #fail(error: ClientError): void {
    if (this.#error !== null) return
    this.#error = error
    this.#timer?.cancel()
    if (error.kind === 'closed') this.#connection?.close()
    else this.#connection?.abort()
    for (const pending of this.#pending.splice(0)) pending.reject(error)
    this.drained()
    for (const listener of this.#closeListeners) listener(error)
    this.#closeListeners.clear()
  }
}

/** A broker that doesn't know the version of ApiVersions it was asked answers in version 0, with code 35 (KIP-511). */
function answerVersion(api: Api, version: number, reader: Reader): number {
  if (api.key !== ApiVersions.key || reader.left < 2) return version
  return reader.bytes.readInt16BE(reader.at) === ErrorCode.UNSUPPORTED_VERSION ? 0 : version
}
