import type { Clock, Timer } from '../env.ts'
import type { NodeLoop } from './loop.ts'

/** Node takes longer delays for 1 ms. */
const DELAY_MAX_MS = 0x7fffffff

export class NodeClock implements Clock {
  readonly #loop: NodeLoop

  constructor(loop: NodeLoop) {
    this.#loop = loop
  }

  now(): number {
    return Date.now()
  }

  monotonic(): number {
    return performance.now()
  }

  after(delayMs: number, fire: () => void): Timer {
    return new NodeTimer(this.#loop, delayMs, fire)
  }
}

class NodeTimer implements Timer {
  readonly #loop: NodeLoop
  readonly #fire: () => void
  readonly #dueMs: number
  #handle: NodeJS.Timeout | null = null

  constructor(loop: NodeLoop, delayMs: number, fire: () => void) {
    this.#loop = loop
    this.#fire = fire
    this.#dueMs = performance.now() + delayMs
    this.#arm(delayMs)
  }

  cancel(): void {
    if (this.#handle !== null) clearTimeout(this.#handle)
    this.#handle = null
  }

  #arm(delayMs: number): void {
    this.#handle = setTimeout(ring, Math.min(Math.ceil(delayMs), DELAY_MAX_MS), this)
    this.#handle.unref()
  }

  /** Node counts from the start of the loop's round, so a timer set late in a long round comes early by its length. */
  ring(): void {
    const leftMs = this.#dueMs - performance.now()
    if (leftMs > 0) {
      this.#arm(leftMs)
      return
    }
    this.#handle = null
    this.#loop.event(this.#fire)
  }
}

function ring(timer: NodeTimer): void {
  timer.ring()
}
