import { readInt64 } from './int64.ts'

/** What was received is not what its type says. The sentence names what was wrong and where. */
export class DecodeError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'DecodeError'
  }
}

/** No message may have more items than this in all its lists, whatever the frame's size: an item costs more memory than its bytes. */
export const ITEM_COUNT_MAX = 4_000_000

/** A cursor over one received frame. Every read is checked against its end; what is too short throws a RangeError or DecodeError. */
export class Reader {
  bytes: Buffer
  at: number
  /** How many items the lists of the message that is being read may still have. */
  itemsLeft = ITEM_COUNT_MAX

  constructor(bytes: Buffer, at = 0) {
    this.bytes = bytes
    this.at = at
  }

  get left(): number {
    return this.bytes.length - this.at
  }

  bool(): boolean {
    return this.bytes.readInt8(this.at++) !== 0
  }

  int8(): number {
    return this.bytes.readInt8(this.at++)
  }

  int16(): number {
    const at = this.at
    this.at = at + 2
    return this.bytes.readInt16BE(at)
  }

  uint16(): number {
    const at = this.at
    this.at = at + 2
    return this.bytes.readUInt16BE(at)
  }

  int32(): number {
    const at = this.at
    this.at = at + 4
    return this.bytes.readInt32BE(at)
  }

  uint32(): number {
    const at = this.at
    this.at = at + 4
    return this.bytes.readUInt32BE(at)
  }

  /** Exact within 2^53, else the nearest number: see `readInt64`. */
  int64(): number {
    const at = this.at
    this.at = at + 8
    return readInt64(this.bytes, at)
  }

  /** For the few fields whose whole range means something. */
  bigint64(): bigint {
    const at = this.at
    this.at = at + 8
    return this.bytes.readBigInt64BE(at)
  }

  float64(): number {
    const at = this.at
    this.at = at + 8
    return this.bytes.readDoubleBE(at)
  }

  uvarint(): number {
    const bytes = this.bytes
    let at = this.at
    let byte = bytes[at++]
    if (byte === undefined) throw new DecodeError('ends inside a varint')
    let value = byte & 127
    for (let shift = 7; byte >= 128; shift += 7) {
      byte = bytes[at++]
      if (byte === undefined) throw new DecodeError('ends inside a varint')
      if (shift > 28 || (shift === 28 && byte > 15)) throw new DecodeError('a varint of more than 32 bits')
      value |= (byte & 127) << shift
    }
    this.at = at
    return value >>> 0
  }

  /** Zig-zag, 32 bits. */
  varint(): number {
    const value = this.uvarint()
    return (value >>> 1) ^ -(value & 1)
  }

  /** Zig-zag, 64 bits: exact within 2^53. */
  varlong(): number {
    const bytes = this.bytes
    let at = this.at
    let value = 0
    let scale = 1
    for (let count = 0; ; count++) {
      const byte = bytes[at++]
      if (byte === undefined) throw new DecodeError('ends inside a varint')
      if (count > 9 || (count === 9 && byte > 1)) throw new DecodeError('a varint of more than 64 bits')
      value += (byte & 127) * scale
      if (byte < 128) break
      scale *= 128
    }
    // The sign is the first byte's lowest bit; the sum may have lost it by rounding.
    const negative = (bytes[this.at]! & 1) === 1
    this.at = at
    return negative ? -(value + 1) / 2 : value / 2
  }

  /** A view of the next `length` bytes, not a copy. */
  slice(length: number): Buffer {
    const at = this.at
    const end = at + length
    if (length < 0 || end > this.bytes.length) throw new DecodeError(`says ${length} bytes, ${this.bytes.length - at} are left`)
    this.at = end
    return this.bytes.subarray(at, end)
  }

  /** `length` bytes of UTF-8. Short ASCII, nearly every name, is quicker by hand than by a call into C++. */
  text(length: number): string {
    const bytes = this.bytes
    const at = this.at
    const end = at + length
    if (length < 0 || end > bytes.length) throw new DecodeError(`says a string of ${length} bytes, ${bytes.length - at} are left`)
    this.at = end
    if (length >= 24) return bytes.utf8Slice(at, end)
    let text = ''
    for (let i = at; i < end; i++) {
      const code = bytes[i]!
      if (code > 127) return bytes.utf8Slice(at, end)
      text += String.fromCharCode(code)
    }
    return text
  }

  /** Kafka's text form: 22 characters of base64url. */
  uuid(): string {
    const at = this.at
    const end = at + 16
    if (end > this.bytes.length) throw new DecodeError('ends inside a uuid')
    this.at = end
    return this.bytes.base64urlSlice(at, end)
  }

  /** Checks a list's count against the bytes left, `itemSizeMin` each, before anything is allocated. */
  count(count: number, itemSizeMin: number): number {
    if (count > this.itemsLeft || count * itemSizeMin > this.bytes.length - this.at) {
      throw new DecodeError(`says ${count} items, ${this.bytes.length - this.at} bytes and ${this.itemsLeft} items of the message are left`)
    }
    this.itemsLeft -= count
    return count
  }
}

declare global {
  // Node's own methods, missing from its types; the checked ones are several times slower.
  interface Buffer {
    utf8Slice(start: number, end: number): string
    base64urlSlice(start: number, end: number): string
    utf8Write(text: string, at: number): number
    base64urlWrite(text: string, at: number): number
  }
}
