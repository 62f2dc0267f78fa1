import assert from 'node:assert/strict'
import { EnvError, type Clock, type Disk, type File, type Logger, type Loop } from '@ottla/env'
import type { Writer } from '@ottla/wire'
import { encodeEntry, type LogEntry } from './log-entry.ts'
import { endOfEntry, HEADER, LogError, Recovery, segmentPath, type LogEnv, type Recovered, type Segment } from './log-recovery.ts'

export interface TransactionLogOptions {
  /** A segment that is larger is followed by a new one. */
  readonly segmentBytes?: number
}

/** One system call takes no more views. */
const BATCH_COUNT_MAX = 1000
/** On a full disk, how long until the next attempt. */
const RETRY_MS = 500

/**
 * The replicated log on disk: files `entries.<first index>`, each 8 bytes of header and entries one behind another. What was appended in
 * one turn, or while the last batch was on its way to the disk, is written and made durable in one go. A full disk is waited for; any other
 * failure is final: reopen.
 */
export class TransactionLog {
  readonly #disk: Disk
  readonly #loop: Loop
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #directory: string
  readonly #segmentBytes: number
  readonly #segments: Segment[]
  #file: File | null = null
  #end = 0
  #lastIndex: number
  #durableIndex: number
  #lastTerm: number
  #waiting: Buffer[] = []
  #scheduled = false
  #writing: Promise<void> | null = null
  #rollNext = false
  #failure: LogError | null = null
  #isEnding = false
  /** Ends the wait for room. */
  #wake: (() => void) | null = null
  #durable: (index: number) => void = () => {}
  #failed: (error: LogError) => void = () => {}

  private constructor(env: LogEnv, directory: string, options: TransactionLogOptions, recovered: Recovered) {
    this.#disk = env.disk
    this.#loop = env.loop
    this.#clock = env.clock
    this.#logger = env.log
    this.#directory = directory
    this.#segmentBytes = options.segmentBytes ?? 16 << 20
    this.#segments = recovered.segments
    this.#file = recovered.file
    this.#end = recovered.end
    this.#lastIndex = this.#durableIndex = recovered.lastIndex
    this.#lastTerm = recovered.lastTerm
  }

  /**
   * Reads the log in `directory` behind the entry `after` (of a snapshot; 0, 0: from the start) and gives each entry to `visit`, whose
   * payload is good only until it returns. A torn end is moved to a file of its own and cut off. Rejects with LogError where
   * entries are missing, or damaged and not the last.
   */
  static async open(
    env: LogEnv,
    directory: string,
    after: { index: number; term: number },
    visit: (entry: LogEntry) => void,
    options: TransactionLogOptions = {},
  ): Promise<TransactionLog> {
    const recovery = new Recovery(env, directory, after, visit)
    return new TransactionLog(env, directory, options, await recovery.run())
  }

  get lastIndex(): number {
    return this.#lastIndex
  }

  get lastTerm(): number {
    return this.#lastTerm
  }

  get durableIndex(): number {
    return this.#durableIndex
  }

  /** Where the log begins; one more than `lastIndex` while it has nothing. */
  get firstIndex(): number {
    return this.#segments[0]?.firstIndex ?? this.#lastIndex + 1
  }

  /** `durable` is called when entries up to an index survive a crash; `failed` once, if the disk fails: nothing follows. */
  listen(durable: (index: number) => void, failed: (error: LogError) => void): void {
    this.#durable = durable
    this.#failed = failed
  }

  /** Adds an entry and says its index. `fill` writes the payload. */
  append(term: number, kind: number, fill: (writer: Writer) => void): number {
    if (this.#failure !== null) throw this.#failure
    const index = this.#lastIndex + 1
    this.#waiting.push(encodeEntry(index, term, kind, this.#waiting.length % BATCH_COUNT_MAX === 0, fill))
    this.#lastIndex = index
    this.#lastTerm = term
    this.#schedule()
    return index
  }

  /** The next entry begins a new segment: so that what a snapshot holds can be removed. */
  roll(): void {
    this.#rollNext = true
  }

  /** Removes the segments that have nothing but entries before `index`. */
  async removeBefore(index: number): Promise<void> {
    const gone: Segment[] = []
    while (this.#segments.length > 1 && this.#segments[1]!.firstIndex <= index) gone.push(this.#segments.shift()!)
    if (gone.length === 0) return
    // With each goes what was torn off its end.
    for (const { name } of await this.#disk.list(this.#directory)) {
      const path = `${this.#directory}/${name}`
      if (gone.some((segment) => path.startsWith(segment.path))) await this.#disk.remove(path)
    }
    await this.#disk.syncDirectory(this.#directory)
  }

  /**
   * Takes back the entries behind `index`, whose term is `term`: another leader has others in their place. Nothing is appended until it
   * resolves. A crash meanwhile leaves some of them.
   */
  async truncateAfter(index: number, term: number): Promise<void> {
    await this.#idle()
    if (index >= this.#lastIndex) return
    const last = await this.#removeSegments((segment) => segment.firstIndex > index + 1)
    assert(last !== undefined && last.firstIndex <= index + 1, `entry ${index + 1} is no longer in the log`)
    this.#file ??= this.#disk.open(last.path, 'write')
    this.#end = await endOfEntry(this.#disk, last, index)
    await this.#file.truncate(this.#end)
    await this.#file.sync()
    this.#lastIndex = this.#durableIndex = index
    this.#lastTerm = term
  }

  /** A snapshot from elsewhere, which is on disk, takes the place of all entries: the next one is `index` + 1. */
  async skipTo(index: number, term: number): Promise<void> {
    await this.#idle()
    await this.#removeSegments(() => true)
    this.#lastIndex = this.#durableIndex = index
    this.#lastTerm = term
  }

  /** The end is near: what finds no room from now on has failed. */
  waitNoMore(): void {
    this.#isEnding = true
    this.#wake?.()
  }

  /** Makes durable what was appended. */
  async close(): Promise<void> {
    await this.#idle()
    this.#file?.close()
    this.#file = null
    this.#failure ??= new LogError('the log is closed')
  }

  async #idle(): Promise<void> {
    while (this.#failure === null && (this.#writing !== null || this.#waiting.length > 0)) {
      if (this.#writing === null) this.#flush()
      await this.#writing
    }
  }

  /** From the last on, so that a crash leaves no gap. Says which is the last now. */
  async #removeSegments(isGone: (segment: Segment) => boolean): Promise<Segment | undefined> {
    for (let last = this.#segments.at(-1); last !== undefined && isGone(last); last = this.#segments.at(-1)) {
      this.#file?.close()
      this.#file = null
      await this.#disk.remove(last.path)
      this.#segments.pop()
    }
    await this.#disk.syncDirectory(this.#directory)
    return this.#segments.at(-1)
  }

  #schedule(): void {
    if (this.#scheduled || this.#writing !== null) return
    this.#scheduled = true
    this.#loop.atEndOfTurn(() => {
      this.#scheduled = false
      this.#flush()
    })
  }

