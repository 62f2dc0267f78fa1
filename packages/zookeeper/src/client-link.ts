import type { Address, Clock, CloseReason, Connection, Net, Receiver, Timer } from '@ottla/env'
import { DecodeError, Frames, Reader, Writer } from '@ottla/wire'
import { errorName, ZooKeeperError } from './errors.ts'
import { readConnectResponse, writeConnectRequest, type ConnectRequest, type ConnectResponse } from './handshake.ts'
import { readNotification } from './notification.ts'
import { XIDS } from './opcodes.ts'
import type { WatchEvent } from './operations.ts'
import { readReply } from './reply-codec.ts'
import { opcodeOf, writeRequest } from './request-codec.ts'
import type { ClientRequest, Reply } from './requests.ts'

export interface LinkListener {
  /** The server's answer to the handshake, whatever it says. */
  shaken(response: ConnectResponse): void
  watchFired(event: WatchEvent): void
  /** Once; nothing comes after it. */
  lost(why: string): void
}

export type Settle = (reply: Reply | null, error: ZooKeeperError | null) => void

interface Asked {
  readonly xid: number
  readonly request: ClientRequest
  readonly settle: Settle
}

/** Of the session's timeout: when an idle client says something, and when it takes a silent server for lost (protocol.md 3). */
const PING_PART = 1 / 3
const SILENCE_PART = 2 / 3
/** Of the time between two pings: how often it is looked whether one is due. */
const CHECK_PART = 1 / 4
const XID_MAX = 2 ** 31 - 1

export interface LinkEnv {
  readonly net: Net
  readonly clock: Clock
}

export interface LinkLimits {
  /** For the connection and the handshake together. */
  readonly connectTimeoutMs: number
  readonly replyBytesMax: number
}

/**
 * One connection to one server: a handshake, then requests and their replies in order. It lives until it is lost or closed; what was
 * asked and not answered is settled with ConnectionLoss then.
 */
export class ClientLink implements Receiver {
  readonly server: Address
  /** The highest that the server told of. */
  lastZxid: number
  readonly #clock: Clock
  readonly #listener: LinkListener
  readonly #frames: Frames
  readonly #asked: Asked[] = []
  /** These are answered at once, before what was asked earlier. */
  readonly #authenticating: Asked[] = []
  #connection: Connection | null = null
  #isShaken = false
  #isLost = false
  #xid = 0
  #timeoutMs: number
  #sentMs: number
  #heardMs: number
  #timer: Timer | null = null

  /** Connects at once, and shakes hands. A server that is not there is a link that is lost. */
  constructor(env: LinkEnv, server: Address, limits: LinkLimits, handshake: ConnectRequest, listener: LinkListener) {
    this.#clock = env.clock
    this.server = server
    this.lastZxid = handshake.lastZxidSeen
    this.#listener = listener
    this.#timeoutMs = limits.connectTimeoutMs
    this.#sentMs = this.#heardMs = env.clock.monotonic()
    this.#frames = new Frames(limits.replyBytesMax, (slab, start, end) => this.#frame(new Reader(slab.bytes.subarray(start, end))))
    void this.#connect(env.net, handshake)
    this.#watchSilence()
  }

  /** `settle` is called once, in the order of the requests. */
  ask(request: ClientRequest, settle: Settle): void {
    if (this.#isLost) {
      settle(null, connectionLoss(request))
      return
    }
    if (request.type === 'auth') this.#authenticating.push({ xid: XIDS.auth, request, settle })
    else this.#asked.push({ xid: this.#nextXid(), request, settle })
    this.#send(request.type === 'auth' ? XIDS.auth : this.#xid, request)
  }

  /** Sends what was asked, and ends. */
  close(): void {
    this.#connection?.close()
    this.#lose('closed here')
  }

  space(): Uint8Array {
    return this.#frames.space()
  }

