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
