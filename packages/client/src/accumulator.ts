import { BatchBuilder, recordBatch } from '@ottla/protocol'
import { writeInt64 } from '@ottla/wire'

export interface HeaderToSend {
  readonly key: string
  readonly value: string | Uint8Array | null
}

/** A record to send. Strings are UTF-8; without a key, the partition is chosen so that batches fill. */
export interface ProducerRecord {
  readonly topic: string
  readonly value: string | Uint8Array | null
  readonly key?: string | Uint8Array | null
  /** In place of the partitioner's choice. */
  readonly partition?: number
  /** ms since 1970; now by default. */
  readonly timestamp?: number
  readonly headers?: readonly HeaderToSend[]
}

/** What became of consecutive records of one partition. */
export interface DeliveryResult {
  readonly topic: string
  readonly partition: number
  /** Offset of the first; -1 where it is unknown: acks 0, or a duplicate that the broker no longer remembers. */
  readonly baseOffset: number
  readonly recordCount: number
  /** The broker's append time (ms) where the topic has that, else -1: the records keep their own. */
  readonly logAppendTime: number
  /** Null where they were written. */
  readonly error: Error | null
}
export type DeliveryReport = (result: DeliveryResult) => void

/** An idempotent producer's id and epoch (KIP-98). */
export interface ProducerIdentity {
  readonly producerId: number
  readonly producerEpoch: number
}

interface Portion {
  readonly report: DeliveryReport
  readonly firstDelta: number
  recordCount: number
}

const PRODUCER_ID_AT = 43
const PRODUCER_EPOCH_AT = 51
const BASE_SEQUENCE_AT = 53
const NO_SEQUENCE = -1
/** A record's lengths, deltas and place in the heap, about. */
export const RECORD_OVERHEAD_BYTES = 24

export interface BatchLimits {
  readonly batchSizeBytes: number
  readonly codec: number
  readonly compressionLevel?: number | undefined
}

/** Records of one partition that go out together and succeed or fail together. */
export class ProducerBatch {
  readonly queue: PartitionQueue
  /** Its place among the queue's batches. */
  readonly order: number
  /** Monotonic. */
  readonly createdMs: number
  baseSequence = NO_SEQUENCE
  /** What it counts for in the producer's buffer. */
  chargedBytes = 0
  recordCount = 0
  full = false
  isDone = false
  #builder: BatchBuilder | null
  #bytes: Buffer | null = null
  readonly #portions: Portion[] = []
  readonly #listeners: (() => void)[] = []

