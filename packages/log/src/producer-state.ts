import { ErrorCode, KafkaError } from '@ottla/protocol'
import type { OlderBatches } from './older-batches.ts'
import { ProducerState, sequenceAfter, type ProducedBatch } from './producer-batches.ts'
import { decodeProducerSnapshot, encodeProducerSnapshot } from './producer-snapshot.ts'

export { ProducerState, type ProducedBatch } from './producer-batches.ts'

/** What a control marker ended. `lastOffset` is the marker's own; `lastStableOffset` holds once the marker is written. */
export interface CompletedTransaction {
  readonly producerId: number
  readonly firstOffset: number
  readonly lastOffset: number
  readonly lastStableOffset: number
  readonly aborted: boolean
}

/** A control marker, as its batch says it. */
export interface TransactionMarker {
  readonly producerId: number
  readonly epoch: number
  readonly coordinatorEpoch: number
  readonly abort: boolean
  readonly offset: number
  readonly timestamp: number
}

/**
 * Who wrote what into one partition last: makes retries of idempotent producers harmless (KIP-98, KIP-360; formats §8) and knows the open
 * transactions (formats §9). Held in memory, in the order of the log; its snapshot is Kafka's `<offset>.snapshot`.
 *
 * `check` before an append on the leader, `update` for every appended batch of a producer, also on followers and in recovery.
 */
export class ProducerStates {
  readonly #states = new Map<number, ProducerState>()
  /** The last one asked for: `update` follows `check`. */
  #last: ProducerState | undefined
  /** By first offset; the log's order is the order of insertion. */
  readonly #openTransactions = new Map<number, ProducerState>()
  /** Ended, but with the marker not yet below the high watermark; by marker offset. */
  readonly #unreplicated: CompletedTransaction[] = []
  #firstUnstableOffset = -1
  #endOffset = 0
  /** What the log has before the snapshot that was decoded; null: nothing more is to be found. */
  older: OlderBatches | null = null

  get size(): number {
    return this.#states.size
  }

  /** All that is known covers [.., endOffset) of the log. */
  get endOffset(): number {
    return this.#endOffset
  }

  /**
   * The first offset of the earliest transaction that is open, or whose marker isn't below the high watermark; -1 if none: the last stable
   * offset is then the high watermark. It may lie before the log's start offset.
   */
  get firstUnstableOffset(): number {
    return this.#firstUnstableOffset
  }

