import { ErrorCode, KafkaError, recordBatch } from '@ottla/protocol'
import type { Slab } from '@ottla/wire'
import type { Stored } from './append-group.ts'
import type { EpochCheckpoint } from './epoch-checkpoint.ts'
import { hasNoDescriptor, isFull } from './full-disk.ts'
import { flushLimit, type LogConfig } from './log-config.ts'
import type { LogHome } from './log-home.ts'
import type { LogWriter } from './log-writer.ts'
import type { ProducedBatch, ProducerStates } from './producer-state.ts'
import { checkBatch, trackBatch, type ProducerChecks } from './producer-tracking.ts'
import type { SegmentFinisher } from './segment-finisher.ts'
import { Segment } from './segment.ts'

export interface AppendOptions extends ProducerChecks {
  /** -1, 0 or 1. What an ack waits for on this disk doesn't depend on it: see `LogConfig.flushBeforeAck`. */
  readonly acks: number
}

export interface AppendResult {
  readonly baseOffset: number
  readonly lastOffset: number
  /** -1 where records keep the time that their producer gave them. */
  readonly logAppendTimeMs: number
  readonly logStartOffset: number
  /** A retry: its offsets are those of the first time. */
  readonly duplicate: boolean
}

/** The log that is appended to. */
export interface AppendedLog {
  readonly topic: string
  readonly partition: number
  readonly directory: string
  readonly segments: Segment[]
  readonly leaderEpoch: number
  readonly logStartOffset: number
  readonly failed: Error | null
  refusal(error: Error): Error
  flush(): Promise<void>
}

/** Numbers batches in place and hands them to the writer, segment by segment. */
export class Appender {
  /** The offset that the next record gets. */
  endOffset: number
  readonly #home: LogHome
  readonly #log: AppendedLog
  readonly #producers: ProducerStates
  readonly #epochs: EpochCheckpoint
  readonly #writer: LogWriter
  readonly #finisher: SegmentFinisher
  #config: LogConfig
  #flushMessages = Infinity
  #flushAskedOffset = 0
  #segmentMs = Infinity

  constructor(
    home: LogHome,
    log: AppendedLog,
    producers: ProducerStates,
    epochs: EpochCheckpoint,
    writer: LogWriter,
    finisher: SegmentFinisher,
    config: LogConfig,
    endOffset: number,
  ) {
    this.#home = home
    this.#log = log
    this.#producers = producers
    this.#epochs = epochs
    this.#writer = writer
    this.#finisher = finisher
    this.#config = config
    this.endOffset = endOffset
    this.configure(config)
  }

  configure(config: LogConfig): void {
    this.#config = config
    this.#flushMessages = flushLimit(config.flushMessages)
    const jitterMs = Math.min(config.segmentJitterMs, config.segmentMs, 2147483647)
    this.#segmentMs = jitterMs > 0 ? config.segmentMs - this.#home.env.random.below(jitterMs) : config.segmentMs
  }

