import type { Env } from '@ottla/env'
import type { CopySlab } from './copy-slab.ts'
import type { FullDisk } from './full-disk.ts'
import type { Gate } from './gate.ts'
import type { OpenSegments } from './open-segments.ts'
import type { Pace } from './pace.ts'

/** What a log directory shares among its logs and their parts. */
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
  /** The device failed: whoever the home is of goes offline. */
  fail(error: Error): void
  /** Runs `work` after the delay, and at the latest when the directory is closed. */
  removeLater(delayMs: number, work: () => Promise<void>): void
}

/** A log directory as its logs see it. */
export interface DirectoryHome extends LogHome {
  /** The log is about to be cut to `offset`: what is on disk must no longer say that more than that is there. */
  lowerRecoveryPoint(topic: string, partition: number, offset: number): Promise<void>
  /** Resolves once the logs' starts, as they are now, survive a crash. Rejects with KafkaError KAFKA_STORAGE_ERROR. */
  keepLogStarts(): Promise<void>
}

/** What a log's parts have for their home: a failure of the disk is that log's to judge. */
export function homeOfLog(home: LogHome, fail: (error: Error) => void): LogHome {
  const { env, pace, full, syncs, writes, checkpoints, open, copies } = home
  const removeLater: LogHome['removeLater'] = (delayMs, work) => home.removeLater(delayMs, work)
  return { env, pace, full, syncs, writes, checkpoints, open, copies, fail, removeLater }
}
