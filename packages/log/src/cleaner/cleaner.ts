import { EnvError } from '@ottla/env'
import { isFull } from '../full-disk.ts'
import type { LogHome } from '../log-home.ts'
import type { Segment } from '../segment.ts'
import type { TransactionIndex } from '../txn-index.ts'
import type { CleaningRules } from './clean-batch.ts'
import { cleanableOf, type Cleanable, type CompactedLog } from './cleanable.ts'
import { CleanedTransactions } from './cleaned-transactions.ts'
import { cleanGroup, discardCleaned, groupSegments, type SegmentGroup } from './clean-segments.ts'
import { buildOffsetMap } from './offset-map-builder.ts'
import { swapIn } from './swap-in.ts'
import { Turns } from './turns.ts'

/** The log directory whose logs are compacted. */
export interface CleanerHome extends LogHome {
  readonly path: string
  readonly failed: Error | null
  logs(): Iterable<CompactedLog>
  /** Writes the recovery points, as they are now; durable once resolved. */
  checkpoint(): Promise<void>
  /** The `cleaner-offset-checkpoint`. */
  cleanedOffset(log: CompactedLog): number | undefined
  /** Durable once resolved. */
  setCleanedOffset(log: CompactedLog, offset: number): Promise<void>
}

export interface CleanerOptions {
  /** `log.cleaner.dedupe.buffer.size`: the most that the map of keys may take, in bytes. Default 128 MiB. */
  readonly cleanerDedupeBytesMax?: number
  /** `log.cleaner.io.max.bytes.per.second`: read and written. Default: no limit. */
  readonly cleanerIoBytesPerSecondMax?: number
}

const DEDUPE_BYTES = 134217728

/** The cleaning is given up: the log or its directory is closed, gone or cut. */
class StoppedError extends Error {}

/**
 * Compacts the logs of one directory, one at a time, the dirtiest first: of each key the latest record stays (KIP-58, KIP-354, KIP-534,
 * formats §2 and §5). Works in short turns of the loop and reads and writes off it.
 */
export class Cleaner {
  readonly #home: CleanerHome
  readonly #options: CleanerOptions
  /** Logs that can't be cleaned, as their segments are damaged. */
  readonly #uncleanable = new WeakSet<CompactedLog>()
  #running: Promise<number> | null = null
  #stopping = false

  constructor(home: CleanerHome, options: CleanerOptions) {
    this.#home = home
    this.#options = options
  }

  /** Cleans what is due now. Answers how many logs were; one run at a time. */
  run(): Promise<number> {
    this.#running ??= this.#run().finally(() => {
      this.#running = null
    })
    return this.#running
  }

  /** Ends a cleaning under way; resolves once nothing is. */
  async stop(): Promise<void> {
    this.#stopping = true
    await this.#running?.catch(() => {})
  }

  async #run(): Promise<number> {
    const passed = new Set<CompactedLog>()
    let count = 0
    for (;;) {
      const next = await this.#dirtiest(passed)
      if (next === null) return count
      const cleaned = await this.#attempt(next)
      if (cleaned) count++
      else passed.add(next.log)
    }
  }

  async #dirtiest(passed: ReadonlySet<CompactedLog>): Promise<Cleanable | null> {
    let dirtiest: Cleanable | null = null
    for (const log of [...this.#home.logs()]) {
      if (this.#stopping || this.#home.failed !== null) return null
      if (!log.config.compact || log.failed !== null || passed.has(log) || this.#uncleanable.has(log)) continue
      const cleanable = await cleanableOf(log, this.#home.cleanedOffset(log), this.#home.env.clock.now())
      if (cleanable === null || !cleanable.isDue) continue
      if (dirtiest === null || cleanable.dirtyRatio > dirtiest.dirtyRatio) dirtiest = cleanable
    }
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
      return (await this.#clean(cleanable, cutCount, hasChanged)) > firstDirtyOffset
    } catch (error) {
      if (error instanceof StoppedError || hasChanged()) return false
      if (error instanceof EnvError) {
        if (isFull(error)) home.env.log.warn(`${log.directory}: no space left to compact it: make room`)
        else log.diskFailed(error)
        return false
      }
      this.#uncleanable.add(log)
      home.env.log.error(`${log.directory}: not compacted any more until a restart`, { error: (error as Error).message })
      return false
    }
  }

  /** Answers the new first dirty offset, -1 where the log changed meanwhile. */
  async #clean(cleanable: Cleanable, cutCount: number, hasChanged: () => boolean): Promise<number> {
    const home = this.#home
    const { log, firstDirtyOffset } = cleanable
    const beganBytes = sizeOf(log, cleanable.endOffset)
    const turns = new Turns(home.env.clock, this.#options.cleanerIoBytesPerSecondMax ?? Infinity, () => {
      if (hasChanged()) throw new StoppedError()
    })
    const latest = await buildOffsetMap(cleanable, this.#options.cleanerDedupeBytesMax ?? DEDUPE_BYTES, turns)
    const nowMs = home.env.clock.now()
    const rules: CleaningRules = { latest, firstDirtyOffset, nowMs, deleteRetentionMs: log.config.deleteRetentionMs, turns }
    const groups = groupSegments(log, latest.endOffset)
    if (groups.length === 0) return -1
    // what is cleaned may end before the next segment begins: below its recovery point a recovery knows such a gap from a lost end
    await home.checkpoint()
    let index: TransactionIndex | null = null
    const aborted = log.abortedTransactions(log.segments[0]!.baseOffset, groups.at(-1)!.endOffset)
    const transactions = new CleanedTransactions(aborted, (transaction) => index!.append(transaction))
    for (const group of groups) {
      const cleaned = await cleanGroup(home, log, group, rules, (of) => {
        index = of
        return transactions
      })
      if (await this.#swapIn(log, cleaned, group, cutCount)) continue
      await discardCleaned(home.env, cleaned)
      return -1
    }
    await home.setCleanedOffset(log, latest.endOffset)
    home.env.log.debug(`${log.directory}: compacted up to offset ${latest.endOffset}`, {
      bytesBefore: beganBytes,
      bytesAfter: sizeOf(log, cleanable.endOffset),
      keys: latest.count,
    })
    return latest.endOffset
  }

  async #swapIn(log: CompactedLog, cleaned: Segment, group: SegmentGroup, cutCount: number): Promise<boolean> {
    try {
      return await swapIn(this.#home, log, cleaned, group, cutCount)
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
