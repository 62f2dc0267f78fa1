/** A write that takes this long on the loop may mean that the kernel makes us wait for the device, … */
const SLOW_MS = 2
/** … and means it where another one did so shortly before: a lone one was the machine's doing, and the thread pool wouldn't mend it. */
const AGAIN_WITHIN_MS = 200
/** Off the loop a group also waits for a thread. */
const SLOW_IN_POOL_MS = 5
/** As many quick groups in a row, over this time at least, end it. */
const QUICK_GROUPS_MIN = 64
const QUICK_MS_MIN = 1000

/** One for all logs of a disk: where one write waits, the next would too, whichever log it is for. While `slow`, groups go off the loop. */
export class Pace {
  slow = false
  /** For the metrics: how often it became slow, and groups handed to the thread pool meanwhile. */
  stallCount = 0
  handedOffCount = 0
  #quickCount = 0
  #slowAtMs = -Infinity

  /** The device does not answer: a write on the loop might wait as long, and all that the process does with it. */
  stalled(nowMs: number): void {
    this.#slowAtMs = nowMs
    this.#quickCount = 0
    if (this.slow) return
    this.slow = true
    this.stallCount++
  }

  /** A group took `ms` and ended at `nowMs` of the monotonic clock. */
  took(ms: number, nowMs: number): void {
    if (ms <= (this.slow ? SLOW_IN_POOL_MS : SLOW_MS)) {
      if (this.slow && ++this.#quickCount >= QUICK_GROUPS_MIN && nowMs - this.#slowAtMs >= QUICK_MS_MIN) this.slow = false
      return
    }
    const again = nowMs - this.#slowAtMs <= AGAIN_WITHIN_MS
    this.#slowAtMs = nowMs
    this.#quickCount = 0
    if (this.slow || !again) return
    this.slow = true
    this.stallCount++
  }
}
