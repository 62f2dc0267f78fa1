/** Lets so many pieces of asynchronous work run at once; the longest waiting comes first. */
export class Gate {
  readonly #countMax: number
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(countMax: number) {
    this.#countMax = countMax
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#countMax) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#running++
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#running--
      else next()
    }
  }
}

/** Runs `work` on each item, at most `countMax` at once. The first failure rejects, once those under way are done. */
export async function eachOf<T>(items: Iterable<T>, countMax: number, work: (item: T) => Promise<void>): Promise<void> {
  const iterator = items[Symbol.iterator]()
  let failed = false
  const runner = async (): Promise<void> => {
    for (let next = iterator.next(); next.done !== true && !failed; next = iterator.next()) {
      try {
        await work(next.value)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  const results = await Promise.allSettled(Array.from({ length: countMax }, runner))
  for (const result of results) if (result.status === 'rejected') throw result.reason
}
