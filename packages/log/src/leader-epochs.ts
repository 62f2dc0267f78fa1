import assert from 'node:assert'

/** The first offset that was written in a leader's epoch. */
export interface LeaderEpoch {
  readonly epoch: number
  readonly startOffset: number
}

const UNKNOWN: { readonly epoch: number; readonly endOffset: number } = { epoch: -1, endOffset: -1 }

/**
 * Which leader epoch wrote which offsets of one log (KIP-101, KIP-279; formats §10): epochs and their start offsets both rise. No I/O:
 * a method that answers true has changed the entries, and the log writes them to its `leader-epoch-checkpoint`.
 */
export class LeaderEpochs {
  #entries: LeaderEpoch[]

  /** `entries` oldest first, as read from the checkpoint. */
  constructor(entries: readonly LeaderEpoch[] = []) {
    this.#entries = [...entries]
  }

  /** Oldest first. */
  get entries(): readonly LeaderEpoch[] {
    return this.#entries
  }

  /** The newest epoch, or -1. */
  get latest(): number {
    const entries = this.#entries
    return entries.length === 0 ? -1 : entries[entries.length - 1]!.epoch
  }

  /** The oldest epoch that still has offsets here, or -1. */
  get earliest(): number {
    return this.#entries[0]?.epoch ?? -1
  }

  /** Epoch `epoch` begins at `startOffset`. What contradicts it (a newer or equal epoch, a start at or after this one) goes. */
  assign(epoch: number, startOffset: number): boolean {
    assert(epoch >= 0 && startOffset >= 0, `leader epoch ${epoch} at offset ${startOffset}`)
    const entries = this.#entries
    const last = entries.at(-1)
    if (last !== undefined && last.epoch === epoch && last.startOffset <= startOffset) return false
    let kept = entries.length
    while (kept > 0 && (entries[kept - 1]!.epoch >= epoch || entries[kept - 1]!.startOffset >= startOffset)) kept--
    entries.length = kept
    entries.push({ epoch, startOffset })
    return true
  }

  /**
   * OffsetForLeaderEpoch: the largest epoch here that isn't above the one asked for, and the offset after its last; (-1, -1) for an epoch
   * that is newer than all, unknown, or -1. An epoch older than all ends where the first one starts.
   */
  endOffsetFor(epoch: number, logEndOffset: number): { readonly epoch: number; readonly endOffset: number } {
    const entries = this.#entries
    if (epoch < 0 || epoch > this.latest) return UNKNOWN
    if (epoch === this.latest) return { epoch, endOffset: logEndOffset }
    let higher = entries.length - 1
    while (higher > 0 && entries[higher - 1]!.epoch > epoch) higher--
    return { epoch: entries[higher - 1]?.epoch ?? epoch, endOffset: entries[higher]!.startOffset }
  }

  /** The epoch that wrote `offset` (or will, at the log's end); -1 before the first. */
  epochFor(offset: number): number {
    const entries = this.#entries
    for (let at = entries.length - 1; at >= 0; at--) {
      if (entries[at]!.startOffset <= offset) return entries[at]!.epoch
    }
    return -1
  }

  /** The log now ends at `endOffset`, exclusive. */
  truncateFromEnd(endOffset: number): boolean {
    const entries = this.#entries
    const before = entries.length
    while (entries.length > 0 && entries[entries.length - 1]!.startOffset >= endOffset) entries.pop()
    return entries.length !== before
  }

  /** The log now starts at `startOffset`: the epoch that holds it starts there too. */
  truncateFromStart(startOffset: number): boolean {
    const entries = this.#entries
    let dropped = 0
    while (dropped < entries.length && entries[dropped]!.startOffset <= startOffset) dropped++
    if (dropped === 0) return false
    const holder = entries[dropped - 1]!
    if (dropped === 1 && holder.startOffset === startOffset) return false
    entries.splice(0, dropped, { epoch: holder.epoch, startOffset })
    return true
  }

  /** Forgets all: the log is emptied and starts anew. */
  clear(): void {
    this.#entries = []
  }
}
