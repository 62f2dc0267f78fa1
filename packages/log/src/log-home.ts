import type { Env } from '@ottla/env'
import type { CopySlab } from './copy-slab.ts'
import type { FullDisk } from './full-disk.ts'
import type { Gate } from './gate.ts'
import type { OpenSegments } from './open-segments.ts'
import type { Pace } from './pace.ts'

/** What a log directory shares among its logs. */
export interface LogHome {
  readonly env: Env
  readonly pace: Pace
  readonly full: FullDisk
  /** Syncs and durable writes in flight: at most 8 a disk. */
  readonly syncs: Gate
  /** Writes off the loop; each has its file open. */
  readonly writes: Gate
  /** Checkpoints of single logs: so many are written, and open, at once. */
  readonly checkpoints: Gate
  readonly open: OpenSegments
  readonly copies: CopySlab
  /** The device failed: all logs of the directory go offline. */
  fail(error: Error): void
  /** The log is about to be cut to `offset`: what is on disk must no longer say that more than that is there. */
  lowerRecoveryPoint(topic: string, partition: number, offset: number): Promise<void>
  /** Resolves once the logs' starts, as they are now, survive a crash. Rejects with KafkaError KAFKA_STORAGE_ERROR. */
  keepLogStarts(): Promise<void>
  /** Runs `work` after the delay, and at the latest when the directory is closed. */
  removeLater(delayMs: number, work: () => Promise<void>): void
}

/** The directory as one of its logs sees it: a failure of the disk is that log's to judge. */
export class PartitionHome implements LogHome {
  readonly env: Env
  readonly pace: Pace
  readonly full: FullDisk
  readonly syncs: Gate
  readonly writes: Gate
  readonly checkpoints: Gate
  readonly open: OpenSegments
  readonly copies: CopySlab
  readonly fail: (error: Error) => void
  readonly #home: LogHome

  constructor(home: LogHome, fail: (error: Error) => void) {
    this.env = home.env
    this.pace = home.pace
    this.full = home.full
    this.syncs = home.syncs
    this.writes = home.writes
    this.checkpoints = home.checkpoints
    this.open = home.open
    this.copies = home.copies
    this.fail = fail
    this.#home = home
  }

  lowerRecoveryPoint(topic: string, partition: number, offset: number): Promise<void> {
    return this.#home.lowerRecoveryPoint(topic, partition, offset)
  }

  keepLogStarts(): Promise<void> {
    return this.#home.keepLogStarts()
  }

  removeLater(delayMs: number, work: () => Promise<void>): void {
    this.#home.removeLater(delayMs, work)
  }
}
