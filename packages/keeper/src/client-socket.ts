import type { Address, CloseReason, Connection as NetConnection, Receiver } from '@ottla/env'
import { DecodeError, Frames, Reader, Writer } from '@ottla/wire'
import {
  BadArgumentError,
  errorNumber,
  OPCODES,
  PASSWORD_BYTES,
  readConnectRequest,
  readRequest,
  writeConnectResponse,
  writeNotification,
  writeReply,
  XIDS,
  type ClientRequest,
  type ConnectRequest,
  type ErrorName,
  type Identity,
  type Reply,
} from '@ottla/zookeeper'
import { authenticate } from './authenticate.ts'
import type { PortContext } from './client-port.ts'
import type { Connection, ConnectionOwner } from './connection.ts'
import { answerWord } from './four-letter-words.ts'
import { failure } from './reads.ts'
import type { Result } from './requests.ts'
import type { TreeEvent } from './tree.ts'
import { Traffic } from './traffic.ts'

/** Above this much unsent, or so many requests unanswered, a client is not read from. */
const UNSENT_BYTES_MAX = 1 << 20
const UNANSWERED_MAX = 1000
/** Or so many bytes of them: on a full disk writes wait until there is room, and a thousand of the largest would be a gigabyte. */
const UNANSWERED_BYTES_MAX = 4 << 20
/** A client that reads nothing, while its watches fire, is closed. */
const UNREAD_BYTES_MAX = 16 << 20
/** An answer that tells nothing of the tree. */
const NO_ZXID = -1
/** What `cons` calls them. */
const SHORT: Readonly<Record<string, string>> = {
  ping: 'PING',
  create: 'CREA',
  delete: 'DELE',
  exists: 'EXIS',
  getData: 'GETD',
  setData: 'SETD',
  getAcl: 'GETA',
  setAcl: 'SETA',
  getChildren: 'GETC',
  sync: 'SYNC',
  multi: 'MULT',
  multiRead: 'MLTR',
  addWatch: 'ADDW',
  checkWatches: 'CHKW',
  removeWatches: 'REMW',
  setWatches: 'SETW',
  getEphemerals: 'GETE',
  getAllChildrenNumber: 'GETACN',
  whoAmI: 'HOMI',
}
const PASSWORD_OF_NOBODY = Buffer.alloc(PASSWORD_BYTES)

export interface ClientSocketListener {
  /** The connection has a session now. */
  opened(sessionId: bigint): void
  /** Called once; 0n where it never had one. */
  closed(sessionId: bigint): void
}

/** One client's connection: the handshake, then requests in and answers out, in their order. */
export class ClientSocket implements Receiver, ConnectionOwner {
  readonly remote: Address
  readonly traffic = new Traffic()
  /** Of its latest answer, for people to see. */
  readonly last = { operation: 'SESS', xid: 0, zxid: 0, answeredMs: 0, latencyMs: 0, establishedMs: 0 }
  readonly #context: PortContext
  readonly #connection: NetConnection
  readonly #listener: ClientSocketListener
  readonly #frames: Frames
  #identities: readonly Identity[]
  #session: Connection | null = null
  #timeoutMs = 0
  #state: 'new' | 'opening' | 'open' | 'closed' = 'new'
  /** What came in one piece with the handshake, and waits for it. */
  #early: Buffer[] = []
  /** The sizes of the requests that wait for their answers, which come in the same order. */
  readonly #unanswered: number[] = []
  #unansweredBytes = 0
  /** Of the request in hand. */
  #requestBytes = 0
  #isPaused = false

  constructor(context: PortContext, connection: NetConnection, listener: ClientSocketListener) {
    this.#context = context
    this.last.establishedMs = context.clock.now()
    this.#connection = connection
    this.#listener = listener
    this.remote = connection.remote
    this.#identities = [{ scheme: 'ip', id: connection.remote.host }]
    this.#frames = new Frames(context.requestBytesMax, (slab, start, end) => this.#frame(slab.bytes.subarray(start, end)))
  }

  /** 0n before the handshake. */
  get sessionId(): bigint {
    return this.#session?.sessionId ?? 0n
  }

  /** Its line to the server, once it has a session. */
  get session(): Connection | null {
    return this.#session
  }

  get timeoutMs(): number {
    return this.#timeoutMs
  }

  get unansweredCount(): number {
    return this.#unanswered.length
  }

