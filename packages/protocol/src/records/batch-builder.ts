import { sizeOfVarint, sizeOfVarlong, writeVarint, writeVarlong } from '@ottla/wire'
import assert from 'node:assert'
import { codecOf } from '../compression/codecs.ts'
import type { TimestampType } from './kafka-record.ts'
import * as recordBatch from './record-batch.ts'

/** Taken at first: a whole batch of the usual limit (`batch.size`, 16 KiB) at once, less where no limit tells how large it will be. */
const FIRST_BYTES_MAX = 16384
const FIRST_BYTES = 1024
/** A compressed batch is taken for this much larger than the ratio says, so that few outgrow what was promised. */
const RATIO_MARGIN = 1.05

export interface BatchOptions {
  /** `append` answers false rather than make a batch of more bytes than this; the first record always fits. Default: no limit. */
  readonly sizeBytesMax?: number
  /** Codec id: 0 none (default), 1 gzip, 2 snappy, 3 lz4, 4 zstd. */
  readonly codec?: number
  readonly level?: number
  /** Compressed by uncompressed size as earlier batches had it; size is estimated by it. Default 1. */
  readonly compressionRatio?: number
  readonly baseOffset?: number
  readonly leaderEpoch?: number
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly isTransactional?: boolean
  readonly isControl?: boolean
  readonly timestampType?: TimestampType
  /** ms; maxTimestamp of a batch of LogAppendTime. */
  readonly logAppendTime?: number
}

export interface HeaderToWrite {
  readonly key: string
  readonly value: Uint8Array | null
}

/** A batch of magic 2 in the making: records are encoded as they come, then `build` compresses them and writes the header. */
export class BatchBuilder {
  readonly #options: BatchOptions
  readonly #sizeBytesMax: number
  readonly #ratio: number
  #bytes: Buffer
  #at = recordBatch.BATCH_HEADER_BYTES
  #count = 0
  #lastOffsetDelta = -1
  #baseTimestamp = recordBatch.NO_TIMESTAMP
  #maxTimestamp = recordBatch.NO_TIMESTAMP
  #built = false

  constructor(options: BatchOptions = {}) {
    this.#options = options
    this.#sizeBytesMax = options.sizeBytesMax ?? Infinity
    const isLimited = options.sizeBytesMax !== undefined
    this.#bytes = Buffer.allocUnsafe(isLimited ? Math.max(FIRST_BYTES, Math.min(options.sizeBytesMax, FIRST_BYTES_MAX)) : FIRST_BYTES)
    this.#ratio = (options.codec ?? 0) === 0 ? 1 : (options.compressionRatio ?? 1) * RATIO_MARGIN
  }

  get recordCount(): number {
    return this.#count
  }

  /** ms; the largest of the records, -1 while there are none. */
  get maxTimestamp(): number {
    return this.#maxTimestamp
  }

  /** Header and records before compression, in bytes. */
  get uncompressedBytes(): number {
    return this.#at
  }

  /** What `build` will answer, in bytes: exact without compression, else by the ratio. */
  get estimatedBytes(): number {
    return this.#estimate(0)
  }