  constructor(queue: PartitionQueue, order: number, createdMs: number, limits: BatchLimits) {
    this.queue = queue
    this.order = order
    this.createdMs = createdMs
    this.#builder = new BatchBuilder({
      sizeBytesMax: limits.batchSizeBytes,
      codec: limits.codec,
      compressionRatio: queue.compressionRatio,
      ...(limits.compressionLevel === undefined ? {} : { level: limits.compressionLevel }),
    })
  }

  /** False where it takes no more. */
  append(
    key: Uint8Array | null,
    value: Uint8Array | null,
    headers: readonly { key: string; value: Uint8Array | null }[],
    timestamp: number,
    report: DeliveryReport,
    chargedBytes: number,
  ): boolean {
    if (this.#builder === null || this.full) return false
    if (!this.#builder.append(key, value, headers, timestamp)) {
      this.full = true
      return false
    }
    const last = this.#portions.at(-1)
    if (last !== undefined && last.report === report) last.recordCount++
    else this.#portions.push({ report, firstDelta: this.recordCount, recordCount: 1 })
    this.recordCount++
    this.chargedBytes += chargedBytes
    return true
  }

  /** The encoded batch; it takes no more records from now on. */
  bytes(): Buffer {
    if (this.#builder !== null) {
      this.#bytes = this.#builder.build()
      this.queue.compressionRatio = Math.min(1, this.#bytes.length / this.#builder.uncompressedBytes)
      this.#builder = null
    }
    return this.#bytes!
  }

  get sizeBytes(): number {
    return this.#builder === null ? this.#bytes!.length : this.#builder.estimatedBytes
  }

  /** Marks it as this producer's, with its sequence: what lets a broker know it again (formats §8). */
  stamp(identity: ProducerIdentity, baseSequence: number): void {
    const bytes = this.bytes()
    this.baseSequence = baseSequence
    writeInt64(bytes, PRODUCER_ID_AT, identity.producerId)
    bytes.writeInt16BE(identity.producerEpoch, PRODUCER_EPOCH_AT)
    bytes.writeInt32BE(baseSequence, BASE_SEQUENCE_AT)
    recordBatch.setCrc(bytes, 0)
  }

  /** Takes the sequence back: the batch will be stamped anew. */
  unstamp(): void {
    this.baseSequence = NO_SEQUENCE
  }

  /** Calls `listener` when all that the batch's reports had to say is said. */
  onDone(listener: () => void): void {
    this.#listeners.push(listener)
  }

  done(baseOffset: number, logAppendTime: number, error: Error | null): void {
    const { topic, partition } = this.queue
    this.isDone = true
    for (const { report, firstDelta, recordCount } of this.#portions) {
      report({ topic, partition, baseOffset: baseOffset < 0 ? -1 : baseOffset + firstDelta, recordCount, logAppendTime, error })
    }
    for (const listener of this.#listeners) listener()
    this.#bytes = this.#builder = null
  }
}

/** One partition's batches: those that wait, those that are to be sent again, and those under way. All in the order of their records. */
export class PartitionQueue {
  readonly topic: string
  readonly partition: number
  readonly waiting: ProducerBatch[] = []
  readonly failed: ProducerBatch[] = []
  readonly inFlight: ProducerBatch[] = []
  compressionRatio = 1
  /** Failed batches are not sent again before this time (monotonic). */
  notBeforeMs = 0
  failures = 0
  identity: ProducerIdentity | null = null
  /** A sequence was left out or refused: what follows needs a new identity. */
  broken = false
  /** A broker takes any first sequence of a producer, so nothing overtakes the first batch under an identity. */
  confirmed = false
  #nextSequence = 0
  #nextOrder = 0

  constructor(topic: string, partition: number) {
    this.topic = topic
    this.partition = partition
  }

  get empty(): boolean {
    return this.waiting.length === 0 && this.failed.length === 0 && this.inFlight.length === 0
  }

  /** Appends to the last waiting batch, or to a new one. */
  append(
    key: Uint8Array | null,
    value: Uint8Array | null,
    headers: readonly { key: string; value: Uint8Array | null }[],
    timestamp: number,
    report: DeliveryReport,
    chargedBytes: number,
    limits: BatchLimits,
    nowMs: number,
  ): void {
    const last = this.waiting.at(-1)
    if (last !== undefined && last.append(key, value, headers, timestamp, report, chargedBytes)) return
    const batch = new ProducerBatch(this, this.#nextOrder++, nowMs, limits)
    batch.append(key, value, headers, timestamp, report, chargedBytes)
    this.waiting.push(batch)
  }

  /** The batch goes out now: it leaves its list, with a sequence where the producer is idempotent. */
  depart(batch: ProducerBatch): void {
    const list = batch === this.failed[0] ? this.failed : this.waiting
    list.shift()
    batch.bytes()
    if (this.identity !== null && batch.baseSequence === NO_SEQUENCE) {
      batch.stamp(this.identity, this.#nextSequence)
      this.#nextSequence = recordBatch.incrementSequence(this.#nextSequence, batch.recordCount)
    }
    this.inFlight.push(batch)
  }

  /** The batch came back, written or not. */
  arrive(batch: ProducerBatch): void {
    const index = this.inFlight.indexOf(batch)
    if (index >= 0) this.inFlight.splice(index, 1)
  }

  /** It goes back among those to be sent again, in its place. */
  sendAgain(batch: ProducerBatch, notBeforeMs: number): void {
    let index = this.failed.length
    while (index > 0 && this.failed[index - 1]!.order > batch.order) index--
    this.failed.splice(index, 0, batch)
    this.notBeforeMs = Math.max(this.notBeforeMs, notBeforeMs)
  }

  /** Whether an earlier batch is still not written: then a refused sequence only says that this one came too early. */
  hasEarlier(batch: ProducerBatch): boolean {
    return this.failed.some((other) => other.order < batch.order) || this.inFlight.some((other) => other.order < batch.order)
  }

  /** Starts sequences anew under `identity`. Nothing may be in flight. */
  adopt(identity: ProducerIdentity): void {
    for (const batch of this.failed) batch.unstamp()
    this.identity = identity
    this.broken = false
    this.confirmed = false
    this.#nextSequence = 0
  }
}
