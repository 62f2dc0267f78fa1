import { recordBatch } from '@ottla/protocol'
import type { Slab } from '@ottla/wire'
import { AppendGroup, DURABLE_GROUP_BYTES_MAX } from './append-group.ts'
import { hasNoDescriptor, isFull } from './full-disk.ts'
import type { LogHome } from './log-home.ts'
import { LogSyncer } from './log-syncer.ts'
import type { Segment } from './segment.ts'

/** The log that a writer writes for. */
export interface WriterOwner {
  /** `writtenOffset` or `flushedOffset` moved. Readers are told before acks are given: to them it is news, to producers a formality. */
  advanced(): void
  /** Could not write from `offset` on; the file is cut back to it. All that was appended since is to be forgotten before this resolves. */
  cutBack(offset: number): Promise<void>
  /** Nothing more is to be written or read. */
  takeOffline(error: Error): void
  /** What an append is answered that the disk did not take. */
  refusal(error: Error): Error
}

/**
 * Writes what one log appends: what a turn gathered goes to the page cache in one system call at its end. A group that must be synced, or
 * that comes while the disk is slow, goes through the thread pool; one such is under way at a time, and the next gathers meanwhile. So
 * groups, and their answers, need no other order.
 */
export class LogWriter {
  /** Below it all is in the file. */
  writtenOffset = 0
  /** Below it all survives the loss of power. */
  flushedOffset = 0
  /** Where the newest group was written: where a consumer at the tail reads next. */
  newest: AppendGroup | null = null
  readonly #home: LogHome
  readonly #owner: WriterOwner
  readonly #groups: AppendGroup[] = []
  #storing: AppendGroup | null = null
  #posted = false
  #failed: Error | null = null
  #cutting = false
  #cutWork: Promise<void> = Promise.resolve()
  readonly #syncer: LogSyncer
  #onFinish: (() => void)[] = []
  readonly #endTurn = (): void => {
    this.#posted = false
    this.pump()
  }

  constructor(home: LogHome, owner: WriterOwner) {
    this.#home = home
    this.#owner = owner
    this.#syncer = new LogSyncer(
      home,
      () => this.writtenOffset,
      (offset) => this.#synced(offset),
    )
  }

  #synced(offset: number): void {
    if (offset <= this.flushedOffset || offset > this.writtenOffset) return
    this.flushedOffset = offset
    this.#owner.advanced()
  }

  /** A failed write is being cut off, or the log has failed. */
  get refuses(): boolean {
    return this.#cutting || this.#failed !== null
  }

  /** Takes whole batches for the segment's end. `position` is where they will stand. Answers the group of the last one. */
  add(
    segment: Segment,
    position: number,
    slab: Slab,
    start: number,
    end: number,
    baseOffset: number,
    endOffset: number,
    durable: boolean,
  ): AppendGroup {
    let at = start
    let offset = baseOffset
    while (durable && end - at > DURABLE_GROUP_BYTES_MAX) {
      const piece = endOfPiece(slab.bytes, at, end)
      if (piece.end === end) break
      this.#gather(segment, position + at - start, slab, at, piece.end, offset, piece.endOffset, true)
      at = piece.end
      offset = piece.endOffset
    }
    return this.#gather(segment, position + at - start, slab, at, end, offset, endOffset, durable)
  }

  #gather(
    segment: Segment,
    position: number,
    slab: Slab,
    start: number,
    end: number,
    baseOffset: number,
    endOffset: number,
    durable: boolean,
  ): AppendGroup {
    const groups = this.#groups
    let group = groups.length === 0 ? null : groups[groups.length - 1]!
    if (group === null || group.segment !== segment || (group.durable && group.sizeBytes + end - start > DURABLE_GROUP_BYTES_MAX)) {
      group = new AppendGroup(segment, position, baseOffset, durable)
      segment.gather()
      groups.push(group)
    } else if (durable) {
      group.durable = true
    }
    group.add(slab, start, end, endOffset, this.#home.copies)
    if (!this.#posted) {
      this.#posted = true
      this.#home.env.loop.atEndOfTurn(this.#endTurn)
    }
    return group
  }

  /** The newest group that isn't finished, or null: all that was appended is written. */
  get unfinished(): AppendGroup | null {
    return this.#groups.length > 0 ? this.#groups[this.#groups.length - 1]! : this.#storing
  }

  /** Writes what was gathered, as far as no group is under way. */
  pump(): void {
    const groups = this.#groups
    while (this.#storing === null && groups.length > 0 && !this.refuses) {
      const group = groups.length === 1 ? groups.pop()! : groups.shift()!
      if (group.durable || this.#home.pace.slow) this.#storeLater(group)
      else this.#store(group)
    }
  }

  #store(group: AppendGroup): void {
    const {
      env: { clock },
      pace,
    } = this.#home
    const beganMs = clock.monotonic()
    group.segment.store()
    try {
      group.segment.fileToWrite().write(group.position, group.views)
    } catch (error) {
      this.#fail(group, error as Error)
      return
    }
    const nowMs = clock.monotonic()
    pace.took(nowMs - beganMs, nowMs)
    this.#finish(group, false)
  }

  #storeLater(group: AppendGroup): void {
    this.#storing = group
    this.#write(group).then(
      (synced) => {
        this.#storing = null
        this.#finish(group, synced)
        this.pump()
      },
      (error: unknown) => this.#fail(group, error as Error),
    )
  }

  /** One durable write, where nothing before it still waits for a sync; else a write, and a sync of all. Answers whether it was synced. */
  async #write(group: AppendGroup): Promise<boolean> {
    const {
      env: { clock },
      pace,
      syncs,
      writes,
    } = this.#home
    const { segment } = group
    if (group.durable) {
      const alone = this.flushedOffset === group.baseOffset && !segment.nameUnsynced
      if (alone) {
        await syncs.run(() => writeNow(group, true))
        return true
      }
      await writes.run(() => writeNow(group, false))
      this.#wrote(group)
      await this.#syncer.sync()
      return true
    }
    let beganMs = 0
    pace.handedOffCount++
    await writes.run(() => {
      beganMs = clock.monotonic()
      return writeNow(group, false)
    })
    const nowMs = clock.monotonic()
    pace.took(nowMs - beganMs, nowMs)
    return false
  }

  #wrote(group: AppendGroup): void {
    if (group.endOffset <= this.writtenOffset) return
    group.segment.writtenBytes = group.position + group.sizeBytes
    this.writtenOffset = group.endOffset
    this.newest = group
    this.#syncer.wrote(group.segment)
  }

  #finish(group: AppendGroup, synced: boolean): void {
    this.#wrote(group)
    if (synced && group.endOffset > this.flushedOffset) {
      this.flushedOffset = group.endOffset
      this.#syncer.clear()
    }
    group.letGo()
    group.segment.release()
    this.#home.full.passed()
    this.#owner.advanced()
    const { acks } = group
    for (let i = 0; i < acks.length; i++) acks[i]!(null)
    this.#wakeFinish()
  }

  #wakeFinish(): void {
    if (this.#onFinish.length === 0) return
    const woken = this.#onFinish
    this.#onFinish = []
    for (const wake of woken) wake()
  }

  /** Cuts off what a failed write may have left, before anyone is answered. All that gathered behind it fails with it. */
  #fail(group: AppendGroup, error: Error): void {
    this.#cutting = true
    this.#storing = group
    this.#cutWork = this.#cut(group, error)
  }

  async #cut(group: AppendGroup, error: Error): Promise<void> {
    let cause = error
    try {
      if (this.writtenOffset <= group.baseOffset) await group.segment.fileToWrite().truncate(group.position)
    } catch (second) {
      cause = second as Error
    }
    const failed = [group, ...this.#groups]
    for (const each of this.#groups) each.segment.store()
    this.#groups.length = 0
    this.#storing = null
    this.#wakeFinish()
    if (isFull(cause)) {
      try {
        await this.#owner.cutBack(group.baseOffset)
      } catch (second) {
        // what it takes its end for and what its file has are no longer the same
        if (hasNoDescriptor(second)) this.#owner.takeOffline(second as Error)
        else this.#home.fail(second as Error)
      }
    } else {
      this.#home.fail(cause)
    }
    this.#cutting = false
    const refusal = this.#owner.refusal(cause)
    let refusedCount = 0
    for (const each of failed) {
      each.letGo()
      each.segment.release()
      refusedCount += each.acks.length
      for (const ack of each.acks) ack(refusal)
    }
    if (isFull(cause)) this.#home.full.refused(cause, refusedCount)
    this.#wakeFinish()
    this.#owner.advanced()
  }

  /** Resolves once all that was appended before the call survives the loss of power. */
  async flush(): Promise<void> {
    const target = this.unfinished?.endOffset ?? this.writtenOffset
    this.pump()
    while (this.writtenOffset < target) {
      if (this.#failed !== null) throw this.#failed
      const before = this.writtenOffset
      await new Promise<void>((resolve) => this.#onFinish.push(resolve))
      if (this.writtenOffset < before) return
      if (this.unfinished === null) break
    }
    if (this.#failed !== null) throw this.#failed
    if (this.flushedOffset < target) await this.#syncer.sync()
  }

  /** The log ends at `offset` now, in the file too; nothing is gathered or under way. */
  moveTo(offset: number, flushedOffset: number): void {
    this.writtenOffset = offset
    this.flushedOffset = Math.min(flushedOffset, offset)
    this.newest = null
  }

  /** Once all groups under way are done; none gathers. */
  async idle(): Promise<void> {
    this.pump()
    while (this.unfinished !== null && this.#failed === null) await new Promise<void>((resolve) => this.#onFinish.push(resolve))
    await this.#cutWork
    await this.#syncer.idle()
  }

  /** No more is written; those who wait are told. */
  stop(error: Error): void {
    if (this.#failed !== null) return
    this.#failed = error
    const groups = this.#groups.splice(0)
    for (const group of groups) {
      group.letGo()
      group.segment.store()
      group.segment.release()
      for (const ack of group.acks) ack(error)
    }
    this.#wakeFinish()
  }
}

/** While it waits for its turn its file may be closed. */
function writeNow({ segment, position, views }: AppendGroup, durable: boolean): Promise<void> {
  segment.store()
  return segment.fileToWrite().writeLater(position, views, durable)
}

/** As many batches from `start` on as one durable group may have, one at least. */
function endOfPiece(bytes: Buffer, start: number, end: number): { end: number; endOffset: number } {
  let at = start
  let endOffset = 0
  while (at < end) {
    const next = at + recordBatch.sizeBytes(bytes, at)
    if (at > start && next - start > DURABLE_GROUP_BYTES_MAX) break
    endOffset = recordBatch.lastOffset(bytes, at) + 1
    at = next
  }
  return { end: at, endOffset }
}
