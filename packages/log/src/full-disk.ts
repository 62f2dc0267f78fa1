import { EnvError, type Disk, type Env, type Timer } from '@ottla/env'

/** No space is left, or no descriptor: unlike other failures of a disk this may pass, so nothing goes offline for it. */
export function isFull(error: unknown): boolean {
  return error instanceof EnvError && (error.code === 'full' || error.code === 'no-descriptor')
}

export function hasNoDescriptor(error: unknown): boolean {
  return error instanceof EnvError && error.code === 'no-descriptor'
}

/** While the disk is full and appends are refused, that is said again so often. */
const REMIND_MS = 60_000
/** There is room again where so long after an append nothing was refused: on a disk that is nearly full small ones still fit. */
const PASSED_MS = 2_000

type Told = Pick<Env, 'clock' | 'log'> & { readonly disk: Pick<Disk, 'openFilesMax'> }

/** What the operator is told of one full disk: that it began, now and then how much it refused, that it ended. Never a line an append. */
export class FullDisk {
  readonly #env: Told
  readonly #path: string
  #isFull = false
  #sinceMs = 0
  #remindedMs = 0
  #refusedCount = 0
  #lackedMs = -Infinity
  /** Runs from the first write that found room; a write that finds none stops it. */
  #passing: Timer | null = null

  constructor(env: Told, path: string) {
    this.#env = env
    this.#path = path
  }

  /** A write found no room, and so many appends are refused for it; 0: it was a file of our own. */
  refused(error: Error, appendCount: number): void {
    const { clock, log } = this.#env
    if (hasNoDescriptor(error)) {
      this.lackedDescriptor(error)
      return
    }
    const nowMs = clock.monotonic()
    this.#refusedCount += appendCount
    this.#passing?.cancel()
    this.#passing = null
    if (!this.#isFull) {
      this.#isFull = true
      this.#sinceMs = this.#remindedMs = nowMs
      const what = 'appends to its partitions are refused, what they have is served. Make room, then producers go on'
      log.error(`${this.#path}: no space left; ${what}`, { error: error.message })
    } else if (nowMs - this.#remindedMs >= REMIND_MS) {
      this.#remindedMs = nowMs
      log.warn(`${this.#path}: still no space left`, this.#facts())
    }
  }

  /** A file could not be opened, and none could be closed for it. */
  lackedDescriptor(error: Error): void {
    const nowMs = this.#env.clock.monotonic()
    if (nowMs - this.#lackedMs < REMIND_MS) return
    this.#lackedMs = nowMs
    const { openFilesMax } = this.#env.disk
    const what = `this process may have ${openFilesMax} files and connections open, and needs more: raise ulimit -n, or LimitNOFILE= of its service`
    this.#env.log.error(`${this.#path}: no file descriptor left; ${what}`, { error: error.message })
  }

  /** A write found room. */
  passed(): void {
    if (!this.#isFull || this.#passing !== null) return
    this.#passing = this.#env.clock.after(PASSED_MS, () => {
      this.#passing = null
      this.#isFull = false
      this.#env.log.info(`${this.#path}: there is room again, appends go on`, this.#facts())
      this.#refusedCount = 0
    })
  }

  /** Says nothing any more of what is still to pass. */
  close(): void {
    this.#passing?.cancel()
    this.#passing = null
  }

  #facts(): object {
    return { refusedAppends: this.#refusedCount, seconds: Math.round((this.#env.clock.monotonic() - this.#sinceMs) / 1000) }
  }
}
