import type { Clock } from '@ottla/env'
import type { CodecWork } from '../codec-work.ts'

/** So long, or so many records, may be worked at in one go: a turn of the loop stays below 10 ms (design §6). */
const WORK_MS = 4
const RECORDS_MAX = 4000
/** The clock is looked at once for so many. */
const RECORDS_BETWEEN = 32
/** A wait for the rate is looked at again this often: the rate may have changed, or the work may be in vain by then. */
const LOOK_MS = 200
/** What was not used for so long may not be used at once. */
const WINDOW_MS = 1000

/** What all the work of a directory's cleaner shares: the turns of the loop, and a rate of reads and writes. */
export class CleanerPace {
  readonly #clock: Clock
  /** Bytes in a second. */
  readonly #rateMax: () => number
  readonly #waiting: (() => void)[] = []
  #rate = Infinity
  #windowBeganMs = 0
  #windowBytes = 0

  constructor(clock: Clock, rateMax: () => number) {
    this.#clock = clock
    this.#rateMax = rateMax
  }

  now(): number {
    return this.#clock.monotonic()
  }

  /** Resolves in another turn of the loop, for one caller in each. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#waiting.push(resolve) === 1) this.#clock.after(0, () => this.#wake())
    })
  }

  #wake(): void {
    this.#waiting.shift()!()
    if (this.#waiting.length > 0) this.#clock.after(0, () => this.#wake())
  }

  /** So many bytes were moved. */
  count(bytes: number): void {
    this.#windowBytes += bytes
  }

  /** How long to wait before more may be moved, in ms; 0: go on. */
  waitMs(): number {
    const rate = this.#rateMax()
    const nowMs = this.now()
    const dueMs = this.#windowBeganMs + (this.#windowBytes / rate) * 1000
    if (rate !== this.#rate || nowMs - dueMs > WINDOW_MS) {
      this.#rate = rate
      this.#windowBeganMs = nowMs
      this.#windowBytes = 0
      return 0
    }
    return rate >= Number.MAX_SAFE_INTEGER ? 0 : Math.min(LOOK_MS, Math.max(0, dueMs - nowMs))
  }

  pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.#clock.after(delayMs, resolve))
  }
}

/** Cuts the cleaning of one log into turns of the loop. */
export class Turns {
  /** What is read, and what is written, at once. */
  readonly blockBytes: number
  /** What would take up a whole turn is done elsewhere. */
  readonly codecs: CodecWork
  readonly #pace: CleanerPace
  readonly #check: () => void
  #beganMs: number
  #records = 0
  #unlooked = 0

  /** `check` throws where the work is to end; it is called before work goes on. */
  constructor(pace: CleanerPace, codecs: CodecWork, blockBytes: number, check: () => void) {
    this.codecs = codecs
    this.blockBytes = blockBytes
    this.#pace = pace
    this.#check = check
    this.#beganMs = pace.now()
  }

  /** So many records, or as much work, were done. True: it is time for `next`. */
  worked(records: number): boolean {
    this.#unlooked += records
    if (this.#unlooked < RECORDS_BETWEEN) return false
    this.#records += this.#unlooked
    this.#unlooked = 0
    return this.#records >= RECORDS_MAX || this.#pace.now() - this.#beganMs >= WORK_MS
  }

  /** Throws where the work is to end. */
  check(): void {
    this.#check()
  }

  /** Lets others have their turn. */
  async next(): Promise<void> {
    await this.#pace.next()
    this.#goOn()
  }

  /** So many bytes were read or written: waits where that was too fast. */
  async moved(bytes: number): Promise<void> {
    this.#pace.count(bytes)
    for (let waitMs = this.#pace.waitMs(); waitMs > 0; waitMs = this.#pace.waitMs()) {
      await this.#pace.pause(waitMs)
      this.#goOn()
    }
  }

  #goOn(): void {
    this.#beganMs = this.#pace.now()
    this.#records = 0
    this.#check()
  }
}
