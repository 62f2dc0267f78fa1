import type { CloseReason, Connection, File, Receiver, Timer } from '@ottla/env'
import { ErrorCode, KafkaError, readRequestHeader, writeResponseHeader, type Api, type RequestHeader } from '@ottla/protocol'
import { ApiVersions } from '@ottla/protocol/messages/18-api-versions'
import { DecodeError, Frames, Reader, takeSlab, Writer, type Chunk, type Encodable, type Fields, type Slab } from '@ottla/wire'
import type { Broker } from './broker.ts'
import type { Handler, RequestContext, Response } from './handler.ts'
import type { HandlerTable } from './handler-table.ts'
import { Later } from './later.ts'

/** A client that does not read is not read from: above this much unsent, its connection is paused, and what it asked for waits. */
const UNSENT_BYTES_MAX = 1 << 20
/** Above this much held for other threads (`heldBytes`), the next request waits, and its connection is paused. */
const HELD_BYTES_MAX = 16 << 20
/** As many requests of one connection may wait for their answers; then it is paused. */
const UNANSWERED_MAX = 1000

/** A range of a file as it lies in an answer; `release` once the connection has taken it over. */
export interface FileRange {
  readonly file: File
  readonly position: number
  readonly length: number
  release(): void
}

/** The place of one answer in its connection's order. */
interface Answer {
  /** Undefined: not known yet. Null: nothing is to be sent. */
  chunks: readonly Chunk[] | null | undefined
}

/** A frame whose turn has not come: the request before it is to be finished first. */
interface Waiting {
  readonly slab: Slab
  readonly start: number
  readonly end: number
}

/** One client's connection: frames in, answers out in the order of the requests. */
export class Session implements Receiver {
  readonly connection: Connection
  readonly broker: Broker
  /** Name and version that the client gave in ApiVersions: for the operator, and for what is known of a client's ways (decision 0005). */
  client = ''
  open = true
  /** Of its requests, so many bytes are held until other threads are done with them. */
  heldBytes = 0
  readonly #handlers: HandlerTable
  readonly #frames: Frames
  readonly #answers: Answer[] = []
  readonly #waiting: Waiting[] = []
  readonly #closeListeners = new Set<() => void>()
  readonly #requestListeners: (() => void)[] = []
  /** Unanswered requests that let only others of their kind start. */
  #unansweredAlike = 0
  /** A request that lets no other start is under way. */
  #busy = false
  /** The request that comes next has waited for what it needs. */
  #hasWaited = false
  #paused = false
  /** Given to the connection from memory since it last told what the system had not taken. */
  #givenBytes = 0
  #nextTurn: Timer | null = null
  #idleSince: number

  constructor(broker: Broker, handlers: HandlerTable, connection: Connection) {
    this.broker = broker
    this.connection = connection
    this.#handlers = handlers
    this.#idleSince = broker.env.clock.monotonic()
    this.#frames = new Frames(broker.config.socketRequestMaxBytes, (slab, start, end) => this.#frame(slab, start, end))
  }

  /** Since when, on the monotonic clock, nothing was received; Infinity while a request is unanswered. */
  get idleSince(): number {
    return this.#answers.length > 0 ? Infinity : this.#idleSince
  }

  space(): Uint8Array {
    return this.#frames.space()
  }

