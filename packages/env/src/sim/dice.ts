import type { Random } from '../env.ts'

/** Chance from a seed, by sfc32: small, quick, and the same everywhere. Each stream of a seed is a sequence of its own. */
export class Dice implements Random {
  #a: number
  #b: number
  #c = 0x9e3779b9 | 0
  #d = 1

  constructor(seed: number, stream: number) {
    this.#a = seed | 0
    this.#b = stream | 0
    for (let i = 0; i < 12; i++) this.next()
  }

  /** 32 bits. */
  next(): number {
    const t = (this.#a + this.#b + this.#d) | 0
    this.#d = (this.#d + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + t) | 0
    return t >>> 0
  }

  /** From 0 up to 1, exclusive. */
  fraction(): number {
    return this.next() / 0x100000000
  }

  below(limit: number): number {
    return Math.floor(this.fraction() * limit)
  }

  /** True in `rate` of all cases. Draws nothing for 0, so that a fault left out does not change the rest of a history. */
  chance(rate: number): boolean {
    return rate > 0 && this.fraction() < rate
  }

  bytes(count: number): Buffer {
    const bytes = Buffer.alloc(count)
    for (let i = 0; i < count; i++) bytes[i] = this.next()
    return bytes
  }
}
