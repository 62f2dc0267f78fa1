import { SLAB_BYTES, Slab, takeSlab } from './slab.ts'

/** A whole frame lies in `slab.bytes` from `start` to `end`, its length not included. The view is good until the turn ends. */
export type OnFrame = (slab: Slab, start: number, end: number) => void

/** The buffer that every connection reads into while it has no unfinished frame. Idle connections keep it posted, so it lives for ever. */
const common = new Slab(Buffer.allocUnsafeSlow(SLAB_BYTES), true)

/** A frame's buffer grows as its bytes come, so that a length alone takes no memory. */
const GROWTH_BYTES = 1 << 20

/** Cuts a stream into frames of a 4-byte length and a body, in place. Only an unfinished frame has a buffer of its own. */
export class Frames {
  #slab: Slab = common
  #start = 0
  #fill = 0
  readonly #sizeMax: number
  readonly #onFrame: OnFrame

  constructor(sizeMax: number, onFrame: OnFrame) {
    this.#sizeMax = sizeMax
    this.#onFrame = onFrame
  }

  /** Where the next bytes go. What the last ones held may be moved or overwritten now, unless someone holds the slab. */
  space(): Buffer {
    const slab = this.#slab
    const rest = this.#fill - this.#start
    if (rest === 0) {
      if (slab !== common) slab.letGo()
      this.#slab = common
      this.#start = this.#fill = 0
      return common.bytes
    }
    const frame = rest >= 4 ? slab.bytes.readInt32BE(this.#start) + 4 : 4
    const wanted = Math.min(frame, Math.max(rest * 2, GROWTH_BYTES))
    if (slab === common || slab.shared || wanted > slab.bytes.length) {
      const own = takeSlab(wanted)
      slab.bytes.copy(own.bytes, 0, this.#start, this.#fill)
      if (slab !== common) slab.letGo()
      this.#slab = own
      this.#start = 0
      this.#fill = rest
    } else if (this.#start > 0) {
      slab.bytes.copyWithin(0, this.#start, this.#fill)
      this.#start = 0
      this.#fill = rest
    }
    return this.#slab.bytes.subarray(this.#fill)
  }

  /** False where a length is negative or above the limit: the stream is of no more use. */
  received(length: number): boolean {
    this.#fill += length
    const bytes = this.#slab.bytes
    while (this.#fill - this.#start >= 4) {
      const size = bytes.readInt32BE(this.#start)
      if (size < 0 || size > this.#sizeMax) return false
      const start = this.#start + 4
      const end = start + size
      if (end > this.#fill) break
      this.#start = end
      this.#onFrame(this.#slab, start, end)
    }
    return true
  }

  /** What came of a frame that is not whole, its length included. The view is good until the turn ends. */
  get unfinished(): Buffer {
    return this.#slab.bytes.subarray(this.#start, this.#fill)
  }

  close(): void {
    if (this.#slab !== common) this.#slab.letGo()
    this.#slab = common
    this.#start = this.#fill = 0
  }
}
