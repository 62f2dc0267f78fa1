/**
 * A value that comes later in some turn of the loop, for one who waits. A promise would call back only when that turn has ended; this
 * calls at once, so that what it brings is sent in the same turn: one poll of the system and a wake-up less for each ack and each fetch.
 */
export class Later<T> {
  #outcome: { readonly value: T } | { readonly error: unknown } | null = null
  #onValue: ((value: T) => void) | null = null
  #onError: ((error: unknown) => void) | null = null

  resolve(value: T): void {
    if (this.#onValue !== null) this.#onValue(value)
    else this.#outcome = { value }
  }

  reject(error: unknown): void {
    if (this.#onError !== null) this.#onError(error)
    else this.#outcome = { error }
  }

  /** Calls one of the two, once: now, where it is known already. */
  whenSettled(onValue: (value: T) => void, onError: (error: unknown) => void): void {
    if (this.#outcome === null) {
      this.#onValue = onValue
      this.#onError = onError
    } else if ('value' in this.#outcome) onValue(this.#outcome.value)
    else onError(this.#outcome.error)
  }
}
