import { setTimeout as pause } from 'node:timers/promises'

/** The first thing that went wrong, whoever found it. */
export class Failures {
  first: Error | null = null

  add(error: unknown, of: string): void {
    this.first ??= new Error(`${of}: ${(error as Error).message}`, { cause: error })
  }

  check(): void {
    if (this.first !== null) throw this.first
  }
}

/** Does its work over and over, with a pause in between, until it is stopped or the work fails. */
export class Repeated {
  readonly #ended: Promise<void>
  readonly #stop = new AbortController()

  constructor(failures: Failures, name: string, pauseMs: number, work: () => Promise<unknown> | void) {
    this.#ended = this.#run(pauseMs, work).catch((error: unknown) => failures.add(error, name))
  }

  get stopping(): boolean {
    return this.#stop.signal.aborted
  }

  /** Resolves once the work under way has ended. */
  stop(): Promise<void> {
    this.#stop.abort()
    return this.#ended
  }

  async #run(pauseMs: number, work: () => Promise<unknown> | void): Promise<void> {
    while (!this.stopping) {
      await work()
      await pause(pauseMs * (0.5 + Math.random()), undefined, { signal: this.#stop.signal }).catch(() => {})
    }
  }
}

export const choose = <T>(from: readonly T[]): T => from[Math.floor(Math.random() * from.length)]!
