/** One batch of a producer, ends included. Sequences wrap: 0 follows 2147483647. `timestamp` is the batch's largest. */
export interface ProducedBatch {
  readonly firstSequence: number
  readonly lastSequence: number
  readonly baseOffset: number
  readonly lastOffset: number
  readonly timestamp: number
}

/** Kafka keeps as many, so a client may have as many in flight. */
const KEPT_BATCHES = 5
const SEQUENCE_MAX = 2147483647
const NO_SEQUENCE = -1

type Slot = { -readonly [K in keyof ProducedBatch]: ProducedBatch[K] }

/** One producer in one partition. -1 stands for none. Read only for all but `ProducerStates`. */
export class ProducerState {
  readonly producerId: number
  epoch: number
  coordinatorEpoch = -1
  lastTimestamp = -1
  currentTxnFirstOffset = -1
  /** When it was last heard of, by the clock of who told us. */
  seenMs = 0
  /** The newest batches, a ring that is filled once and then reused. */
  readonly #batches: Slot[] = []
  #newest = -1
  #count = 0

  constructor(producerId: number, epoch: number) {
    this.producerId = producerId
    this.epoch = epoch
  }

  /** The newest batch of this epoch, valid until the producer's next one; null where a marker has begun the epoch. */
  get lastBatch(): ProducedBatch | null {
    return this.#count === 0 ? null : this.#batches[this.#newest]!
  }

  get lastSequence(): number {
    return this.#count === 0 ? NO_SEQUENCE : this.#batches[this.#newest]!.lastSequence
  }

  /**
   * What stands in the log before the oldest batch known here: `earlier` ends with that one, if it is of use. As many are entered as there
   * is room for.
   */
  precede(earlier: ProducerState): void {
    if (this.#count === 0 || earlier.#count === 0 || earlier.epoch !== this.epoch) return
    if (earlier.#at(0).lastOffset !== this.#at(this.#count - 1).lastOffset) return
    for (let age = 1; age < earlier.#count && this.#count < KEPT_BATCHES; age++) {
      this.#batches[(this.#newest - this.#count + KEPT_BATCHES) % KEPT_BATCHES] = { ...earlier.#at(age) }
      this.#count++
    }
  }

  #at(age: number): Slot {
    return this.#batches[(this.#newest - age + KEPT_BATCHES) % KEPT_BATCHES]!
  }

  batchOf(firstSequence: number, lastSequence: number): ProducedBatch | null {
    for (let age = 0; age < this.#count; age++) {
      const batch = this.#at(age)
      if (batch.lastSequence === lastSequence && batch.firstSequence === firstSequence) return batch
    }
    return null
  }

  /** A new epoch begins: the batches of the one before say nothing about what comes next. */
  enterEpoch(epoch: number): void {
    if (epoch === this.epoch) return
    this.epoch = epoch
    this.#count = 0
  }

  add(lastSequence: number, baseOffset: number, lastOffset: number, timestamp: number): void {
    const at = (this.#newest + 1) % KEPT_BATCHES
    let batch = this.#batches[at]
    if (batch === undefined) {
      batch = { firstSequence: 0, lastSequence: 0, baseOffset: 0, lastOffset: 0, timestamp: 0 }
      this.#batches[at] = batch
    }
    batch.firstSequence = sequenceBefore(lastSequence, lastOffset - baseOffset)
    batch.lastSequence = lastSequence
    batch.baseOffset = baseOffset
    batch.lastOffset = lastOffset
    batch.timestamp = timestamp
    this.#newest = at
    if (this.#count < KEPT_BATCHES) this.#count++
  }
}

/** The sequence that follows: 0 after the largest, and after none (-1). */
export function sequenceAfter(sequence: number): number {
  return sequence === SEQUENCE_MAX ? 0 : sequence + 1
}

/** The sequence `count` before, across the wrap; a batch without sequences has none. */
function sequenceBefore(sequence: number, count: number): number {
  if (sequence < 0) return NO_SEQUENCE
  return sequence >= count ? sequence - count : SEQUENCE_MAX - (count - sequence) + 1
}
