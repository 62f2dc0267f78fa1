import assert from 'node:assert/strict'
import type { CloseReason, Connection, Receiver } from '../env.ts'

/** One end of a connection: keeps what comes, and lets a test wait for it. */
export class End implements Receiver {
  readonly connection: Connection
  received: (length: number) => void
  /** How many bytes came. */
  length = 0
  drainedCount = 0
  reason: CloseReason | null = null
  /** What each callback does besides. */
  onBytes: (bytes: Buffer) => void = () => {}
  onDrained: () => void = () => {}
  /** True while the test is inside a call to the connection: no callback may come then. */
  calling = false
  readonly #space: Buffer
  #chunks: Buffer[] = []
  #waiting: { condition: () => boolean; resolve: () => void }[] = []

  constructor(connection: Connection, spaceBytes = 1000) {
    this.connection = connection
    this.#space = Buffer.alloc(spaceBytes)
    this.received = (length) => this.#received(length)
  }

  space(): Uint8Array {
    assert.equal(this.calling, false)
    return this.#space
  }

  drained(): void {
    this.#check()
    this.drainedCount++
    assert.equal(this.connection.unsentBytes, 0)
    this.onDrained()
    this.#wake()
  }

  closed(reason: CloseReason): void {
    this.#check()
    this.reason = reason
    this.#wake()
  }

  /** Calls the connection; whatever it calls back comes later. */
  call(work: (connection: Connection) => void): void {
    this.calling = true
    work(this.connection)
    this.calling = false
  }

  send(text: string): void {
    this.call((connection) => connection.write(Buffer.from(text, 'latin1')))
  }

  get bytes(): Buffer {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)]
    return this.#chunks[0] ?? Buffer.alloc(0)
  }

  get text(): string {
    return this.bytes.toString('latin1')
  }

  until(condition: () => boolean): Promise<void> {
    if (condition()) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push({ condition, resolve }))
  }

  untilText(text: string): Promise<void> {
    return this.until(() => this.text.endsWith(text))
  }

  untilClosed(): Promise<void> {
    return this.until(() => this.reason !== null)
  }

  #received(length: number): void {
    this.#check()
    assert(length > 0 && length <= this.#space.length)
    const bytes = Buffer.from(this.#space.subarray(0, length))
    // others may use the buffer from now on
    this.#space.fill(0xff)
    this.#chunks.push(bytes)
    this.length += length
    this.onBytes(bytes)
    this.#wake()
  }

  #check(): void {
    assert.equal(this.calling, false, 'called from inside a call')
    assert.equal(this.reason, null, 'called after closed')
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = waiting.filter((one) => !one.condition())
    for (const one of waiting) if (one.condition()) one.resolve()
  }
}
