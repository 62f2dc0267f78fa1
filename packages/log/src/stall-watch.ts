import type { Env } from '@ottla/env'
import type { Pace } from './pace.ts'

export const STALL_CHECK_MS = 500
/** A call that the device takes so long for: appends go off the loop. */
const STALL_MS = 1000
/** And so long: the operator is told. */
const TOLD_MS = 3000

/**
 * Looks how long the device lets the calls under way wait. Appends are written to the page cache on the loop, which takes microseconds
 * until the kernel, some time after the device stopped, lets writers wait as well: the syncs that hang are the warning.
 */
export class StallWatch {
  readonly #env: Pick<Env, 'clock' | 'disk' | 'log'>
  readonly #path: string
  readonly #pace: Pace
  /** The oldest call under way at the last check, and how many checks have seen it: they tell apart a device from a loop that was busy. */
  #sinceMs = Infinity
  #checkCount = 0
  #toldSinceMs = Infinity

  constructor(env: Pick<Env, 'clock' | 'disk' | 'log'>, path: string, pace: Pace) {
    this.#env = env
    this.#path = path
    this.#pace = pace
  }

  /** To be called every `STALL_CHECK_MS`. */
  check(): void {
    const { clock, disk, log } = this.#env
    const { waitingSinceMs } = disk
    this.#checkCount = waitingSinceMs === this.#sinceMs && waitingSinceMs < Infinity ? this.#checkCount + 1 : 0
    this.#sinceMs = waitingSinceMs
    const waitedMs = this.#checkCount * STALL_CHECK_MS
    const nowMs = clock.monotonic()
    if (waitedMs >= STALL_MS) this.#pace.stalled(nowMs)
    if (waitedMs >= TOLD_MS && this.#toldSinceMs === Infinity) {
      this.#toldSinceMs = waitingSinceMs
      const what = 'appends and reads that need it wait; what lies elsewhere, or in memory, is served'
      log.error(`${this.#path}: the disk does not answer; ${what}`, { seconds: Math.round((nowMs - waitingSinceMs) / 1000) })
    } else if (waitedMs === 0 && this.#toldSinceMs < Infinity) {
      log.info(`${this.#path}: the disk answers again`, { seconds: Math.round((nowMs - this.#toldSinceMs) / 1000) })
      this.#toldSinceMs = Infinity
    }
  }
}
