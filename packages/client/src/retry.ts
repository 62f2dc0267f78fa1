import type { Clock, Env } from '@ottla/env'
import { isRetriable } from './errors.ts'

/** Resolves once `delayMs` have passed. */
export function sleep(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(delayMs, resolve)
  })
}

/** How long to wait before the attempt after `failures` of them: twice as long each time, and a fifth of chance either way. */
export class Backoff {
  readonly #env: Env
  readonly #firstMs: number
  readonly #maxMs: number

  constructor(env: Env, firstMs: number, maxMs: number) {
    this.#env = env
    this.#firstMs = firstMs
    this.#maxMs = maxMs
  }

  delayMs(failures: number): number {
    const full = Math.min(this.#maxMs, this.#firstMs * 2 ** Math.min(failures - 1, 20))
    return full * (0.8 + this.#env.random.below(401) / 1000)
  }

  wait(failures: number): Promise<void> {
    return sleep(this.#env.clock, this.delayMs(failures))
  }
}

/**
 * Runs `attempt` until it succeeds, fails for good (`isRetriable`), or the monotonic time `deadlineMs` would pass before the next one;
 * then it rejects with the last error.
 */
export async function retry<T>(env: Env, backoff: Backoff, deadlineMs: number, attempt: () => Promise<T>): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await attempt()
    } catch (error) {
      if (!isRetriable(error)) throw error
      const delayMs = backoff.delayMs(failures)
      if (env.clock.monotonic() + delayMs > deadlineMs) throw error
      await sleep(env.clock, delayMs)
    }
  }
}
