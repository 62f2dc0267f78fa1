import assert from 'node:assert/strict'
import type { Address, CloseReason, Connection, Env, Receiver } from '@ottla/env'
import { readResponseHeader, writeRequestHeader, type Api } from '@ottla/protocol'
import { Frames, Reader, Writer, type Decoded, type Encodable, type Fields, type Slab } from '@ottla/wire'

interface Pending {
  readonly correlationId: number
  readonly decode: (reader: Reader, correlationId: number) => void
  readonly reject: (error: Error) => void
}

/** How a request is written, where it isn't the usual way. */
export interface RequestOptions {
  readonly clientId?: string | null
  readonly correlationId?: number
  /** Of the answer, where it isn't the request's (KIP-511). */
  readonly responseVersion?: number
  /** In place of the encoded body. */
  readonly rawBody?: Uint8Array
  /** Only waits for the answer: the caller sends the bytes. */
  readonly unsent?: boolean
}

/** A connection that speaks declared messages in any version, and raw bytes. It holds the broker to the order of its answers. */
export class RawClient implements Receiver {
  readonly connection: Connection
  /** Resolves when the connection is gone. */
  readonly closedBy: Promise<CloseReason>
  readonly #frames: Frames
  readonly #pending: Pending[] = []
  #correlationId = 0
  #reason: CloseReason | null = null
  #closed!: (reason: CloseReason) => void

  static async connect(env: Env, address: Address): Promise<RawClient> {
    let client!: RawClient
    await env.net.connect(address, (connection) => (client = new RawClient(connection)))
    return client
  }

  private constructor(connection: Connection) {
    this.connection = connection
    this.#frames = new Frames(1 << 30, (slab, start, end) => this.#frame(slab, start, end))
    this.closedBy = new Promise((resolve) => (this.#closed = resolve))
  }

  get isOpen(): boolean {
    return this.#reason === null
  }

  /** Sends it behind what is under way; resolves with the answer, rejects where the connection ends first. */
  request<Q extends Fields, P extends Fields>(
    api: Api<Q, P>,
    version: number,
    body: Encodable<Q>,
    options: RequestOptions = {},
  ): Promise<Decoded<P>> {
    return new Promise((resolve, reject) => {
      if (this.#reason !== null) throw new Error(`the connection is closed (${this.#reason})`)
      const correlationId = options.correlationId ?? ++this.#correlationId
      const answered = options.responseVersion ?? version
      const decode = (reader: Reader, received: number): void => {
        assert.equal(received, correlationId, 'answers come in the order of the requests')
        const response = api.response.decode(reader, answered)
        assert.equal(reader.left, 0, `${api.name} version ${answered}: bytes are left over`)
        resolve(response)
      }
      this.#pending.push({ correlationId, decode: (reader) => decode(reader, readResponseHeader(reader, api.key, answered)), reject })
      if (!options.unsent) this.send(encodeRequest(api, version, body, { ...options, correlationId }))
    })
  }

  /** Sends a request that has no answer. */
  tell<Q extends Fields>(api: Api<Q>, version: number, body: Encodable<Q>): void {
    this.send(encodeRequest(api, version, body, { correlationId: ++this.#correlationId }))
  }

  /** Bytes as they are. */
  send(bytes: Uint8Array): void {
    this.connection.write(bytes)
  }

  close(): void {
    this.connection.close()
  }

  space(): Uint8Array {
    return this.#frames.space()
  }

  received(length: number): void {
    assert(this.#frames.received(length), 'the broker sent a frame of an impossible length')
  }

  drained(): void {}

  closed(reason: CloseReason): void {
    this.#reason = reason
    this.#frames.close()
    for (const { reject } of this.#pending.splice(0)) reject(new Error(`the connection ended (${reason}) before the answer came`))
    this.#closed(reason)
  }

  #frame(slab: Slab, start: number, end: number): void {
    const pending = this.#pending.shift()
    assert(pending !== undefined, 'an answer that nobody asked for')
    const frame = Buffer.from(slab.bytes.subarray(start, end))
    try {
      pending.decode(new Reader(frame), pending.correlationId)
    } catch (error) {
      pending.reject(error as Error)
    }
  }
}

/** The frame, its length included. */
export function encodeRequest<Q extends Fields>(api: Api<Q>, version: number, body: Encodable<Q>, options: RequestOptions = {}): Buffer {
  const writer = new Writer()
  writer.int32(0)
  const clientId = options.clientId === undefined ? 'test' : options.clientId
  writeRequestHeader(writer, { apiKey: api.key, apiVersion: version, correlationId: options.correlationId ?? 0, clientId })
  if (options.rawBody === undefined) api.request.encode(writer, version, body)
  else writer.bytes(options.rawBody)
  writer.patchInt32(writer.length - 4)
  return writer.toBuffer()
}
