import { EnvError, type Timer } from '@ottla/env'
import { isNotFound } from '@ottla/env/files'
import { ErrorCode, KafkaError } from '@ottla/protocol'
import { Slab } from '@ottla/wire'
import { Appender, type AppendOptions, type AppendResult } from './appender.ts'
import type { Stored } from './append-group.ts'
import { EpochCheckpoint } from './epoch-checkpoint.ts'
import { isFull } from './full-disk.ts'
import type { LoadedLog } from './loaded-log.ts'
import { Gate } from './gate.ts'
import { flushLimit, hasFlushPolicy, type LogConfig } from './log-config.ts'
import { cutSegments } from './log-cut.ts'
import { homeOfLog, type DirectoryHome, type LogHome } from './log-home.ts'
import { outOfRange, storageError } from './log-errors.ts'
import { LogMarks, type Waiter } from './log-marks.ts'
import { batchesFrom, LogReader } from './log-reader.ts'
import type { LogSlice } from './log-slice.ts'
import { LogWriter, type WriterOwner } from './log-writer.ts'
import { restoreProducers } from './producer-restore.ts'
import type { ProducerState, ProducerStates } from './producer-state.ts'
import { SegmentFinisher } from './segment-finisher.ts'
import { segmentIndexFor, totalBytes } from './segment-list.ts'
import type { Segment } from './segment.ts'
import { lookupMaxTimestamp, lookupTimestamp, type TimestampedOffset } from './timestamp-lookup.ts'
import type { AbortedTransaction } from './txn-index.ts'

/**
 * One partition: batches in segments, numbered by their leader. Appends of a turn of the loop are written together at its end. Every method
 * of a failed log throws KAFKA_STORAGE_ERROR. Offsets and times are whole numbers; -1 means none.
 */
export class PartitionLog implements WriterOwner {
  readonly topic: string
  readonly partition: number
  /** 22 characters of base64url; the zero id while none was written. Set by the log's directory. */
  topicId: string
  /** `<log dir>/<topic>-<partition>`, or where it was renamed to for its deletion. */
  directory: string
  /** Stands in every batch that is appended. */
  leaderEpoch: number
  logStartOffset: number
  failed: Error | null = null
  config: LogConfig
  /** Oldest first; the last one is the active one. */
  readonly segments: Segment[]
  /** How often it was cut. */
  cutCount = 0
  readonly #directoryHome: DirectoryHome
  readonly #home: LogHome
  readonly #producers: ProducerStates
  readonly #epochs: EpochCheckpoint
  readonly #writer: LogWriter
  readonly #reader: LogReader
  readonly #finisher: SegmentFinisher
  readonly #appender: Appender
  readonly #marks: LogMarks
  readonly #arranging = new Gate(1)
  #closed = false
  #cutting = false
  #flushTimer: Timer | null = null
  #recoveryPoint: number
  /** The files at rest say so; -1: they are not. */
  #loadedEnd: number

  constructor(directoryHome: DirectoryHome, loaded: LoadedLog, config: LogConfig) {
    const home = homeOfLog(directoryHome, (error) => this.diskFailed(error))
    const { logStartOffset, logEndOffset, recoveryPoint, stuckOffset, segments, producers, directory } = loaded
    this.#directoryHome = directoryHome
    this.#home = home
    this.topic = loaded.topic
    this.partition = loaded.partition
    this.topicId = loaded.topicId
    this.directory = directory
    this.segments = segments
    this.logStartOffset = logStartOffset
    this.leaderEpoch = Math.max(0, loaded.epochs.latest)
    this.config = config
    this.#recoveryPoint = Math.min(recoveryPoint, stuckOffset)
    this.#loadedEnd = loaded.atRest ? logEndOffset : -1
    this.#producers = producers
    this.#epochs = new EpochCheckpoint(home, directory, loaded.epochs, loaded.epochsWritten)
    this.#writer = new LogWriter(home, this)
    this.#writer.moveTo(logEndOffset, recoveryPoint)
    this.#reader = new LogReader(segments, this.#writer, home.full)
    this.#finisher = new SegmentFinisher(home, this, stuckOffset)
    this.#appender = new Appender(home, this, producers, this.#epochs, this.#writer, this.#finisher, config, logEndOffset)
    const highWatermark = Math.min(Math.max(loaded.highWatermark, logStartOffset), logEndOffset)
    producers.onHighWatermark(highWatermark)
    this.#marks = new LogMarks(producers, highWatermark, Math.max(recoveryPoint, logStartOffset), hasFlushPolicy(config))
    this.advanced()
  }

