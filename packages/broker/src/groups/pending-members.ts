import type { Clock, Timer } from '@ottla/env'

/** Member ids that were given out and have not joined yet (KIP-394). */
export class PendingMembers {
  readonly #clock: Clock
  readonly #expired: () => void
  readonly #timers = new Map<string, Timer>()

  /** `expired` is called when one did not come within its session timeout. */
  constructor(clock: Clock, expired: () => void) {
    this.#clock = clock
    this.#expired = expired
  }

  get size(): number {
    return this.#timers.size
  }

  has(memberId: string): boolean {
    return this.#timers.has(memberId)
  }

  add(memberId: string, sessionTimeoutMs: number): void {
    this.#timers.set(
      memberId,
      this.#clock.after(sessionTimeoutMs, () => {
        this.#timers.delete(memberId)
        this.#expired()
      }),
    )
  }

  /** It has come, or will not: false where there was none of this id. */
  delete(memberId: string): boolean {
    this.#timers.get(memberId)?.cancel()
    return this.#timers.delete(memberId)
  }

  clear(): void {
    for (const timer of this.#timers.values()) timer.cancel()
    this.#timers.clear()
  }
}
