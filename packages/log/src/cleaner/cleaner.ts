import { EnvError } from '@ottla/env'
import { CodecWork } from '../codec-work.ts'
import { isFull } from '../full-disk.ts'
import type { LogHome } from '../log-home.ts'
import type { Segment } from '../segment.ts'
import type { CleaningRules } from './clean-batch.ts'
import { cleanableOf, type Cleanable, type CompactedLog } from './cleanable.ts'
import { CleanedTransactions } from './cleaned-transactions.ts'
import type { CleanerSettings } from './cleaner-settings.ts'
import { cleanGroup, discardCleaned, groupSegments, type SegmentGroup } from './clean-segments.ts'
import { KeyOffsetMap } from './key-offset-map.ts'
import { buildOffsetMap } from './offset-map-builder.ts'
import { swapIn } from './swap-in.ts'
import { CleanerPace, Turns } from './turns.ts'

/** The log directory whose logs are compacted. */
export interface CleanerHome extends LogHome {
  readonly path: string
  readonly failed: Error | null
  logs(): Iterable<CompactedLog>
  /** The `cleaner-offset-checkpoint`. */
  cleanedOffset(log: CompactedLog): number | undefined
  /** Durable once resolved; nothing is done where the log `hasChanged` by then. */
  setCleanedOffset(log: CompactedLog, offset: number, hasChanged: () => boolean): Promise<void>
  /** The checkpoint says at least what the log does, durable once resolved; likewise. */
  raiseRecoveryPoint(log: CompactedLog, hasChanged: () => boolean): Promise<void>
}

/** The cleaning is given up: the log or its directory is closed, gone or cut. */
class StoppedError extends Error {}

/** A smaller buffer than this is not worth a read. */
const BLOCK_BYTES_MIN = 4096

/**
 * Compacts the logs of one directory, `threads` at a time, the dirtiest first: of each key the latest record stays (KIP-58, KIP-354, KIP-534,
 * formats §2 and §5). Works in short turns of the loop and reads and writes off it.
 */
export class Cleaner {
  /** Obeyed from the next log on; the rate at once. */
  settings: CleanerSettings
  readonly #home: CleanerHome
  readonly #pace: CleanerPace
  readonly #codecs: CodecWork
  /** Logs that can't be cleaned, as their segments are damaged. */
  readonly #uncleanable = new WeakSet<CompactedLog>()
  readonly #busy = new Set<CompactedLog>()
  readonly #working = new Set<Promise<number>>()
  #stopping = false

  constructor(home: CleanerHome, settings: CleanerSettings) {
    this.#home = home
    this.settings = settings
    this.#pace = new CleanerPace(home.env.clock, () => this.settings.ioBytesPerSecondMax)
    this.#codecs = new CodecWork(home.env.loop)
  }

  /** Cleans what is due now and not under way, with as many at a time as are free to. Answers how many logs were. */
  async run(): Promise<number> {
    const passed = new Set<CompactedLog>()
    const workers: Promise<number>[] = []
    while (this.#working.size < this.settings.threads) {
      const worker = this.#work(passed)
      workers.push(worker)
      this.#working.add(worker)
      const ended = (): boolean => this.#working.delete(worker)
      worker.then(ended, ended)
    }
    const counts = await Promise.all(workers)
    return counts.reduce((sum, count) => sum + count, 0)
  }

