import { writeInt64 } from './int64.ts'

/** Bytes that are not in memory: a range of a file, sent from where it lies. */
export interface Extent {
  readonly length: number
}
export type Chunk = Buffer | Extent

const ARENA_BYTES = 32768
const ARENA_REST_MIN = 512
/** Smaller payloads are copied: a chunk of its own costs more. */
const COPIED_BYTES_MAX = 512

/** Arenas that no writer has now. Messages are cut from one after another, so that a small answer allocates one view and no memory. */
const arenas: { bytes: Buffer; at: number }[] = []

/** Gathers a message as a list of chunks; large payloads are referenced, never copied. */
export class Writer {
  #bytes: Buffer
  #at: number
  #start: number
  #chunks: Chunk[] = []
  #flushed = 0

  constructor() {
    const arena = arenas.pop()
    this.#bytes = arena === undefined ? Buffer.allocUnsafeSlow(ARENA_BYTES) : arena.bytes
    this.#at = this.#start = arena === undefined ? 0 : arena.at
  }

  /** Bytes given so far. */
  get length(): number {
    return this.#flushed + this.#at - this.#start
  }

  #room(size: number): void {
    if (this.#at + size <= this.#bytes.length) return
    this.#flush()
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(size, ARENA_BYTES))
    this.#at = this.#start = 0
  }

  #flush(): void {
    if (this.#at === this.#start) return
    this.#chunks.push(this.#bytes.subarray(this.#start, this.#at))
    this.#flushed += this.#at - this.#start
    this.#start = this.#at
  }

  bool(value: boolean): void {
    this.int8(value ? 1 : 0)
  }

  int8(value: number): void {
    this.#room(1)
    this.#bytes[this.#at++] = value
  }

  int16(value: number): void {
    this.#room(2)
    this.#at = this.#bytes.writeInt16BE(value, this.#at)
  }

  uint16(value: number): void {
    this.#room(2)
    this.#at = this.#bytes.writeUInt16BE(value, this.#at)
  }

  int32(value: number): void {
    this.#room(4)
    this.#at = this.#bytes.writeInt32BE(value, this.#at)
  }

  uint32(value: number): void {
    this.#room(4)
    this.#at = this.#bytes.writeUInt32BE(value, this.#at)
  }

  int64(value: number): void {
    this.#room(8)
    writeInt64(this.#bytes, this.#at, value)
    this.#at += 8
  }

  bigint64(value: bigint): void {
    this.#room(8)
    this.#at = this.#bytes.writeBigInt64BE(value, this.#at)
  }

  float64(value: number): void {
    this.#room(8)
    this.#at = this.#bytes.writeDoubleBE(value, this.#at)
  }

  uvarint(value: number): void {
    this.#room(5)
    while (value > 127) {
      this.#bytes[this.#at++] = (value & 127) | 128
      value >>>= 7
    }
    this.#bytes[this.#at++] = value
  }

  /** Zig-zag, 32 bits. */
  varint(value: number): void {
    this.uvarint(((value << 1) ^ (value >> 31)) >>> 0)
  }

  uuid(value: string): void {
    this.#room(16)
    if (this.#bytes.base64urlWrite(value, this.#at) !== 16) throw new RangeError(`not a uuid of 22 characters of base64url: ${value}`)
    this.#at += 16
  }

  /** UTF-8 behind an int16 length. */
  string(value: string): void {
    const size = Buffer.byteLength(value)
    if (size > 32767) throw new RangeError(`a string of ${size} bytes; at most 32767 fit`)
    this.int16(size)
    this.#text(value, size)
  }

  /** UTF-8 behind a uvarint of its length plus one. */
  compactString(value: string): void {
    const size = Buffer.byteLength(value)
    this.uvarint(size + 1)
    this.#text(value, size)
  }

  #text(value: string, size: number): void {
    this.#room(size)
    this.#bytes.utf8Write(value, this.#at)
    this.#at += size
  }

  /** The bytes alone. A large view is the message's from now on. */
  bytes(value: Uint8Array): void {
    if (value.length > COPIED_BYTES_MAX) {
      this.chunk(Buffer.isBuffer(value) ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength))
      return
    }
    this.#room(value.length)
    this.#bytes.set(value, this.#at)
    this.#at += value.length
  }

  /** Payload that stays where it is. */
  chunk(value: Chunk): void {
    this.#flush()
    if (value.length === 0) return
    this.#chunks.push(value)
    this.#flushed += value.length
  }

  /** What another writer gathered, which is finished by this. */
  append(other: Writer): void {
    for (const chunk of other.done()) {
      if (Buffer.isBuffer(chunk)) this.bytes(chunk)
      else this.chunk(chunk)
    }
  }

  /** Sets an int32 that was written at the very start: a frame's length, known last. */
  patchInt32(value: number): void {
    const first = this.#chunks[0] ?? this.#bytes.subarray(this.#start)
    ;(first as Buffer).writeInt32BE(value, 0)
  }

  /** The chunks, in order. The writer is of no more use. */
  done(): Chunk[] {
    this.#flush()
    if (this.#bytes.length - this.#at >= ARENA_REST_MIN && arenas.length < 16) arenas.push({ bytes: this.#bytes, at: this.#at })
    this.#bytes = NOTHING
    this.#at = this.#start = 0
    return this.#chunks
  }

  /** All of it as one buffer, where no part lies in a file. */
  toBuffer(): Buffer {
    const chunks = this.done()
    return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks as Buffer[])
  }
}
const NOTHING = Buffer.alloc(0)
