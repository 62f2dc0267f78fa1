import type { Dice } from './dice.ts'

/** What a crash keeps or loses as one: a page of the page cache, or a sector of the platter where the crash fell into the writing of a page. */
const PIECE_BYTES = [4096, 512]
/** How often a crash tears the piece that was under the head, or that was also written back before its last change. */
const TORN_RATE = 0.05
/** How often a file's new size is on the platter though its last pages are not: they read as zeros. */
const SIZE_ALONE_RATE = 0.2

interface Span {
  from: number
  to: number
}

interface Sync {
  end(): void
  fail(dice: Dice): void
}

/** A file's content twice: as the page cache has it, and as the platter does. */
export class Inode {
  bytes: Buffer = Buffer.alloc(0)
  sizeBytes = 0
  modifiedMs = 0
  /** Of room that it may grow into; 0: none is kept for it. */
  reservedBytes = 0
  /** Whether the page cache has it; the writer's pages are there. */
  resident = true
  #durable: Buffer = Buffer.alloc(0)
  #durableSize = 0
  /** Written and not synced. */
  #dirty: Span[] = []
  readonly #syncing = new Set<Span[]>()
  /** Cut to here and not synced. */
  #cutTo = Infinity

  put(position: number, bytes: Uint8Array): void {
    const end = position + bytes.length
    this.bytes = roomy(this.bytes, end)
    this.bytes.set(bytes, position)
    this.sizeBytes = Math.max(this.sizeBytes, end)
    const last = this.#dirty.at(-1)
    if (last !== undefined && last.to === position) last.to = end
    else this.#dirty.push({ from: position, to: end })
  }

  cut(sizeBytes: number): void {
    this.reservedBytes = 0
    if (sizeBytes > this.sizeBytes) {
      this.put(this.sizeBytes, Buffer.alloc(sizeBytes - this.sizeBytes))
      return
    }
    this.bytes.fill(0, sizeBytes)
    this.sizeBytes = sizeBytes
    this.#cutTo = Math.min(this.#cutTo, sizeBytes)
    for (const span of this.#dirty) span.to = Math.min(span.to, sizeBytes)
    this.#dirty = this.#dirty.filter((span) => span.from < span.to)
  }

  /** A write that reaches the platter before it is answered. The cut before it does too. */
  putDurable(position: number, bytes: Uint8Array): void {
    this.#settleCut()
    this.#settle(position, position + bytes.length)
  }

  /** What a sync that starts now has to do, with what others under way (or left behind by a killed process) have not done yet. */
  beginSync(): Sync {
    const spans = [...this.#syncing].flat().concat(this.#dirty)
    this.#dirty = []
    this.#syncing.add(spans)
    return {
      end: () => {
        this.#syncing.delete(spans)
        this.#settleCut()
        for (const { from, to } of spans) this.#settle(from, Math.min(to, this.sizeBytes))
      },
      // as Linux does: the pages count as clean from now on, whether or not they got there
      fail: (dice) => {
        this.#syncing.delete(spans)
        if (dice.chance(0.5)) this.#settleCut()
        const end = Math.min(this.sizeBytes, this.#cutTo)
        for (const span of spans) {
          if (dice.chance(0.5)) this.#settle(span.from, Math.min(span.to, end))
          span.to = span.from
        }
      },
    }
  }

  /**
   * Any of the pages that were not synced may have reached the platter, whichever came first. Answers how many pieces there were to lose, and
   * how many were lost.
   */
  crash(dice: Dice): { unsynced: number; lost: number } {
    const keepRate = [0, 0.5, 0.9, 1][dice.below(4)]!
    const pieceBytes = PIECE_BYTES[dice.below(PIECE_BYTES.length)]!
    const cutKept = dice.chance(0.5)
    // blocks behind a cut are given out only once the cut is on the platter
    const end = cutKept ? this.sizeBytes : Math.min(this.sizeBytes, this.#cutTo)
    if (cutKept) this.#settleCut()
    const kept = new Map<number, boolean>()
    let written = 0
    for (const span of [...this.#syncing].flat().concat(this.#dirty)) {
      written = Math.max(written, Math.min(span.to, end))
      for (let at = span.from - (span.from % pieceBytes); at < span.to; at += pieceBytes) {
        const from = Math.max(at, span.from)
        let to = Math.min(at + pieceBytes, span.to, end)
        if (to <= from) continue
        if (!kept.has(at)) kept.set(at, dice.chance(keepRate))
        if (!kept.get(at)!) continue
        if (dice.chance(TORN_RATE)) to = from + 1 + dice.below(to - from)
        this.#settle(from, to)
      }
    }
    if (written > this.#durableSize && dice.chance(SIZE_ALONE_RATE)) this.#growDurable(written)
    this.#dirty = []
    this.#syncing.clear()
    this.#cutTo = Infinity
    this.bytes = Buffer.from(this.#durable)
    this.sizeBytes = this.#durableSize
    this.bytes.fill(0, this.sizeBytes)
    this.resident = false
    let lost = 0
    for (const one of kept.values()) if (!one) lost++
    return { unsynced: kept.size, lost }
  }

  /** Decay: the bit is wrong for all who read from now on. */
  flipBit(position: number, bit: number): void {
    const mask = 1 << bit
    if (position < this.sizeBytes) this.bytes[position]! ^= mask
    if (position < this.#durableSize) this.#durable[position]! ^= mask
  }

  #settle(from: number, to: number): void {
    if (to <= from) return
    this.#growDurable(to)
    this.bytes.copy(this.#durable, from, from, to)
  }

  #growDurable(size: number): void {
    this.#durable = roomy(this.#durable, size)
    this.#durableSize = Math.max(this.#durableSize, size)
  }

  #settleCut(): void {
    if (this.#cutTo === Infinity) return
    this.#durable.fill(0, this.#cutTo)
    this.#durableSize = Math.min(this.#durableSize, this.#cutTo)
    this.#cutTo = Infinity
  }
}

function roomy(bytes: Buffer, size: number): Buffer {
  if (size <= bytes.length) return bytes
  const more = Buffer.alloc(Math.max(size, bytes.length * 2, 4096))
  bytes.copy(more)
  return more
}
