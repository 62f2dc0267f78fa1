import { ErrorCode, KafkaError } from '../errors.ts'

/** What a compressed stream can't be unpacked by: it is damaged, or not of the codec that its batch names. */
export function corrupt(codec: string, what: string): KafkaError {
  return new KafkaError(ErrorCode.CORRUPT_MESSAGE, `The ${codec} data of a batch can't be decompressed: ${what}.`)
}

/** A stream that would become larger than its reader allows, found before that memory is taken. */
export function tooLarge(codec: string, sizeMax: number): KafkaError {
  return new KafkaError(
    ErrorCode.MESSAGE_TOO_LARGE,
    `The ${codec} data of a batch is larger than ${sizeMax} bytes when decompressed: send smaller batches, or raise the limit.`,
  )
}

/** An output that grows by doubling up to a bound, so that no claimed length is ever believed before that many bytes are there. */
export class BoundedOutput {
  bytes: Buffer
  length = 0
  readonly #codec: string
  readonly #sizeMax: number

  constructor(codec: string, sizeExpected: number, sizeMax: number) {
    this.#codec = codec
    this.#sizeMax = sizeMax
    this.bytes = Buffer.allocUnsafeSlow(Math.max(0, Math.min(sizeExpected, sizeMax)))
  }

  /** How many bytes more may come. */
  get left(): number {
    return this.#sizeMax - this.length
  }

  /** Makes room for `size` bytes more, or throws MESSAGE_TOO_LARGE. */
  room(size: number): void {
    const needed = this.length + size
    if (needed <= this.bytes.length) return
    if (needed > this.#sizeMax) throw tooLarge(this.#codec, this.#sizeMax)
    const grown = Buffer.allocUnsafeSlow(Math.min(this.#sizeMax, Math.max(needed, this.bytes.length * 2)))
    this.bytes.copy(grown, 0, 0, this.length)
    this.bytes = grown
  }

  append(more: Buffer): void {
    this.room(more.length)
    more.copy(this.bytes, this.length)
    this.length += more.length
  }

  done(): Buffer {
    return this.bytes.subarray(0, this.length)
  }
}