  #estimate(more: number): number {
    return recordBatch.BATCH_HEADER_BYTES + Math.ceil((this.#at - recordBatch.BATCH_HEADER_BYTES + more) * this.#ratio)
  }

  /**
   * Adds a record of `timestamp` (ms), the next offset unless `offsetDelta` (from the batch's base, larger than the last) is given.
   * Answers false, and adds nothing, where it has no room.
   */
  append(
    key: Uint8Array | null,
    value: Uint8Array | null,
    headers: readonly HeaderToWrite[],
    timestamp: number,
    offsetDelta = this.#lastOffsetDelta + 1,
  ): boolean {
    assert(!this.#built, 'a built batch takes no more records')
    assert(offsetDelta > this.#lastOffsetDelta, 'offsets of a batch increase')
    const timestampDelta = this.#count === 0 ? 0 : timestamp - this.#baseTimestamp
    const length = recordBytes(key, value, headers, timestampDelta, offsetDelta)
    const size = sizeOfVarint(length) + length
    if (this.#count > 0 && this.#estimate(size) > this.#sizeBytesMax) return false
    if (this.#at + size > this.#bytes.length) this.#grow(size)
    this.#at = writeRecord(this.#bytes, this.#at, length, key, value, headers, timestampDelta, offsetDelta)
    if (this.#count === 0) this.#baseTimestamp = timestamp
    if (this.#count === 0 || timestamp > this.#maxTimestamp) this.#maxTimestamp = timestamp
    this.#lastOffsetDelta = offsetDelta
    this.#count++
    return true
  }

  #grow(size: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#at + size, this.#bytes.length * 4))
    this.#bytes.copy(grown, 0, 0, this.#at)
    this.#bytes = grown
  }

  /** The batch, with its checksum. The builder is of no more use. Uncompressed it is the builder's own memory, not a copy. */
  build(): Buffer {
    assert(!this.#built && this.#count > 0, 'a batch is built once, of at least one record')
    this.#built = true
    const { codec = 0, level, timestampType = 'CreateTime' } = this.#options
    const plain = this.#bytes.subarray(0, this.#at)
    const batch = codec === 0 ? plain : withRecords(codecOf(codec).compress(plain.subarray(recordBatch.BATCH_HEADER_BYTES), level))
    const appendTime = timestampType === 'LogAppendTime'
    recordBatch.writeHeader(batch, 0, {
      baseOffset: this.#options.baseOffset ?? 0,
      sizeBytes: batch.length,
      leaderEpoch: this.#options.leaderEpoch ?? recordBatch.NO_LEADER_EPOCH,
      attributes: this.#attributes(codec, appendTime),
      lastOffsetDelta: this.#lastOffsetDelta,
      baseTimestamp: this.#baseTimestamp,
      maxTimestamp: appendTime ? (this.#options.logAppendTime ?? this.#maxTimestamp) : this.#maxTimestamp,
      producerId: this.#options.producerId ?? recordBatch.NO_PRODUCER_ID,
      producerEpoch: this.#options.producerEpoch ?? recordBatch.NO_PRODUCER_EPOCH,
      baseSequence: this.#options.baseSequence ?? recordBatch.NO_SEQUENCE,
      recordCount: this.#count,
    })
    recordBatch.setCrc(batch, 0)
    return batch
  }

  #attributes(codec: number, appendTime: boolean): number {
    return (
      codec |
      (appendTime ? recordBatch.ATTRIBUTE_LOG_APPEND_TIME : 0) |
      (this.#options.isTransactional === true ? recordBatch.ATTRIBUTE_TRANSACTIONAL : 0) |
      (this.#options.isControl === true ? recordBatch.ATTRIBUTE_CONTROL : 0)
    )
  }
}

/** Room for a header before `records`. */
export function withRecords(records: Buffer): Buffer {
  const batch = Buffer.allocUnsafeSlow(recordBatch.BATCH_HEADER_BYTES + records.length)
  records.copy(batch, recordBatch.BATCH_HEADER_BYTES)
  return batch
}

/** Of one record, without its own length. */
function recordBytes(
  key: Uint8Array | null,
  value: Uint8Array | null,
  headers: readonly HeaderToWrite[],
  timestampDelta: number,
  offsetDelta: number,
): number {
  let size = 1 + sizeOfVarlong(timestampDelta) + sizeOfVarint(offsetDelta)
  size += sizeOfBytes(key) + sizeOfBytes(value) + sizeOfVarint(headers.length)
  for (const header of headers) {
    const keyBytes = Buffer.byteLength(header.key)
    size += sizeOfVarint(keyBytes) + keyBytes + sizeOfBytes(header.value)
  }
  return size
}

const sizeOfBytes = (value: Uint8Array | null): number => (value === null ? 1 : sizeOfVarint(value.length) + value.length)

function writeRecord(
  bytes: Buffer,
  at: number,
  length: number,
  key: Uint8Array | null,
  value: Uint8Array | null,
  headers: readonly HeaderToWrite[],
  timestampDelta: number,
  offsetDelta: number,
): number {
  at = writeVarint(bytes, at, length)
  bytes[at++] = 0
  at = writeVarlong(bytes, at, timestampDelta)
  at = writeVarint(bytes, at, offsetDelta)
  at = writeBytes(bytes, at, key)
  at = writeBytes(bytes, at, value)
  at = writeVarint(bytes, at, headers.length)
  for (const header of headers) {
    at = writeVarint(bytes, at, Buffer.byteLength(header.key))
    at += bytes.utf8Write(header.key, at)
    at = writeBytes(bytes, at, header.value)
  }
  return at
}

function writeBytes(bytes: Buffer, at: number, value: Uint8Array | null): number {
  if (value === null) return writeVarint(bytes, at, -1)
  at = writeVarint(bytes, at, value.length)
  bytes.set(value, at)
  return at + value.length
}
