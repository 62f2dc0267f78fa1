import { KafkaError, ErrorCode, recordBatch } from '@ottla/protocol'
import { Reader } from '@ottla/wire'

/** The fewest bytes that a record has behind its length. */
const LENGTH_MIN = 6

/** Walks the records of one batch of magic 2; what it says of a record holds until `next`. */
export class RecordCursor {
  /** The records as they are without compression. */
  readonly records: Buffer
  /** The record lies in [start, end) of `records`; `bodyAt`: where its offset delta begins. */
  start = 0
  end = 0
  bodyAt = 0
  offset = 0
  /** ms; of no meaning with LogAppendTime. */
  timestamp = 0
  key: Buffer | null = null
  isTombstone = false
  readonly #reader: Reader
  readonly #baseOffset: number
  readonly #baseTimestamp: number
  #left: number

  /** `records`: those of the batch, decompressed. */
  constructor(batch: Buffer, records: Buffer) {
    this.records = records
    this.#reader = new Reader(records)
    this.#baseOffset = recordBatch.baseOffset(batch, 0)
    this.#baseTimestamp = recordBatch.baseTimestamp(batch, 0)
    this.#left = recordBatch.recordCount(batch, 0)
  }

  /** False: there was no further record. Throws where the batch isn't what its header says. */
  next(): boolean {
    const reader = this.#reader
    if (this.#left === 0) {
      if (reader.left !== 0) throw malformed(this.#baseOffset)
      return false
    }
    this.#left--
    this.start = reader.at
    const length = reader.varint()
    this.end = reader.at + length
    if (length < LENGTH_MIN || this.end > this.records.length) throw malformed(this.#baseOffset)
    reader.at++
    this.timestamp = this.#baseTimestamp + reader.varlong()
    this.bodyAt = reader.at
    this.offset = this.#baseOffset + reader.varint()
    const keyBytes = reader.varint()
    this.key = keyBytes < 0 ? null : reader.slice(keyBytes)
    this.isTombstone = reader.varint() < 0
    reader.at = this.end
    return true
  }
}

function malformed(baseOffset: number): KafkaError {
  return new KafkaError(ErrorCode.CORRUPT_MESSAGE, `the records of the batch at offset ${baseOffset} are malformed`)
}
