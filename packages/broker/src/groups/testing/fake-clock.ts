import type { Clock, Logger, Random, Timer } from '@ottla/env'

interface Pending extends Timer {
  readonly dueMs: number
  readonly order: number
  readonly fire: () => void
}

/** Time that stands still until a test moves it. */
export class FakeClock implements Clock {
  #nowMs = 0
  #order = 0
  readonly #pending = new Set<Pending>()

  now(): number {
    return 1_700_000_000_000 + this.#nowMs
  }

  monotonic(): number {
    return this.#nowMs
  }

  after(delayMs: number, fire: () => void): Timer {
    const timer: Pending = { dueMs: this.#nowMs + delayMs, order: this.#order++, fire, cancel: () => void this.#pending.delete(timer) }
    this.#pending.add(timer)
    return timer
  }

  get timerCount(): number {
    return this.#pending.size
  }

  /** Fires what is due, in order, each at its own time. */
  advance(byMs: number): void {
    const endMs = this.#nowMs + byMs
    for (;;) {
      const next = [...this.#pending].filter((timer) => timer.dueMs <= endMs).sort((a, b) => a.dueMs - b.dueMs || a.order - b.order)[0]
      if (next === undefined) break
      this.#nowMs = Math.max(this.#nowMs, next.dueMs)
      this.#pending.delete(next)
      next.fire()
    }
    this.#nowMs = endMs
  }

  /** The loop stalls: time passes, and what is due fires only then. */
  stall(byMs: number): void {
    this.#nowMs += byMs
    this.advance(0)
  }
}

/** Bytes that differ each time and are the same in every run. */
export class CountingRandom implements Random {
  #count = 0

  bytes(count: number): Buffer {
    const bytes = Buffer.alloc(count)
    bytes.writeUInt32BE(++this.#count, count - 4)
    return bytes
  }

  below(limit: number): number {
    return this.#count++ % limit
  }
}

export const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} }
