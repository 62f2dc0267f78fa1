import { performance } from 'node:perf_hooks'
import { later, type Done } from './errors.ts'

/** libuv's own default. */
const THREADS_DEFAULT = 4
/** As many threads compress and decompress at a time, at most: see the logs' CodecWork. */
const CODEC_THREADS = 4
/** Of the others, the part that is left to what has no lane: the keeper, names to look up. */
const FREE_SHARE = 1 / 4
const LANE_MIN = 2

/** The lanes of one environment: together they leave threads free, whatever hangs. */
export class Lanes {
  #count = 0

  add(): Lane {
    this.#count++
    return new Lane(this)
  }

  /** As many calls of one lane may be in the thread pool at once. */
  get countMax(): number {
    const threads = Number(process.env['UV_THREADPOOL_SIZE'] ?? THREADS_DEFAULT)
    return Math.max(LANE_MIN, Math.floor(((threads - CODEC_THREADS) * (1 - FREE_SHARE)) / this.#count))
  }
}

/**
 * The calls that wait for one device. They wait in threads, of which the process has few: no more than its share is there at once, lest a
 * device that hangs keeps the threads from all others.
 */
export class Lane {
  readonly #lanes: Lanes | null
  readonly #waiting: (() => void)[] = []
  /** When those that are timed began, oldest first. */
  readonly #startsMs: number[] = []
  #running = 0

  /** Null: there is no limit. */
  constructor(lanes: Lanes | null) {
    this.#lanes = lanes
  }

  /** Since when, on the monotonic clock, the oldest call under way waits; Infinity: none does. */
  get waitingSinceMs(): number {
    return this.#startsMs[0] ?? Infinity
  }

  /** As `later` of errors.ts, in its turn. `timed`: that it takes long says something of the device. */
  later<T>(start: (done: Done<T>) => void, timed = true): Promise<T> {
    return later((done) => {
      const run = (): void => {
        const startMs = performance.now()
        this.#running++
        if (timed) this.#startsMs.push(startMs)
        start((error, value) => {
          this.#running--
          if (timed) this.#startsMs.splice(this.#startsMs.indexOf(startMs), 1)
          this.#waiting.shift()?.()
          done(error, value)
        })
      }
      if (this.#lanes === null || this.#running < this.#lanes.countMax) run()
      else this.#waiting.push(run)
    })
  }
}