  received(length: number): void {
    this.#idleSince = this.broker.env.clock.monotonic()
    if (!this.#frames.received(length)) this.fail(`a frame's length is negative or above socket.request.max.bytes`)
    else this.#throttle()
  }

  drained(): void {
    this.#givenBytes = 0
    this.#next()
  }

  closed(_reason: CloseReason): void {
    this.open = false
    this.#nextTurn?.cancel()
    this.#frames.close()
    for (const waiting of this.#waiting.splice(0)) waiting.slab.letGo()
    for (const answer of this.#answers.splice(0)) releaseFiles(answer.chunks)
    this.#requestListeners.length = 0
    for (const listener of this.#closeListeners) listener()
    this.#closeListeners.clear()
    this.broker.sessions.delete(this)
    this.broker.fetchSessions.closeOf(this)
  }

  /** Calls `listener` once when the connection is gone; the function given back takes it off again. */
  onClose(listener: () => void): () => void {
    this.#closeListeners.add(listener)
    return () => this.#closeListeners.delete(listener)
  }

  /** Calls `listener` once when the next request starts: for an answer that was held back until there is something to say. */
  onNextRequest(listener: () => void): void {
    this.#requestListeners.push(listener)
  }

  /** Closes the connection at once, with one line for the operator. */
  fail(why: string): void {
    if (!this.open) return
    const { host, port } = this.connection.remote
    this.broker.env.log.warn(`closing the connection of ${host}:${port}${this.client === '' ? '' : ` (${this.client})`}: ${why}`)
    this.connection.abort()
  }

  #frame(slab: Slab, start: number, end: number): void {
    if (!this.#busy && this.#waiting.length === 0 && !this.#full && this.#start(slab, start, end)) return
    this.#wait(slab, start, end)
  }

  /** Small frames share a slab, lest a read of many becomes many slabs. */
  #wait(slab: Slab, start: number, end: number): void {
    const sizeBytes = end - start
    const last = this.#waiting.at(-1)
    const shared = last !== undefined && last.end + sizeBytes <= last.slab.bytes.length
    if (shared) last.slab.hold()
    const own = shared ? last.slab : takeSlab(sizeBytes)
    const at = shared ? last.end : 0
    slab.bytes.copy(own.bytes, at, start, end)
    this.#waiting.push({ slab: own, start: at, end: at + sizeBytes })
  }

  get #full(): boolean {
    return this.#givenBytes > UNSENT_BYTES_MAX || this.#isBurdened
  }

  get #isBurdened(): boolean {
    return this.connection.unsentBytes > UNSENT_BYTES_MAX || this.#answers.length > UNANSWERED_MAX || this.heldBytes > HELD_BYTES_MAX
  }

  /** Starts the requests that waited, as far as each lets the next one start. */
  #next(): void {
    while (!this.#busy && this.#waiting.length > 0 && !this.#full) {
      // out of the queue first: an answer that is known at once comes back here
      const waiting = this.#waiting.shift()!
      if (!this.#start(waiting.slab, waiting.start, waiting.end)) {
        this.#waiting.unshift(waiting)
        return
      }
      waiting.slab.letGo()
    }
    this.#throttle()
  }

  /** False where the request can't start yet: its handler is still being loaded, or what comes before it must be answered first. */
  #start(slab: Slab, start: number, end: number): boolean {
    if (!this.open) return true
    if (this.#requestListeners.length > 0) for (const listener of this.#requestListeners.splice(0)) listener()
    try {
      const reader = new Reader(slab.bytes.subarray(start, end))
      const header = readRequestHeader(reader)
      const handler = this.#handlers.find(header.apiKey, header.apiVersion)
      if (handler === undefined) this.#unserved(header)
      else if (handler instanceof Promise) {
        this.#busy = true
        handler.then(
          () => this.#resume(),
          (error: unknown) => this.#refuse(error, header),
        )
        return false
      } else if (this.#unansweredAlike > 0 && handler.pipelined !== 'alike') return false
      else return this.#handle(handler, header, reader, slab)
    } catch (error) {
      this.#refuse(error)
    }
    return true
  }

  /** False where it can't be handled yet. */
  #handle(handler: Handler, header: RequestHeader, reader: Reader, slab: Slab): boolean {
    const request = handler.api.request.decode(reader, header.apiVersion)
    const ready = handler.ready === null || this.#hasWaited ? null : handler.ready(request, this.broker)
    this.#hasWaited = ready !== null
    if (ready !== null) {
      this.#busy = true
      ready.then(
        () => this.#resume(),
        (error: unknown) => this.#refuse(error, header),
      )
      return false
    }
    const context: RequestContext = { broker: this.broker, session: this, version: header.apiVersion, clientId: header.clientId, slab }
    const response = handler.handle(request, context)
    if (!(response instanceof Promise || response instanceof Later)) {
      const chunks = response === null ? null : encodeResponse(handler.api, header, response)
      if (this.#answers.length === 0) this.#send(chunks)
      else this.#answers.push({ chunks })
      return true
    }
    const answer: Answer = { chunks: undefined }
    this.#answers.push(answer)
    if (handler.pipelined === 'no') this.#busy = true
    if (handler.pipelined === 'alike') this.#unansweredAlike++
    const refused = (error: unknown): void => this.#refuse(error, header)
    const answered = (body: Response<Fields>): void => {
      // who calls is a log in the middle of its acks: nothing of ours may stop it
      try {
        this.#answered(handler, header, answer, body)
      } catch (error) {
        refused(error)
      }
    }
    if (response instanceof Promise) response.then(answered, refused)
    else response.whenSettled(answered, refused)
    return true
  }

  #answered(handler: Handler, header: RequestHeader, answer: Answer, body: Response<Fields>): void {
    if (handler.pipelined === 'alike') this.#unansweredAlike--
    answer.chunks = body === null ? null : encodeResponse(handler.api, header, body)
    if (this.open) this.#sendReady()
    else releaseFiles(answer.chunks)
    if (handler.pipelined === 'no') this.#resume()
  }