  /** Ends all cleaning under way; resolves once nothing is. */
  async stop(): Promise<void> {
    this.#stopping = true
    await Promise.allSettled(this.#working)
  }

  async #work(passed: Set<CompactedLog>): Promise<number> {
    let count = 0
    for (;;) {
      const next = await this.#claim(passed)
      if (next === null) return count
      try {
        if (await this.#attempt(next)) count++
        else passed.add(next.log)
      } finally {
        this.#busy.delete(next.log)
      }
    }
  }

  /** The dirtiest log: busy from now on. */
  async #claim(passed: ReadonlySet<CompactedLog>): Promise<Cleanable | null> {
    let dirtiest: Cleanable | null = null
    do {
      dirtiest = null
      for (const log of [...this.#home.logs()]) {
        if (this.#stopping || this.#home.failed !== null) return null
        if (!log.config.compact || log.failed !== null || passed.has(log) || this.#busy.has(log) || this.#uncleanable.has(log)) continue
        const cleanable = await cleanableOf(log, this.#home.cleanedOffset(log), this.#home.env.clock.now())
        if (cleanable === null || !cleanable.isDue) continue
        if (dirtiest === null || cleanable.dirtyRatio > dirtiest.dirtyRatio) dirtiest = cleanable
      }
    } while (dirtiest !== null && this.#busy.has(dirtiest.log))
    // not after this turn: another may be about to take it
    if (dirtiest !== null) this.#busy.add(dirtiest.log)
    return dirtiest
  }

  /** False: it was given up, or got nowhere. A disk that fails takes the directory offline. */
  async #attempt(cleanable: Cleanable): Promise<boolean> {
    const home = this.#home
    const { log, firstDirtyOffset } = cleanable
    const { cutCount } = log
    const startOffset = log.segments[0]!.baseOffset
    // retention takes away what is being read
    const hasChanged = (): boolean =>
      this.#stopping ||
      home.failed !== null ||
      log.failed !== null ||
      log.cutCount !== cutCount ||
      log.segments[0]!.baseOffset !== startOffset
    try {
      const cleanedOffset = await this.#clean(cleanable, hasChanged)
      if (cleanedOffset >= 0) home.full.passed()
      return cleanedOffset > firstDirtyOffset
    } catch (error) {
      if (error instanceof StoppedError || hasChanged()) return false
      if (error instanceof EnvError) {
        if (isFull(error)) home.full.refused(error, 0)
        else log.diskFailed(error)
        return false
      }
      this.#uncleanable.add(log)
      home.env.log.error(`${log.directory}: not compacted any more until a restart`, { error: (error as Error).message })
      return false
    }
  }

  /** Answers the new first dirty offset, -1 where the log changed meanwhile. */
  async #clean(cleanable: Cleanable, hasChanged: () => boolean): Promise<number> {
    const home = this.#home
    const { log, firstDirtyOffset } = cleanable
    const beganBytes = sizeOf(log, cleanable.endOffset)
    const { threads, dedupeBytesMax, loadFactor, ioBufferBytes } = this.settings
    // half of it to read, half of it to write
    const blockBytes = Math.max(BLOCK_BYTES_MIN, Math.floor(ioBufferBytes / threads / 2))
    const turns = new Turns(this.#pace, this.#codecs, blockBytes, () => {
      if (hasChanged()) throw new StoppedError()
    })
    const keys = new KeyOffsetMap(cleanable.endOffset - firstDirtyOffset, dedupeBytesMax / threads, loadFactor)
    const latest = await buildOffsetMap(cleanable, keys, turns)
    const nowMs = home.env.clock.now()
    const rules: CleaningRules = { latest, firstDirtyOffset, nowMs, deleteRetentionMs: log.config.deleteRetentionMs, turns }
    const groups = groupSegments(log, latest.endOffset)
    if (groups.length === 0) return -1
    const transactions = new CleanedTransactions(log.abortedTransactions(log.segments[0]!.baseOffset, groups.at(-1)!.endOffset))
    // above it a recovery takes a gap between segments for a loss
    await home.raiseRecoveryPoint(log, hasChanged)
    for (const group of groups) {
      const cleaned = await cleanGroup(home, log, group, rules, transactions)
      if (await this.#swapIn(log, cleaned, group, hasChanged)) continue
      await discardCleaned(home.env, cleaned)
      return -1
    }
    await home.setCleanedOffset(log, latest.endOffset, hasChanged)
    home.env.log.debug(`${log.directory}: compacted up to offset ${latest.endOffset}`, {
      bytesBefore: beganBytes,
      bytesAfter: sizeOf(log, cleanable.endOffset),
      keys: latest.count,
    })
    return latest.endOffset
  }

  async #swapIn(log: CompactedLog, cleaned: Segment, group: SegmentGroup, hasChanged: () => boolean): Promise<boolean> {
    try {
      return await swapIn(this.#home, log, cleaned, group, hasChanged)
    } catch (error) {
      cleaned.release()
      cleaned.close()
      throw error
    }
  }
}

function sizeOf(log: CompactedLog, endOffset: number): number {
  let size = 0
  for (const segment of log.segments) if (segment.baseOffset < endOffset) size += segment.sizeBytes
  return size
}