  get(producerId: number): ProducerState | undefined {
    if (this.#last !== undefined && this.#last.producerId === producerId) return this.#last
    const state = this.#states.get(producerId)
    if (state !== undefined) this.#last = state
    return state
  }

  /** For DescribeProducers. */
  all(): IterableIterator<ProducerState> {
    return this.#states.values()
  }

  /**
   * May this batch of a client be appended? Null: yes. Else it is a duplicate of the batch returned (valid until the next `update`), to be
   * answered with that one's base offset and timestamp. Throws KafkaError where it is neither.
   *
   * A coordinator's own writes carry no sequence (-1): only their epoch is checked. `implicitStart`: the batch may begin a transaction by
   * itself (Produce v12+, KIP-890), so an unknown producer must begin with sequence 0.
   *
   * The first one out of order after a restart may be a retry that the snapshot doesn't tell, so it has the log looked at (decision 0007).
   */
  check(
    producerId: number,
    epoch: number,
    firstSequence: number,
    lastSequence: number,
    transactional: boolean,
    implicitStart = false,
  ): ProducedBatch | null {
    const state = this.get(producerId)
    if (state === undefined) {
      if (implicitStart && transactional && firstSequence > 0) throw outOfOrder(producerId, firstSequence, 0)
      return null
    }
    if (epoch === state.epoch && firstSequence >= 0) {
      const duplicate = state.batchOf(firstSequence, lastSequence)
      if (duplicate !== null) return duplicate
    }
    if (epoch < state.epoch) throw staleEpoch(producerId, epoch, state.epoch)
    if (firstSequence >= 0) {
      const expected = epoch > state.epoch ? 0 : sequenceAfter(state.lastSequence)
      if (firstSequence !== expected) {
        if (epoch === state.epoch && this.older !== null) {
          this.older.enter(this)
          const duplicate = state.batchOf(firstSequence, lastSequence)
          if (duplicate !== null) return duplicate
        }
        throw outOfOrder(producerId, firstSequence, expected)
      }
    }
    if (state.currentTxnFirstOffset >= 0 && !transactional) {
      throw new KafkaError(
        ErrorCode.INVALID_TXN_STATE,
        `producer ${producerId} has a transaction open since offset ${state.currentTxnFirstOffset}: end it before writing outside of one`,
      )
    }
    return null
  }

  /**
   * A data batch stands at [baseOffset, lastOffset]. `seenMs` is what `expire` goes by: the clock's now on an append, the batch's timestamp
   * where the log is read again.
   */
  update(
    producerId: number,
    epoch: number,
    lastSequence: number,
    baseOffset: number,
    lastOffset: number,
    timestamp: number,
    transactional: boolean,
    seenMs: number,
  ): void {
    const state = this.#enter(producerId, epoch)
    state.add(lastSequence, baseOffset, lastOffset, timestamp)
    state.lastTimestamp = timestamp
    if (seenMs > state.seenMs) state.seenMs = seenMs
    if (transactional && state.currentTxnFirstOffset < 0) {
      state.currentTxnFirstOffset = baseOffset
      this.#openTransactions.set(baseOffset, state)
      this.#placeFirstUnstable()
    }
    this.advance(lastOffset + 1)
  }

  /**
   * May the leader append this marker? Throws KafkaError where not. With `transactionVersion` 2 the marker's epoch must be above the
   * producer's; the same one is a retry, fine once the transaction is no longer open (KIP-890).
   */
  checkMarker(producerId: number, epoch: number, coordinatorEpoch: number, transactionVersion: number): void {
    const state = this.get(producerId)
    if (state === undefined) return
    const sameEpochFits = transactionVersion < 2 || state.currentTxnFirstOffset < 0
    if (epoch < state.epoch || (epoch === state.epoch && !sameEpochFits)) throw staleEpoch(producerId, epoch, state.epoch)
    if (coordinatorEpoch < state.coordinatorEpoch) {
      throw new KafkaError(
        ErrorCode.TRANSACTION_COORDINATOR_FENCED,
        `marker of coordinator epoch ${coordinatorEpoch} for producer ${producerId}: epoch ${state.coordinatorEpoch} has written since`,
      )
    }
  }

  /** A control marker stands at its offset. What it ended, or null where it ended nothing; an aborted one goes to the transaction index. */
  complete(marker: TransactionMarker, seenMs: number): CompletedTransaction | null {
    const state = this.#enter(marker.producerId, marker.epoch)
    state.coordinatorEpoch = marker.coordinatorEpoch
    state.lastTimestamp = marker.timestamp
    if (seenMs > state.seenMs) state.seenMs = seenMs
    this.advance(marker.offset + 1)
    const firstOffset = state.currentTxnFirstOffset
    if (firstOffset < 0) return null
    state.currentTxnFirstOffset = -1
    this.#openTransactions.delete(firstOffset)
    const completed: CompletedTransaction = {
      producerId: marker.producerId,
      firstOffset,
      lastOffset: marker.offset,
      lastStableOffset: this.#firstOpenOffset() ?? marker.offset + 1,
      aborted: marker.abort,
    }
    this.#unreplicated.push(completed)
    this.#placeFirstUnstable()
    return completed
  }

  /** The log ends at `endOffset` now; what was appended since needs no `update` (it had no producer). */
  advance(endOffset: number): void {
    if (endOffset > this.#endOffset) this.#endOffset = endOffset
  }

  /** The high watermark has moved: transactions whose marker is below it hold the last stable offset back no longer. */
  onHighWatermark(highWatermark: number): void {
    const waiting = this.#unreplicated
    if (waiting.length === 0 || waiting[0]!.lastOffset >= highWatermark) return
    let replicated = 1
    while (replicated < waiting.length && waiting[replicated]!.lastOffset < highWatermark) replicated++
    waiting.splice(0, replicated)
    this.#placeFirstUnstable()
  }

  /** Forgets the producers that were silent for `expirationMs`, save those with an open transaction. Returns how many. */
  expire(nowMs: number, expirationMs: number): number {
    let expired = 0
    for (const [producerId, state] of this.#states) {
      if (state.currentTxnFirstOffset >= 0 || nowMs - state.seenMs < expirationMs) continue
      this.#states.delete(producerId)
      expired++
    }
    this.#last = undefined
    return expired
  }

  /**
   * The log was cut and ends at `endOffset`. True: nothing beyond was known, all stands. False: all is forgotten; the caller decodes the
   * newest snapshot at or before `endOffset` and replays the batches after it.
   */
  truncate(endOffset: number): boolean {
    if (endOffset >= this.#endOffset) return true
    this.clear()
    return false
  }

  /** Forgets all; what follows begins at `startOffset`. */
  clear(startOffset = 0): void {
    this.#states.clear()
    this.#openTransactions.clear()
    this.#unreplicated.length = 0
    this.#last = undefined
    this.older = null
    this.#firstUnstableOffset = -1
    this.#endOffset = startOffset
  }

  /** The file `<endOffset>.snapshot`: of each producer its newest batch (formats §5). */
  encodeSnapshot(): Buffer {
    return encodeProducerSnapshot(this.#states)
  }

  /**
   * Replaces all by what the file `path` says of the log before `endOffset`. Its producers count as seen at `seenMs`. Throws
   * CorruptFileError, and nothing is changed then: delete the file and take an older one.
   */
  decodeSnapshot(bytes: Buffer, path: string, endOffset: number, seenMs: number): void {
    const restored = decodeProducerSnapshot(bytes, path)
    this.clear(endOffset)
    for (const state of restored) {
      state.seenMs = seenMs
      this.#states.set(state.producerId, state)
    }
    const open = restored.filter((state) => state.currentTxnFirstOffset >= 0)
    open.sort((a, b) => a.currentTxnFirstOffset - b.currentTxnFirstOffset)
    for (const state of open) this.#openTransactions.set(state.currentTxnFirstOffset, state)
    this.#placeFirstUnstable()
  }

  #enter(producerId: number, epoch: number): ProducerState {
    let state = this.get(producerId)
    if (state === undefined) {
      state = new ProducerState(producerId, epoch)
      this.#states.set(producerId, state)
      this.#last = state
    }
    state.enterEpoch(epoch)
    return state
  }

  #firstOpenOffset(): number | undefined {
    return this.#openTransactions.size === 0 ? undefined : this.#openTransactions.keys().next().value
  }

  #placeFirstUnstable(): void {
    let first = this.#firstOpenOffset() ?? -1
    for (const { firstOffset } of this.#unreplicated) if (first < 0 || firstOffset < first) first = firstOffset
    this.#firstUnstableOffset = first
  }
}

function outOfOrder(producerId: number, sequence: number, expected: number): KafkaError {
  return new KafkaError(
    ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
    `batch of producer ${producerId} begins with sequence ${sequence} where ${expected} is next: a batch before it was lost or comes later`,
  )
}

function staleEpoch(producerId: number, epoch: number, current: number): KafkaError {
  return new KafkaError(
    ErrorCode.INVALID_PRODUCER_EPOCH,
    `epoch ${epoch} of producer ${producerId} is over, epoch ${current} has written: another instance took over, or start anew`,
  )
}
