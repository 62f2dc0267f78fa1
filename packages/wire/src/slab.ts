/** Pooled memory that frames lie in. Whoever needs a frame after its event holds the slab and lets go later. */
export class Slab {
  readonly bytes: Buffer
  /** Read into again and again by everyone: it can't be held, only copied from. */
  readonly common: boolean
  #holds = 1

  constructor(bytes: Buffer, common = false) {
    this.bytes = bytes
    this.common = common
  }

  get shared(): boolean {
    return this.#holds > 1
  }

  hold(): void {
    this.#holds++
  }

  letGo(): void {
    if (--this.#holds > 0) return
    this.#holds = 1
    giveBack(this)
  }
}

export const SLAB_BYTES = 65536
/** What lies unused, per size and in all: enough for a busy moment, little beside the process. */
const FREE_BYTES_MAX = 16 << 20
const free = new Map<number, Slab[]>()
let freeBytes = 0

/** A slab of at least `sizeBytes`: a power of two, 64 KiB or more. Its first holder is the caller. */
export function takeSlab(sizeBytes: number): Slab {
  let size = SLAB_BYTES
  while (size < sizeBytes) size *= 2
  const slab = free.get(size)?.pop()
  if (slab === undefined) return new Slab(Buffer.allocUnsafeSlow(size))
  freeBytes -= size
  return slab
}

function giveBack(slab: Slab): void {
  const size = slab.bytes.length
  if (freeBytes + size > FREE_BYTES_MAX) return
  freeBytes += size
  const list = free.get(size)
  if (list === undefined) free.set(size, [slab])
  else list.push(slab)
}
