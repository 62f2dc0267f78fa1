import { ZERO_UUID } from '@ottla/wire'
import { LeaderEpochs } from './leader-epochs.ts'
import type { LogHome } from './log-home.ts'
import { ProducerStates } from './producer-state.ts'
import { Segment } from './segment.ts'

/** What recovery found: a log is made of it. */
export interface LoadedLog {
  readonly topic: string
  readonly partition: number
  readonly topicId: string
  readonly directory: string
  readonly segments: Segment[]
  readonly producers: ProducerStates
  readonly epochs: LeaderEpochs
  /** Its file says so. */
  readonly epochsWritten: boolean
  readonly logStartOffset: number
  readonly logEndOffset: number
  readonly highWatermark: number
  readonly recoveryPoint: number
  /** As `SegmentFinisher` has it. */
  readonly stuckOffset: number
  /** Indexes and the producer snapshot at the log's end are on disk. */
  readonly atRest: boolean
}

/** Stands for a partition whose files could not be opened. */
export function nothingLoaded(home: LogHome, directory: string, topic: string, partition: number): LoadedLog {
  const segments = [new Segment(home.env.disk, home.open, directory, 0, { log: 0, index: 0, timeIndex: 0 }, 0)]
  const producers = new ProducerStates()
  const epochs = new LeaderEpochs()
  const offsets = { logStartOffset: 0, logEndOffset: 0, highWatermark: 0, recoveryPoint: 0, stuckOffset: Infinity }
  return { topic, partition, topicId: ZERO_UUID, directory, segments, producers, epochs, epochsWritten: true, ...offsets, atRest: true }
}
