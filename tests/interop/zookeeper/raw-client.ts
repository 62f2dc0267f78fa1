/** A client of bare bytes: it knows ZooKeeper's encoding by itself, so that no error of ours answers another. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** Longer than a session of the probe's; a server that says nothing for so long has none. */
const SILENCE_MS = 15_000
const PING = { xid: -2, opcode: 11 }
const NOBODY = Buffer.alloc(16)

/** Bytes in ZooKeeper's encoding, field after field. */
export class Body {
  readonly #parts: Buffer[] = []

  int(value: number): this {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32BE(value)
    return this.raw(bytes)
  }

  long(value: number | bigint): this {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64BE(BigInt(value))
    return this.raw(bytes)
  }

  bool(value: boolean): this {
    return this.raw(Buffer.from([value ? 1 : 0]))
  }

  /** A string, or a buffer. */
  text(value: string | Buffer | null): this {
    if (value === null) return this.int(-1)
    const bytes = Buffer.from(value as string)
    return this.int(bytes.length).raw(bytes)
  }

  texts(values: readonly string[]): this {
    this.int(values.length)
    for (const value of values) this.text(value)
    return this
  }

  /** `31 world anyone`, and so on; null: a null list. */
  acl(entries: readonly string[] | null): this {
    if (entries === null) return this.int(-1)
    this.int(entries.length)
    for (const entry of entries) {
      const [permissions, scheme, ...id] = entry.split(' ')
      this.int(Number(permissions)).text(scheme!).text(id.join(' '))
    }
    return this
  }

  raw(bytes: Buffer): this {
    this.#parts.push(bytes)
    return this
  }

  done(): Buffer {
    return Buffer.concat(this.#parts)
  }
}

/** Reads the same. */
export class Fields {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  int(): number {
    this.#at += 4
    return this.#bytes.readInt32BE(this.#at - 4)
  }

  long(): bigint {
    this.#at += 8
    return this.#bytes.readBigInt64BE(this.#at - 8)
  }

  bool(): boolean {
    this.#at++
    return this.#bytes[this.#at - 1] !== 0
  }

  buffer(): Buffer | null {
    const length = this.int()
    if (length < 0) return null
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  text(): string | null {
    return this.buffer()?.toString() ?? null
  }

  list<T>(item: () => T): T[] | null {
    const count = this.int()
    return count < 0 ? null : Array.from({ length: count }, item)
  }
}

export interface Hello {
  readonly timeoutMs?: number
  readonly lastZxidSeen?: bigint
  readonly sessionId?: bigint
  readonly password?: Buffer | null
  /** Null: as old clients say it, without the byte. */
  readonly readOnly?: boolean | null
}

export interface Welcome {
  readonly timeoutMs: number
  readonly sessionId: bigint
  readonly password: Buffer
  /** How long the answer is: old clients get a byte less. */
  readonly sizeBytes: number
}

/** What came until the ping that followed a request was answered: frames without their length, and whether the server hung up. */
export interface Heard {
  readonly frames: readonly Buffer[]
  readonly isClosed: boolean
}

export class RawClient {
  welcome: Welcome | null = null
  readonly #socket: Socket
  #bytes = Buffer.alloc(0)
  #isClosed = false
  #wake: () => void = () => {}

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (bytes: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, bytes])
      this.#wake()
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#isClosed = true
      this.#wake()
    })
  }

  static async open(port: number): Promise<RawClient> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true })
    const client = new RawClient(socket)
    await once(socket, 'connect')
    return client
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Null where the server hangs up without a word. */
  async greet(hello: Hello = {}): Promise<Welcome | null> {
    const { timeoutMs = 10_000, lastZxidSeen = 0n, sessionId = 0n, password = NOBODY, readOnly = false } = hello
    const body = new Body().int(0).long(lastZxidSeen).int(timeoutMs).long(sessionId).text(password)
    if (readOnly !== null) body.bool(readOnly)
    this.send(body.done())
    const frame = await this.frame()
    if (frame === null) return null
    const fields = new Fields(frame)
    fields.int()
    this.welcome = { timeoutMs: fields.int(), sessionId: fields.long(), password: fields.buffer()!, sizeBytes: frame.length }
    return this.welcome
  }

  /** One frame. */
  send(body: Buffer): void {
    this.sendBytes(new Body().int(body.length).raw(body).done())
  }

  sendBytes(bytes: Buffer): void {
    this.#socket.write(bytes)
  }

  request(xid: number, opcode: number, body: Buffer): void {
    this.send(new Body().int(xid).int(opcode).raw(body).done())
  }

  /** All that comes before the answer to a ping that is sent now. */
  async untilPing(): Promise<Heard> {
    this.request(PING.xid, PING.opcode, Buffer.alloc(0))
    const frames: Buffer[] = []
    for (;;) {
      const frame = await this.frame()
      if (frame === null) return { frames, isClosed: true }
      if (frame.readInt32BE(0) === PING.xid) return { frames, isClosed: false }
      frames.push(frame)
    }
  }

  /** Null once the server has hung up. */
  async frame(): Promise<Buffer | null> {
    const isWhole = (): boolean => this.#bytes.length >= 4 && this.#bytes.length >= 4 + this.#bytes.readInt32BE(0)
    await this.#until(() => isWhole() || this.#isClosed)
    if (!isWhole()) return null
    const end = 4 + this.#bytes.readInt32BE(0)
    const frame = this.#bytes.subarray(4, end)
    this.#bytes = this.#bytes.subarray(end)
    return frame
  }

  /** Everything until the server hangs up, as text. */
  async toTheEnd(): Promise<string> {
    await this.#until(() => this.#isClosed)
    return this.#bytes.toString()
  }

  /** The connection ends, the session goes on. */
  hangUp(): void {
    this.#socket.destroy()
  }

  async #until(condition: () => boolean): Promise<void> {
    const giveUpAt = Date.now() + SILENCE_MS
    const timer = setInterval(() => this.#wake(), 1000)
    try {
      while (!condition()) {
        if (Date.now() > giveUpAt) throw new Error('the server neither answers nor hangs up')
        await new Promise<void>((resolve) => (this.#wake = resolve))
      }
    } finally {
      clearInterval(timer)
    }
  }
}