  #flush(): void {
    if (this.#writing !== null || this.#waiting.length === 0 || this.#failure !== null) return
    const batch = this.#waiting.splice(0, BATCH_COUNT_MAX)
    const last = this.#durableIndex + batch.length
    this.#writing = this.#write(batch, this.#durableIndex + 1).then(
      () => {
        this.#writing = null
        this.#durableIndex = last
        // First the next batch is sent on its way, then the answers are made.
        this.#flush()
        this.#durable(last)
      },
      (error: unknown) => {
        this.#writing = null
        this.#failure = new LogError(`the log in ${this.#directory} can't be written; see that the disk is well, then start again`, error)
        this.#failed(this.#failure)
      },
    )
  }

  /** On a full disk all waits until there is room: nothing is refused, and nothing is lost. */
  async #write(batch: readonly Buffer[], firstIndex: number): Promise<void> {
    for (let isWaiting = false; ; isWaiting = true) {
      try {
        await this.#writeOnce(batch, firstIndex)
        if (isWaiting) this.#logger.info(`${this.#directory}: there is room again`)
        return
      } catch (error) {
        if (!isFull(error) || this.#isEnding) throw error
        if (!isWaiting) {
          const what = 'changes of topics and configs, and new producers, wait until there is. Make room, then they go on'
          this.#logger.error(`${this.#directory}: no space left; ${what}`, { error: error.message })
        }
        await this.#room()
      }
    }
  }

  #room(): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#clock.after(RETRY_MS, () => this.#wake!())
      this.#wake = () => {
        this.#wake = null
        timer.cancel()
        resolve()
      }
    })
  }

  /** Whole, or the log is as before where there was no room. */
  async #writeOnce(batch: readonly Buffer[], firstIndex: number): Promise<void> {
    if (this.#file === null || this.#rollNext || this.#end >= this.#segmentBytes) return this.#writeSegment(batch, firstIndex)
    try {
      await this.#file.writeLater(this.#end, batch, true)
      this.#end += sizeOf(batch)
    } catch (error) {
      if (isFull(error)) await this.#file.truncate(this.#end)
      throw error
    }
  }

  async #writeSegment(batch: readonly Buffer[], firstIndex: number): Promise<void> {
    this.#rollNext = true
    const path = segmentPath(this.#directory, firstIndex)
    const file = this.#disk.open(path, 'create')
    const [written, synced] = await Promise.allSettled([
      file.writeLater(0, [HEADER, ...batch], true),
      this.#disk.syncDirectory(this.#directory),
    ])
    if (synced.status === 'rejected' || written.status === 'rejected') file.close()
    // whatever the other came to: what a failed sync lost no other attempt brings back
    if (synced.status === 'rejected') throw notSynced(this.#directory, synced.reason as Error)
    if (written.status === 'rejected') {
      if (isFull(written.reason)) await this.#disk.remove(path)
      throw written.reason
    }
    this.#file?.close()
    this.#file = file
    this.#segments.push({ path, firstIndex })
    this.#end = HEADER.length + sizeOf(batch)
    this.#rollNext = false
  }
}

/** Never that the disk is full, whatever the system says: that would be tried again. */
function notSynced(directory: string, error: Error): LogError {
  return new LogError(`${directory} can't be synced: ${error.message}`, error)
}

function isFull(error: unknown): error is EnvError {
  return error instanceof EnvError && error.code === 'full'
}

function sizeOf(batch: readonly Buffer[]): number {
  let size = 0
  for (const entry of batch) size += entry.length
  return size
}