  /** See `PartitionLog.append`. */
  append(slab: Slab, start: number, end: number, options: AppendOptions, stored: Stored): AppendResult {
    const { bytes } = slab
    const log = this.#log
    const following = options.origin === 'leader'
    let endOffset = this.endOffset
    let largest = -1
    for (let at = start; at < end; at += recordBatch.sizeBytes(bytes, at)) {
      if (following) {
        if (recordBatch.baseOffset(bytes, at) < endOffset) throw outOfOrder(log, recordBatch.baseOffset(bytes, at), endOffset)
        endOffset = recordBatch.lastOffset(bytes, at) + 1
      } else {
        if (recordBatch.producerId(bytes, at) >= 0) {
          const repeated = checkBatch(this.#producers, bytes, at, options)
          if (repeated !== null) return this.#repeat(repeated, stored)
        }
        endOffset += recordBatch.lastOffsetDelta(bytes, at) + 1
      }
      largest = Math.max(largest, recordBatch.maxTimestamp(bytes, at))
    }
    const nowMs = this.#config.logAppendTime && !following ? this.#home.env.clock.now() : -1
    const segment = this.#segmentFor(endOffset - 1, end - start, nowMs < 0 ? largest : nowMs)
    this.#open(segment)
    const position = segment.sizeBytes
    const baseOffset = following ? recordBatch.baseOffset(bytes, start) : this.endOffset
    if (following) this.#takeAsTheyAre(bytes, start, end, segment)
    else this.#number(bytes, start, end, segment, nowMs)
    this.endOffset = endOffset
    const durable = this.#mustFlush(endOffset)
    this.#writer.add(segment, position, slab, start, end, baseOffset, endOffset, durable).acks.push(stored)
    return { baseOffset, lastOffset: endOffset - 1, logAppendTimeMs: nowMs, logStartOffset: log.logStartOffset, duplicate: false }
  }

  #number(bytes: Buffer, start: number, end: number, segment: Segment, nowMs: number): void {
    const epoch = this.#log.leaderEpoch
    if (epoch !== this.#epochs.epochs.latest) this.#epochs.assign(epoch, this.endOffset)
    const { indexIntervalBytes } = this.#config
    let offset = this.endOffset
    for (let at = start; at < end;) {
      const size = recordBatch.sizeBytes(bytes, at)
      recordBatch.setBaseOffset(bytes, at, offset)
      recordBatch.setLeaderEpoch(bytes, at, epoch)
      if (nowMs >= 0) recordBatch.setMaxTimestampAndLogAppendTime(bytes, at, nowMs)
      segment.take(bytes, at, size, indexIntervalBytes)
      if (recordBatch.producerId(bytes, at) >= 0) this.#track(bytes, at, segment)
      offset += recordBatch.lastOffsetDelta(bytes, at) + 1
      at += size
    }
  }

  #takeAsTheyAre(bytes: Buffer, start: number, end: number, segment: Segment): void {
    for (let at = start; at < end;) {
      const size = recordBatch.sizeBytes(bytes, at)
      const epoch = recordBatch.leaderEpoch(bytes, at)
      if (epoch > this.#epochs.epochs.latest) this.#epochs.assign(epoch, recordBatch.baseOffset(bytes, at))
      segment.take(bytes, at, size, this.#config.indexIntervalBytes)
      if (recordBatch.producerId(bytes, at) >= 0) this.#track(bytes, at, segment)
      at += size
    }
  }

  #track(bytes: Buffer, at: number, segment: Segment): void {
    const aborted = trackBatch(this.#producers, bytes, at, this.#home.env.clock.now())
    if (aborted !== null) segment.addAborted(aborted)
  }

  /** Kafka's and the paper's `flush.messages`, and the sync before every ack. */
  #mustFlush(endOffset: number): boolean {
    if (this.#config.flushBeforeAck) return true
    if (endOffset - Math.max(this.#writer.flushedOffset, this.#flushAskedOffset) < this.#flushMessages) return false
    this.#flushAskedOffset = endOffset
    return true
  }

  #repeat(first: ProducedBatch, stored: Stored): AppendResult {
    const { baseOffset, lastOffset, timestamp } = first
    const { unfinished, writtenOffset, flushedOffset } = this.#writer
    const pending = lastOffset >= writtenOffset || (this.#config.flushBeforeAck && lastOffset >= flushedOffset)
    if (pending && unfinished !== null) unfinished.acks.push(stored)
    else if (pending) this.#log.flush().then(() => stored(null), stored)
    else this.#home.env.loop.atEndOfTurn(() => stored(this.#log.failed === null ? null : this.#log.refusal(this.#log.failed)))
    const logAppendTimeMs = this.#config.logAppendTime ? timestamp : -1
    return { baseOffset, lastOffset, logAppendTimeMs, logStartOffset: this.#log.logStartOffset, duplicate: true }
  }

  /** What can't be opened is refused before anything of it is taken. */
  #open(segment: Segment): void {
    try {
      segment.fileToWrite()
    } catch (error) {
      if (hasNoDescriptor(error)) this.#home.full.lackedDescriptor(error as Error)
      throw error
    }
  }

  /** Where `sizeBytes` up to `lastOffset` come: the active segment, or a new one (formats §5). */
  #segmentFor(lastOffset: number, sizeBytes: number, timestamp: number): Segment {
    const { segments, topic, partition } = this.#log
    const active = segments[segments.length - 1]!
    const { segmentBytes, segmentIndexBytes } = this.#config
    if (sizeBytes > segmentBytes) {
      throw new KafkaError(
        ErrorCode.RECORD_LIST_TOO_LARGE,
        `${sizeBytes} bytes in one append to ${topic}-${partition}; segment.bytes is ${segmentBytes}: send less at a time`,
      )
    }
    if (!active.hasRoomFor(lastOffset, sizeBytes, segmentBytes, segmentIndexBytes)) return this.roll()
    if (active.sizeBytes === 0) return active
    const byRecords = active.firstTimestamp >= 0 && timestamp >= 0
    const ageMs = byRecords ? timestamp - active.firstTimestamp : this.#home.env.clock.now() - active.createdMs
    return ageMs > this.#segmentMs ? this.roll() : active
  }

  /** Begins a new segment at the log's end; the old one is brought to rest in the background. Answers the old one if it is empty. */
  roll(): Segment {
    const { segments, directory } = this.#log
    const { env, open } = this.#home
    const old = segments[segments.length - 1]!
    const baseOffset = this.endOffset
    if (old.baseOffset === baseOffset) return old
    const segment = new Segment(env.disk, open, directory, baseOffset, { log: 0, index: 0, timeIndex: 0 }, env.clock.now())
    try {
      segment.create(this.#config)
    } catch (error) {
      if (isFull(error)) this.#home.full.refused(error as Error, 1)
      else this.#home.fail(error as Error)
      throw error
    }
    this.#producers.advance(baseOffset)
    this.#finisher.add(old, baseOffset, this.#producers.encodeSnapshot())
    segments.push(segment)
    return segment
  }

  /** The log ends at `offset` now. */
  cut(offset: number): void {
    this.endOffset = offset
    this.#flushAskedOffset = Math.min(this.#flushAskedOffset, offset)
  }
}

function outOfOrder(log: AppendedLog, offset: number, endOffset: number): KafkaError {
  const name = `${log.topic}-${log.partition}`
  return new KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, `the leader's batch at ${offset} comes after ${name} reached ${endOffset}`)
}
