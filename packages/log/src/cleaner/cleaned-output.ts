import type { Segment } from '../segment.ts'
import type { Turns } from './turns.ts'

/** Writes the batches of a segment in large pieces, off the loop. */
export class CleanedOutput {
  readonly #segment: Segment
  readonly #indexIntervalBytes: number
  readonly #turns: Turns
  readonly #block: Buffer
  #length = 0

  constructor(segment: Segment, indexIntervalBytes: number, turns: Turns) {
    this.#segment = segment
    this.#indexIntervalBytes = indexIntervalBytes
    this.#turns = turns
    this.#block = Buffer.allocUnsafeSlow(turns.blockBytes)
  }

  /** The batch may change once this has resolved. */
  async add(batch: Buffer): Promise<void> {
    if (this.#length + batch.length > this.#block.length) await this.#flush()
    this.#segment.take(batch, 0, batch.length, this.#indexIntervalBytes)
    if (batch.length > this.#block.length) await this.#write(batch)
    else this.#length += batch.copy(this.#block, this.#length)
  }

  async #flush(): Promise<void> {
    const length = this.#length
    this.#length = 0
    if (length > 0) await this.#write(this.#block.subarray(0, length))
  }

  async #write(bytes: Buffer): Promise<void> {
    const segment = this.#segment
    await segment.fileToWrite().writeLater(segment.writtenBytes, [bytes], false)
    segment.writtenBytes += bytes.length
    await this.#turns.moved(bytes.length)
  }

  /** All is written and synced, indexes too. */
  async end(): Promise<void> {
    await this.#flush()
    this.#segment.closeTimes()
    await this.#segment.fileToWrite().sync()
    await this.#segment.syncIndexes()
  }
}