  /** The topic's or broker's configs changed: obeyed from the next append on. */
  configure(config: LogConfig): void {
    if (config.flushMs !== this.config.flushMs) {
      this.#flushTimer?.cancel()
      this.#flushTimer = null
    }
    this.config = config
    this.#appender.configure(config)
    this.#marks.flushPolicy = hasFlushPolicy(config)
    this.advanced()
  }

  /** The offset that the next record gets. */
  get logEndOffset(): number {
    return this.#appender.endOffset
  }

  /** What all in-sync replicas have. */
  get highWatermark(): number {
    return this.#marks.highWatermark
  }

  /**
   * The consumer's end: the high watermark, and where a flush policy is set what is flushed, if that is less (design §5). Falls by a cut
   * only.
   */
  get visibleEnd(): number {
    return this.#marks.visibleEnd
  }

  /** The end for read_committed: no record of an open transaction lies before it. */
  get lastStableOffset(): number {
    return this.#marks.lastStableOffset(this.logStartOffset)
  }

  /** Whether the high watermark moves with what is written (the only replica), or by `advanceHighWatermark` alone. */
  get soleReplica(): boolean {
    return this.#marks.soleReplica
  }

  set soleReplica(sole: boolean) {
    this.#marks.soleReplica = sole
    this.advanced()
  }

  /** Below it all survives the loss of power. */
  get flushedOffset(): number {
    return this.#writer.flushedOffset
  }

  /** Below it all is in the file. */
  get writtenOffset(): number {
    return this.#writer.writtenOffset
  }