  #resume(): void {
    this.#busy = false
    if (this.open) this.#next()
  }

  /** KIP-511: a version of ApiVersions that isn't known is answered in version 0, with the versions that are. Its body is not read. */
  #unserved(header: RequestHeader): void {
    if (header.apiKey !== ApiVersions.key) {
      this.fail(`API key ${header.apiKey} version ${header.apiVersion} is not served here; ApiVersions says what is`)
      return
    }
    const body = { errorCode: ErrorCode.UNSUPPORTED_VERSION, apiKeys: [...this.#handlers.served], throttleTimeMs: 0 }
    const chunks = encodeResponse(ApiVersions, { ...header, apiVersion: 0 }, body)
    if (this.#answers.length === 0) this.#send(chunks)
    else this.#answers.push({ chunks })
  }

  #refuse(error: unknown, header?: RequestHeader): void {
    if (error instanceof DecodeError || error instanceof RangeError) this.fail(`a malformed request: ${error.message}`)
    else if (error instanceof KafkaError) this.fail(error.message)
    else {
      this.broker.env.log.error('a request failed in a way that nobody foresaw', { apiKey: header?.apiKey, error })
      this.fail('an internal error')
    }
  }

  #sendReady(): void {
    const answers = this.#answers
    let sent = 0
    while (sent < answers.length && answers[sent]!.chunks !== undefined) this.#send(answers[sent++]!.chunks!)
    if (sent === answers.length) answers.length = 0
    else answers.splice(0, sent)
    if (this.#paused || this.#waiting.length > 0) this.#next()
  }

  #send(chunks: readonly Chunk[] | null): void {
    if (chunks === null) return
    for (const chunk of chunks) {
      if (Buffer.isBuffer(chunk)) {
        this.#givenBytes += chunk.length
        this.connection.write(chunk)
        continue
      }
      const range = chunk as FileRange
      this.connection.sendFile(range.file, range.position, range.length)
      range.release()
    }
    if (this.#givenBytes > UNSENT_BYTES_MAX) this.#goOnNextTurn()
  }

  /** Only the next turn shows how much of this one's answers the system took. */
  #goOnNextTurn(): void {
    this.#nextTurn ??= this.broker.env.clock.after(0, () => {
      this.#nextTurn = null
      this.#givenBytes = 0
      this.#next()
    })
  }

  #throttle(): void {
    const full = this.#isBurdened || this.#waiting.length > 0
    if (full === this.#paused || !this.open) return
    this.#paused = full
    if (full) this.connection.pause()
    else this.connection.resume()
  }
}

function encodeResponse<Q extends Fields, P extends Fields>(api: Api<Q, P>, header: RequestHeader, body: Encodable<P>): Chunk[] {
  const writer = new Writer()
  writer.int32(0)
  writeResponseHeader(writer, api.key, header.apiVersion, header.correlationId)
  api.response.encode(writer, header.apiVersion, body)
  writer.patchInt32(writer.length - 4)
  return writer.done()
}

/** An answer that will not be sent gives its files back. */
function releaseFiles(chunks: readonly Chunk[] | null | undefined): void {
  for (const chunk of chunks ?? []) if (!Buffer.isBuffer(chunk)) (chunk as FileRange).release()
}