  received(length: number): void {
    this.#heardMs = this.#clock.monotonic()
    if (!this.#frames.received(length)) this.#fail('it sent a reply that is longer than the limit')
  }

  drained(): void {}

  closed(reason: CloseReason): void {
    this.#frames.close()
    this.#lose(reason === 'peer' ? 'the server closed the connection' : `the connection is gone: ${reason}`)
  }

  async #connect(net: Net, handshake: ConnectRequest): Promise<void> {
    try {
      const connection = await net.connect(this.server, () => this)
      this.#connection = connection
      if (this.#isLost) {
        connection.abort()
        return
      }
      const writer = new Writer()
      writer.int32(0)
      writeConnectRequest(writer, handshake)
      this.#sendFrame(writer)
    } catch (error) {
      this.#lose((error as Error).message)
    }
  }

  #frame(reader: Reader): void {
    if (this.#isLost) return
    try {
      if (this.#isShaken) this.#reply(reader)
      else this.#shaken(readConnectResponse(reader))
    } catch (error) {
      if (!(error instanceof DecodeError || error instanceof RangeError)) throw error
      this.#fail(`it sent what is no reply: ${error.message}`)
    }
  }

  #shaken(response: ConnectResponse): void {
    this.#isShaken = true
    if (response.timeoutMs > 0) this.#timeoutMs = response.timeoutMs
    this.#listener.shaken(response)
  }

  #reply(reader: Reader): void {
    const xid = reader.int32()
    const zxid = reader.int64()
    const error = reader.int32()
    if (zxid > this.lastZxid) this.lastZxid = zxid
    if (xid === XIDS.ping) return
    if (xid === XIDS.notification) {
      this.#listener.watchFired(readNotification(reader))
      return
    }
    const asked = xid === XIDS.auth ? this.#authenticating.shift() : this.#asked.shift()
    if (asked?.xid !== xid) throw new DecodeError(`an answer to ${xid}, where ${asked?.xid ?? 'none'} is due`)
    if (error === 0) asked.settle(readReply(reader, asked.request), null)
    else asked.settle(null, new ZooKeeperError(errorName(error), 'path' in asked.request ? asked.request.path : null))
  }

  /** Says something in time, and takes a server for lost that does not. */
  #watchSilence(): void {
    this.#timer = this.#clock.after(this.#timeoutMs * PING_PART * CHECK_PART, () => {
      const nowMs = this.#clock.monotonic()
      if (nowMs - this.#heardMs > this.#timeoutMs * SILENCE_PART) {
        this.#fail(`nothing was heard of the server for ${Math.round(nowMs - this.#heardMs)} ms`)
        return
      }
      if (this.#isShaken && nowMs - this.#sentMs >= this.#timeoutMs * PING_PART) this.#send(XIDS.ping, { type: 'ping' })
      this.#watchSilence()
    })
  }

  #send(xid: number, request: ClientRequest): void {
    const writer = new Writer()
    writer.int32(0)
    writer.int32(xid)
    writer.int32(opcodeOf(request))
    writeRequest(writer, request)
    this.#sendFrame(writer)
  }

  #sendFrame(writer: Writer): void {
    this.#sentMs = this.#clock.monotonic()
    writer.patchInt32(writer.length - 4)
    for (const chunk of writer.done()) this.#connection?.write(chunk as Buffer)
  }

  #nextXid(): number {
    this.#xid = this.#xid === XID_MAX ? 1 : this.#xid + 1
    return this.#xid
  }

  #fail(why: string): void {
    this.#connection?.abort()
    this.#lose(why)
  }

  #lose(why: string): void {
    if (this.#isLost) return
    this.#isLost = true
    this.#timer?.cancel()
    const unsettled = [...this.#authenticating.splice(0), ...this.#asked.splice(0)]
    for (const { request, settle } of unsettled) settle(null, connectionLoss(request))
    this.#listener.lost(why)
  }
}

function connectionLoss(request: ClientRequest): ZooKeeperError {
  return new ZooKeeperError('ConnectionLoss', 'path' in request ? request.path : null)
}