  /** What a recovery may take for granted: flushed, and with indexes, epochs and producers on disk. */
  get recoveryPoint(): number {
    if (this.#epochs.settled) this.#recoveryPoint = Math.min(this.#writer.flushedOffset, this.#finisher.unfinishedOffset)
    return Math.min(this.#recoveryPoint, this.logEndOffset)
  }

  get sizeBytes(): number {
    return totalBytes(this.segments)
  }

  /**
   * Numbers validated batches of [start, end) in place (base offset, leader epoch, append time if configured), checks their producers,
   * and takes them into what is written when the turn ends; throws KafkaError and takes nothing. `stored` is called later, never from
   * inside: once they are written, and synced where the config demands it, or could not be. Batches of origin `leader` keep their numbers
   * (followers).
   */
  append(slab: Slab, start: number, end: number, options: AppendOptions, stored: Stored): AppendResult {
    if (this.failed !== null || this.#writer.refuses || this.#cutting || this.#closed) throw this.refusal()
    try {
      return this.#appender.append(slab, start, end, options, stored)
    } catch (error) {
      throw error instanceof EnvError ? this.refusal(error) : error
    }
  }

  /** Begins a new segment at the log's end. Answers the active one. */
  roll(): Segment {
    return this.#appender.roll()
  }

  /** Takes a buffer's batches; resolves when `stored` would be called. For coordinators and tests. */
  appendBytes(bytes: Buffer, options: AppendOptions): Promise<AppendResult> {
    return new Promise((resolve, reject) => {
      const result = this.append(new Slab(bytes), 0, bytes.length, options, (error) => {
        if (error === null) resolve(result)
        else reject(error)
      })
    })
  }

  /**
   * The range of one file that begins with the batch that holds `offset`, of at most `maxBytes`, ending before `endOffset` and what is
   * written; the last batch may be cut short. `atLeastOne`: the first batch comes whole. Null: nothing is there yet. Throws
   * OFFSET_OUT_OF_RANGE outside of [logStartOffset, logEndOffset]. A slice that is not `cached` is to be warmed, and asked for again if
   * its length is 0.
   */
  read(offset: number, maxBytes: number, endOffset: number, atLeastOne: boolean): LogSlice | null {
    if (this.failed !== null) throw this.refusal()
    if (offset < this.logStartOffset || offset > this.logEndOffset) throw outOfRange(this, offset)
    const end = Math.min(endOffset, this.#writer.writtenOffset)
    if (offset >= end) return null
    try {
      return this.#reader.slice(offset, maxBytes, end, atLeastOne)
    } catch (error) {
      if (error instanceof EnvError) this.#home.fail(error)
      throw this.refusal(error as Error)
    }
  }

  /**
   * Wakes `waiter` whenever `visibleEnd`, the high watermark, what is written or `failed` moved, before the acks of it go, until `offAdvance`.
   */
  onAdvance(waiter: Waiter): void {
    this.#marks.add(waiter)
  }

  offAdvance(waiter: Waiter): void {
    this.#marks.remove(waiter)
  }

  /** The writer's: marks follow what was written and flushed, and those who wait are woken. */
  advanced(): void {
    const { writtenOffset, flushedOffset } = this.#writer
    this.#marks.follow(writtenOffset, flushedOffset)
    if (flushedOffset < writtenOffset && this.#flushTimer === null) this.#startFlushTimer()
  }

  /** The in-sync replicas all have what is below `offset`. It never falls. */
  advanceHighWatermark(offset: number): void {
    this.#marks.advanceHighWatermark(Math.min(offset, this.logEndOffset), this.#writer.flushedOffset)
  }

  #startFlushTimer(): void {
    const flushMs = flushLimit(this.config.flushMs)
    if (flushMs === Infinity || this.failed !== null || this.#closed) return
    this.#flushTimer = this.#home.env.clock.after(flushMs, () => {
      this.#flushTimer = null
      this.flush().catch(() => {})
    })
  }

  /** Resolves once all that was appended before survives the loss of power. */
  async flush(): Promise<void> {
    if (this.failed !== null) throw this.refusal()
    await this.#writer.flush().catch((error: Error) => Promise.reject(this.refusal(error)))
  }

  /** This broker leads from now on, in this epoch: batches carry it. It is entered with the first of them, see `endOffsetForEpoch`. */
  becomeLeader(epoch: number): void {
    this.leaderEpoch = epoch
  }

  /** Epoch that wrote `offset`, -1 where unknown. */
  epochFor(offset: number): number {
    return this.#epochs.epochs.epochFor(offset)
  }

  /** The latest epoch that anything was written in, -1: none. */
  get latestEpoch(): number {
    return this.#epochs.epochs.latest
  }

  /**
   * OffsetForLeaderEpoch (KIP-101, KIP-279): see `LeaderEpochs.endOffsetFor`. An epoch is entered with its first batch only, so that a start
   * needn't write a file for each partition: those up to `leaderEpoch` in which nothing was written end where the log does.
   */
  endOffsetForEpoch(epoch: number): { readonly epoch: number; readonly endOffset: number } {
    const { latest } = this.#epochs.epochs
    if (epoch > latest && epoch <= this.leaderEpoch)
      return { epoch: epoch === this.leaderEpoch ? epoch : latest, endOffset: this.logEndOffset }
    return this.#epochs.epochs.endOffsetFor(epoch, this.logEndOffset)
  }

  /** Aborted transactions that overlap [fetchOffset, upperBound): for read_committed (formats §9). */
  abortedTransactions(fetchOffset: number, upperBound: number): AbortedTransaction[] {
    const found: AbortedTransaction[] = []
    const { segments } = this
    for (let at = segmentIndexFor(segments, fetchOffset); at < segments.length; at++) {
      if (segments[at]!.searchAborted(fetchOffset, upperBound, found)) break
    }
    return found
  }

  /** The producers known here, for DescribeProducers. */
  producers(): IterableIterator<ProducerState> {
    return this.#producers.all()
  }

  /** What is known of an active producer. */
  producer(producerId: number): ProducerState | undefined {
    return this.#producers.get(producerId)
  }

  expireProducers(): number {
    return this.#producers.expire(this.#home.env.clock.now(), this.config.producerIdExpirationMs)
  }

  /** The first record at or after the time, below `visibleEnd`; null: none. Decompresses the one batch that holds it. */
  offsetForTimestamp(timestamp: number): Promise<TimestampedOffset | null> {
    return lookupTimestamp(this, timestamp)
  }

  /** The record with the largest timestamp (KIP-734); null in an empty log. */
  maxTimestamp(): Promise<TimestampedOffset | null> {
    return lookupMaxTimestamp(this)
  }

  /** Whole batches in order from the one that holds `from`, up to what is written now. A batch holds until the next is asked for. */
  readBatches(from: number): AsyncGenerator<Buffer> {
    return batchesFrom(this, from)
  }

  /** DeleteRecords: consumers start at `offset` from now on; whole segments below go with the next retention. Answers the new log start. */
  deleteRecordsBefore(offset: number): number {
    if (this.failed !== null) throw this.refusal()
    if (offset < 0 || offset > this.highWatermark) throw outOfRange(this, offset)
    if (offset > this.logStartOffset) this.raiseLogStart(offset)
    return this.logStartOffset
  }

  /** Resolves once the log's start survives a crash. */
  async keepLogStart(): Promise<void> {
    // a start below which there are epochs is not believed
    await this.#epochs.idle()
    if (!this.#epochs.settled) throw this.refusal(new Error('has no room for its leader-epoch-checkpoint'))
    await this.#directoryHome.keepLogStarts()
    if (this.failed !== null) throw this.refusal()
  }

  /** Of the leader's log start, or retention: what is below is gone. */
  raiseLogStart(offset: number): void {
    if (offset <= this.logStartOffset) return
    this.logStartOffset = offset
    this.#epochs.truncateFromStart(offset)
  }

  /** Cuts the log so that it ends at `offset`: a follower whose leader has something else there. Nothing is appended meanwhile. */
  async truncateTo(offset: number): Promise<void> {
    if (this.failed !== null) throw this.refusal()
    if (offset >= this.logEndOffset) return
    this.#cutting = true
    try {
      await this.#writer.idle()
      // before the checkpoints: compaction is not to raise them again
      this.cutCount++
      await this.#directoryHome.lowerRecoveryPoint(this.topic, this.partition, offset)
      await this.#cutTo(offset)
    } catch (error) {
      this.#home.fail(error as Error)
      throw this.refusal()
    } finally {
      this.#cutting = false
    }
    this.advanced()
  }

  /** The writer's: a full disk. */
  async cutBack(offset: number): Promise<void> {
    await this.#cutTo(offset)
  }

  /** The writer's: who appended is told of the disk in Kafka's words. */
  refusal(cause = this.failed): KafkaError {
    return storageError(this, cause)
  }

  /** Runs what changes closed segments (retention, compaction, a cut), one such work at a time. */
  rearrange<T>(work: () => Promise<T>): Promise<T> {
    return this.#arranging.run(work)
  }

  async #cutTo(offset: number): Promise<void> {
    this.cutCount++
    await this.#finisher.idle()
    await this.rearrange(() => this.#cutSegments(offset))
  }

  async #cutSegments(offset: number): Promise<void> {
    await cutSegments(this.#home, this.segments, this.directory, offset, this.config)
    this.#reader.forget()
    this.#appender.cut(offset)
    this.#loadedEnd = -1
    this.logStartOffset = Math.min(this.logStartOffset, offset)
    this.#marks.cut(offset)
    this.#writer.moveTo(offset, this.#writer.flushedOffset)
    this.#epochs.truncateFromEnd(offset)
    if (!this.#producers.truncate(offset)) {
      await restoreProducers(this.#home.env, this.#producers, this.segments, this.directory, this.logStartOffset, offset)
      this.#producers.onHighWatermark(this.highWatermark)
    }
  }

  /** Where this log's files are gone from under it, it alone goes offline; any other failure is the whole directory's. */
  diskFailed(error: Error): void {
    if (this.failed !== null) return
    if (!isNotFound(error)) {
      this.#directoryHome.fail(error)
      return
    }
    const what = 'its files are gone from the disk; the partition is offline until a restart'
    this.#home.env.log.error(`${this.directory}: ${what}`, { error: error.message })
    this.takeOffline(error)
  }

  /** Nothing more is read or written here; who waits is told. */
  takeOffline(error: Error): void {
    if (this.failed !== null) return
    this.failed = error
    this.#flushTimer?.cancel()
    this.#writer.stop(this.refusal(error))
    this.#marks.wake()
    this.#producers.older = null
  }

  /** The files are about to go: to be opened no more. */
  abandon(directory: string): void {
    this.#closed = true
    this.#epochs.abandon()
    this.takeOffline(new KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `${this.topic}-${this.partition} is deleted`))
    for (const segment of this.segments) segment.close()
    this.directory = directory
  }

  /** Flushes, writes indexes and the producer snapshot, and closes all files. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#flushTimer?.cancel()
    try {
      if (this.failed === null) await this.#finish()
    } catch (error) {
      if (isFull(error)) this.#finisher.stuckOffset = 0
      else this.#directoryHome.fail(error as Error)
    }
    await this.#writer.idle()
    this.#producers.older = null
    for (const segment of this.segments) segment.close()
  }

  /** All its files say what the log has, so that a start after a close has nothing to recover. */
  get atRest(): boolean {
    return this.failed === null && this.#epochs.settled && this.#finisher.stuckOffset === Infinity
  }

  async #finish(): Promise<void> {
    await this.#writer.flush()
    await this.#finisher.idle()
    await this.#epochs.idle()
    if (this.failed !== null) return
    const active = this.segments[this.segments.length - 1]!
    if (this.logEndOffset === this.#loadedEnd) {
      if (active.indexesMissing) active.makeIndexes()
      return
    }
    active.closeTimes()
    await active.syncIndexes()
    await active.giveBackRoom()
    this.#producers.advance(this.logEndOffset)
    await this.#finisher.writeSnapshot(this.logEndOffset, this.#producers.encodeSnapshot())
  }
}
