import type { Clock } from '@ottla/env'

/** So long, or so many records, may be worked at in one go: a turn of the loop stays below 10 ms (design §6). */
const WORK_MS = 4
const RECORDS_MAX = 4000
/** The clock is looked at once for so many. */
const RECORDS_BETWEEN = 32

/** Cuts the cleaner's work into turns of the loop, and keeps its reads and writes below a rate. */
export class Turns {
  readonly #clock: Clock
  readonly #bytesPerSecondMax: number
  readonly #check: () => void
  #beganMs: number
  #records = 0
  #unlooked = 0
  #windowBeganMs: number
  #windowBytes = 0

  /** `check` throws where the work is to end; it is called before work goes on. */
  constructor(clock: Clock, bytesPerSecondMax: number, check: () => void) {
    this.#clock = clock
    this.#check = check
    this.#bytesPerSecondMax = bytesPerSecondMax
    this.#beganMs = this.#windowBeganMs = clock.monotonic()
  }

  /** So many records, or as much work, were done. True: it is time for `next`. */
  worked(records: number): boolean {
    this.#unlooked += records
    if (this.#unlooked < RECORDS_BETWEEN) return false
    this.#records += this.#unlooked
    this.#unlooked = 0
    return this.#records >= RECORDS_MAX || this.#clock.monotonic() - this.#beganMs >= WORK_MS
  }

  /** Throws where the work is to end. */
  check(): void {
    this.#check()
  }

  /** Lets others have their turn. */
  async next(): Promise<void> {
    await this.#wait(0)
  }

  /** So many bytes were read or written: waits where that was too fast. */
  async moved(bytes: number): Promise<void> {
    if (this.#bytesPerSecondMax >= Number.MAX_SAFE_INTEGER) return
    this.#windowBytes += bytes
    const nowMs = this.#clock.monotonic()
    const dueMs = this.#windowBeganMs + (this.#windowBytes / this.#bytesPerSecondMax) * 1000
    if (dueMs > nowMs) await this.#wait(dueMs - nowMs)
    else if (nowMs - dueMs > 1000) {
      // what was not used before may not be used at once
      this.#windowBeganMs = nowMs
      this.#windowBytes = 0
    }
  }

  async #wait(delayMs: number): Promise<void> {
    await new Promise<void>((resolve) => void this.#clock.after(delayMs, resolve))
    this.#beganMs = this.#clock.monotonic()
    this.#records = 0
    this.#check()
  }
}
