import type { ProducerStates } from './producer-state.ts'

/** Parked on a log until something moves. */
export interface Waiter {
  wake(): void
}

/** How far a log's readers may see, and who waits for more (design §5, flush and exposure). */
export class LogMarks {
  /** What all in-sync replicas have. */
  highWatermark: number
  /** The high watermark, and where a flush policy is set what is flushed, if that is less. Never falls but by a cut. */
  visibleEnd: number
  /** The high watermark moves with what is written: there is no other replica. */
  soleReplica = true
  flushPolicy: boolean
  readonly #producers: ProducerStates
  #waiters: Set<Waiter> | null = null

  constructor(producers: ProducerStates, highWatermark: number, flushedOffset: number, flushPolicy: boolean) {
    this.#producers = producers
    this.highWatermark = highWatermark
    this.visibleEnd = Math.min(highWatermark, flushedOffset)
    this.flushPolicy = flushPolicy
  }

  /** The end for read_committed: no record of an open transaction lies before it. */
  lastStableOffset(logStartOffset: number): number {
    const unstable = this.#producers.firstUnstableOffset
    return unstable < 0 ? this.visibleEnd : Math.max(logStartOffset, Math.min(unstable, this.visibleEnd))
  }

  follow(writtenOffset: number, flushedOffset: number): void {
    if (this.soleReplica && writtenOffset > this.highWatermark) this.#setHighWatermark(writtenOffset)
    this.#show(flushedOffset)
    this.wake()
  }

  advanceHighWatermark(offset: number, flushedOffset: number): void {
    if (offset <= this.highWatermark) return
    this.#setHighWatermark(offset)
    this.#show(flushedOffset)
    this.wake()
  }

  #setHighWatermark(offset: number): void {
    this.highWatermark = offset
    this.#producers.onHighWatermark(offset)
  }

  #show(flushedOffset: number): void {
    const end = this.flushPolicy ? Math.min(this.highWatermark, flushedOffset) : this.highWatermark
    if (end > this.visibleEnd) this.visibleEnd = end
  }

  cut(offset: number): void {
    this.highWatermark = Math.min(this.highWatermark, offset)
    this.visibleEnd = Math.min(this.visibleEnd, offset)
  }

  add(waiter: Waiter): void {
    this.#waiters ??= new Set()
    this.#waiters.add(waiter)
  }

  remove(waiter: Waiter): void {
    this.#waiters?.delete(waiter)
  }

  /** Something moved, or the log failed. */
  wake(): void {
    if (this.#waiters === null || this.#waiters.size === 0) return
    for (const waiter of [...this.#waiters]) waiter.wake()
  }
}