  /** Sends what was answered, and closes. The session goes on. */
  close(): void {
    if (this.#state === 'closed') return
    this.#connection.close()
    this.#ended()
  }

  space(): Uint8Array {
    return this.#frames.space()
  }

  received(length: number): void {
    if (this.#state === 'closed') return
    if (this.#frames.received(length)) this.#throttle()
    else if (this.#state === 'new') this.#word()
    else this.#fail(`a request of more than ${this.#context.requestBytesMax} bytes, or less than none; jute.maxbuffer is the limit`)
  }

  drained(): void {
    this.#throttle()
  }

  closed(_reason: CloseReason): void {
    this.#frames.close()
    if (this.#state !== 'closed') this.#ended()
  }

  watchFired(event: TreeEvent, zxid: number): void {
    this.#send(XIDS.notification, zxid, 0, (writer) => writeNotification(writer, event))
    if (this.#connection.unsentBytes > UNREAD_BYTES_MAX) this.#fail('it does not read what its watches tell')
  }

  sessionEnded(): void {
    this.close()
  }

  serverFailed(): void {
    this.close()
  }

  /** The first bytes are the length of no frame: a four-letter word, or nothing that is known here. */
  #word(): void {
    const word = this.#frames.unfinished.subarray(0, 4).toString('latin1')
    const answer = answerWord(word, this.#context)
    if (answer === null) {
      this.#fail('its first bytes are neither a handshake nor a four-letter word')
      return
    }
    this.#connection.write(Buffer.from(answer))
    this.close()
  }

  #frame(bytes: Buffer): void {
    if (this.#state === 'closed') return
    try {
      if (this.#state === 'open') this.#request(new Reader(bytes), bytes.length)
      else if (this.#state === 'opening') this.#early.push(Buffer.from(bytes))
      else this.#handshake(readConnectRequest(new Reader(bytes)))
    } catch (error) {
      if (!(error instanceof DecodeError || error instanceof RangeError)) throw error
      this.#fail(`a malformed ${this.#state === 'open' ? 'request' : 'handshake'}: ${error.message}`)
    }
  }

  #handshake(request: ConnectRequest): void {
    const { server, sessions } = this.#context
    if (request.lastZxidSeen > server.tree.lastZxid) {
      // The client has seen more than this server has: it shall not go back in time here.
      this.#fail(`its client has seen zxid 0x${request.lastZxidSeen.toString(16)}, which has not come here yet`)
      return
    }
    const timeoutMs = sessions.timeoutFor(request.timeoutMs)
    if (request.sessionId !== 0n) {
      const isGood = sessions.resume(request.sessionId, request.password, timeoutMs)
      this.#opened(isGood ? request.sessionId : null, timeoutMs, request.readOnly)
      return
    }
    this.#state = 'opening'
    sessions.open(timeoutMs, (sessionId) => {
      if (this.#state === 'opening') this.#opened(sessionId, timeoutMs, request.readOnly)
    })
  }

  /** `sessionId` null: the session that was asked for is over, and the client is told so. */
  #opened(sessionId: bigint | null, timeoutMs: number, readOnly: boolean | null): void {
    const { server, sessions } = this.#context
    const writer = new Writer()
    writer.int32(0)
    const isReadOnly = readOnly === null ? null : false
    if (sessionId === null) {
      writeConnectResponse(writer, { timeoutMs: 0, sessionId: 0n, password: PASSWORD_OF_NOBODY, readOnly: isReadOnly })
    } else {
      this.#timeoutMs = timeoutMs
      writeConnectResponse(writer, { timeoutMs, sessionId, password: sessions.passwordOf(sessionId), readOnly: isReadOnly })
    }
    this.#sendFrame(writer)
    if (sessionId === null) {
      this.close()
      return
    }
    this.#listener.opened(sessionId)
    this.#session = server.connect(sessionId, this, this.#identities)
    this.#state = 'open'
    for (const frame of this.#early.splice(0)) this.#frame(frame)
    this.#throttle()
  }

  #request(reader: Reader, sizeBytes: number): void {
    const { sessions, traffic, clock } = this.#context
    sessions.touch(this.sessionId)
    traffic.receivedCount++
    this.traffic.receivedCount++
    this.#requestBytes = sizeBytes
    const xid = reader.int32()
    const opcode = reader.int32()
    const receivedMs = clock.monotonic()
    let request: ClientRequest | null
    try {
      request = readRequest(reader, opcode)
    } catch (error) {
      if (!(error instanceof DecodeError || error instanceof RangeError || error instanceof BadArgumentError)) throw error
      this.#malformed(error, xid, opcode, receivedMs)
      return
    }
    if (request === null) {
      this.#inOrder(xid, receivedMs, null, failure('Unimplemented'), true)
      return
    }
    this.#serve(request, xid, receivedMs)
  }

  /** The request in hand is answered later, in its turn. */
  #expectAnswer(): void {
    this.#unanswered.push(this.#requestBytes)
    this.#unansweredBytes += this.#requestBytes
  }

  /** Answered, and the connection goes on. What ZooKeeper gives a zxid to although it can't be read has one here. */
  #malformed(error: Error, xid: number, opcode: number, receivedMs: number): void {
    if (opcode === OPCODES.sasl) return this.#fail(`a malformed SASL request: ${error.message}`)
    const code = error instanceof BadArgumentError ? 'BadArguments' : 'MarshallingError'
    if (code === 'MarshallingError' && opcode !== OPCODES.multi) return this.#inOrder(xid, receivedMs, null, failure(code))
    this.#refuse(code, xid, receivedMs)
  }

  #refuse(code: ErrorName, xid: number, receivedMs: number): void {
    this.#expectAnswer()
    this.#session!.submit({ type: 'refused', code }, (result, zxid) => this.#answered(xid, receivedMs, null, result, zxid), xid)
  }

  #serve(request: ClientRequest, xid: number, receivedMs: number): void {
    switch (request.type) {
      case 'auth':
        this.#authenticate(request, xid)
        return
      case 'sasl':
        if (request.token === null) this.#fail('a SASL request of nothing')
        else this.#send(xid, 0, 0, (writer) => writeReply(writer, request, { type: 'sasl', token: null }))
        return
      case 'reconfig':
        this.#refuse('ReconfigDisabled', xid, receivedMs)
        return
      case 'ping':
        this.#inOrder(xid, receivedMs, request, { type: 'ping' })
        return
    }
    this.#expectAnswer()
    this.#session!.submit(request, (result, zxid) => this.#answered(xid, receivedMs, request, result, zxid), xid)
  }

  /** What needs no tree, and must keep its place among the answers. With `isLast` nothing is served after it. */
  #inOrder(xid: number, receivedMs: number, request: ClientRequest | null, result: Result, isLast = false): void {
    this.#expectAnswer()
    this.#session!.inOrder(
      () => result,
      (_, zxid) => {
        this.#answered(xid, receivedMs, request, result, isLast ? NO_ZXID : zxid)
        if (isLast) this.close()
      },
    )
  }

  #authenticate({ scheme, credentials }: ClientRequest & { type: 'auth' }, xid: number): void {
    const identities = authenticate(scheme, credentials, this.remote.host, this.#context.superDigest)
    for (const identity of identities ?? []) this.#session!.addIdentity(identity)
    this.#send(xid, 0, identities === null ? errorNumber('AuthFailed') : 0)
    if (identities === null) this.close()
  }

  #answered(xid: number, receivedMs: number, request: ClientRequest | null, result: Result, zxid: number): void {
    this.#unansweredBytes -= this.#unanswered.shift()!
    if (this.#state === 'closed') return
    // What the server never answered is not answered here either: the client must not take it for a refusal.
    if (result.type === 'error' && result.number === errorNumber('ConnectionLoss')) {
      this.close()
      return
    }
    const { clock } = this.#context
    const latencyMs = clock.monotonic() - receivedMs
    this.traffic.answered(latencyMs)
    this.#context.traffic.answered(latencyMs)
    Object.assign(this.last, { operation: SHORT[request?.type ?? ''] ?? 'NA', xid, zxid, answeredMs: clock.now(), latencyMs })
    if (result.type === 'error') this.#send(xid, zxid, result.number)
    else this.#send(xid, zxid, 0, (writer) => writeReply(writer, request!, result as Reply))
    if (this.#isPaused) this.#throttle()
  }

  #send(xid: number, zxid: number, error: number, body?: (writer: Writer) => void): void {
    if (this.#state === 'closed') return
    const writer = new Writer()
    writer.int32(0)
    writer.int32(xid)
    writer.int64(zxid)
    writer.int32(error)
    body?.(writer)
    this.#sendFrame(writer)
  }

  #sendFrame(writer: Writer): void {
    this.traffic.sentCount++
    this.#context.traffic.sentCount++
    writer.patchInt32(writer.length - 4)
    for (const chunk of writer.done()) this.#connection.write(chunk as Buffer)
  }

  #throttle(): void {
    const isWaiting = this.#unanswered.length > UNANSWERED_MAX || this.#unansweredBytes > UNANSWERED_BYTES_MAX
    const isFull = this.#state === 'opening' || this.#connection.unsentBytes > UNSENT_BYTES_MAX || isWaiting
    if (isFull === this.#isPaused || this.#state === 'closed') return
    this.#isPaused = isFull
    if (isFull) this.#connection.pause()
    else this.#connection.resume()
  }

  #ended(): void {
    this.#state = 'closed'
    this.#listener.closed(this.sessionId)
    this.#session?.close()
  }

  #fail(why: string): void {
    if (this.#state === 'closed') return
    this.#context.log.warn(`closing the ZooKeeper connection of ${this.remote.host}:${this.remote.port}: ${why}`)
    this.#connection.abort()
    this.#ended()
  }
}
