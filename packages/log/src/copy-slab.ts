import { Slab, takeSlab } from '@ottla/wire'

/**
 * Where appends that lie in a buffer shared by all connections are copied to until the end of the turn: one slab for all logs, filled from
 * the start again as soon as nobody needs what is in it.
 */
export class CopySlab {
  #slab: Slab | null = null
  #at = 0

  /** Copies [start, end) of `from`. Held for the caller, who lets go of `slab` later; the copy starts at `at`. */
  copy(from: Buffer, start: number, end: number): { slab: Slab; at: number } {
    const size = end - start
    let slab = this.#slab
    if (slab !== null && !slab.shared) this.#at = 0
    if (slab === null || this.#at + size > slab.bytes.length) {
      slab?.letGo()
      slab = this.#slab = takeSlab(size)
      this.#at = 0
    }
    const at = this.#at
    from.copy(slab.bytes, at, start, end)
    this.#at = at + size
    slab.hold()
    return { slab, at }
  }
}
