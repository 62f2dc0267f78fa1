import { writeWhole } from '@ottla/env/files'
import { fileName } from './file-names.ts'
import { isFull } from './full-disk.ts'
import type { LogHome } from './log-home.ts'
import type { Segment } from './segment.ts'

/** The log whose segments are finished. */
export interface FinishedLog {
  readonly directory: string
  readonly failed: Error | null
  flush(): Promise<void>
}

/**
 * Brings segments that were rolled to rest, one after another, in the background: their data, indexes and the producer snapshot are
 * synced.
 */
export class SegmentFinisher {
  readonly #home: LogHome
  readonly #log: FinishedLog
  readonly #unfinished: Segment[] = []
  /** There was no room for the files of the segment at this base: after a restart recovery makes them. Infinity: for all there was. */
  stuckOffset: number
  #working: Promise<void> = Promise.resolve()

  constructor(home: LogHome, log: FinishedLog, stuckOffset: number) {
    this.#home = home
    this.stuckOffset = stuckOffset
    this.#log = log
  }

  /** The base of the oldest segment that isn't at rest. */
  get unfinishedOffset(): number {
    return Math.min(this.#unfinished[0]?.baseOffset ?? Infinity, this.stuckOffset)
  }

  /** `snapshot` is what was known of producers when the segment ended, at `endOffset`. */
  add(segment: Segment, endOffset: number, snapshot: Buffer): void {
    segment.closeTimes()
    segment.hold()
    this.#unfinished.push(segment)
    this.#home.env.loop.atEndOfTurn(() => {
      this.#working = this.#working.then(() => this.#finish(segment, endOffset, snapshot))
    })
  }

  async #finish(segment: Segment, endOffset: number, snapshot: Buffer): Promise<void> {
    try {
      if (this.#log.failed === null) {
        await this.#log.flush()
        await segment.syncIndexes()
        await segment.giveBackRoom()
        await this.writeSnapshot(endOffset, snapshot)
      }
    } catch (error) {
      if (this.#log.failed !== null) return
      if (isFull(error)) this.stuckOffset = Math.min(this.stuckOffset, segment.baseOffset)
      else this.#home.fail(error as Error)
    } finally {
      segment.release()
      this.#unfinished.splice(this.#unfinished.indexOf(segment), 1)
    }
  }

  /** `<endOffset>.snapshot`, whole and synced. */
  async writeSnapshot(endOffset: number, snapshot: Buffer): Promise<void> {
    await writeWhole(this.#home.env.disk, `${this.#log.directory}/${fileName(endOffset, '.snapshot')}`, snapshot)
  }

  /** Once all segments are at rest. */
  async idle(): Promise<void> {
    while (this.#unfinished.length > 0) {
      const before = this.#working
      await before
      if (this.#working === before && this.#unfinished.length > 0)
        await new Promise<void>((resolve) => this.#home.env.loop.atEndOfTurn(resolve))
    }
  }
}
