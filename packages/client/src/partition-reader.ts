import type { ConsumedBatch } from './consumed-batch.ts'
import type { OffsetSpec } from './offsets.ts'

interface Buffered {
  readonly batch: ConsumedBatch
  /** Nothing in it is for the user: it only moves the position. */
  readonly hidden: boolean
}

/** One assigned partition: where its reading stands, and what is fetched and not yet handed out. */
export class PartitionReader {
  readonly topic: string
  readonly partition: number
  paused = false
  /** Next offset to hand out; -1 while it is looked up. */
  position = -1
  /** Leader epoch of the last record handed out, for commits; -1: not known. */
  positionEpoch = -1
  /** Up to here the user is done: what auto-commit commits. -1: nothing. */
  processed = -1
  processedEpoch = -1
  committed = -1
  /** Next offset to fetch, ahead of `position`. */
  fetchOffset = -1
  fetchEpoch = -1
  /** Where to look for a position, while there is none. Undefined: the group's committed offset, then autoOffsetReset. */
  resetTo: OffsetSpec | undefined
  /** Its position is being looked up. */
  resolving = false
  highWatermark = -1
  /** What a reader may read: the last stable offset where it reads committed, else the high watermark. */
  endOffset = -1
  logStartOffset = -1
  preferredReplica = -1
  /** Monotonic: not fetched before. */
  notBeforeMs = 0
  failures = 0
  bufferedBytes = 0
  #buffered: Buffered[] = []

  constructor(topic: string, partition: number) {
    this.topic = topic
    this.partition = partition
  }

  /** Reads on from `offset`; what was buffered is dropped. `leaderEpoch`: of the record before it. */
  seek(offset: number, leaderEpoch = -1): void {
    this.#buffered = []
    this.bufferedBytes = 0
    this.position = this.processed = this.fetchOffset = offset
    this.positionEpoch = this.processedEpoch = this.fetchEpoch = leaderEpoch
    this.resetTo = undefined
    this.notBeforeMs = 0
  }

  /** Has no position until one is found: `to`, or the committed offset. */
  reset(to: OffsetSpec | undefined): void {
    this.seek(-1)
    this.resetTo = to
  }

  add(batch: ConsumedBatch, hidden: boolean): void {
    this.#buffered.push({ batch, hidden })
    this.bufferedBytes += batch.sizeBytes
    this.fetchOffset = batch.nextOffset
    if (batch.leaderEpoch >= 0) this.fetchEpoch = batch.leaderEpoch
  }

  /** The next batch, from which on the position moves; null where nothing is there. */
  take(): ConsumedBatch | null {
    for (let next = this.#buffered.shift(); next !== undefined; next = this.#buffered.shift()) {
      this.bufferedBytes -= next.batch.sizeBytes
      this.position = next.batch.nextOffset
      this.positionEpoch = next.batch.leaderEpoch
      if (!next.hidden) return next.batch
      this.settle()
    }
    return null
  }

  /** All that was handed out is dealt with. */
  settle(): void {
    this.processed = this.position
    this.processedEpoch = this.positionEpoch
  }

  get hasBatches(): boolean {
    return this.#buffered.length > 0
  }
}
