import { ErrorCode, KafkaError } from '@ottla/protocol'
import type { LogSlice, PartitionLog } from '@ottla/log'
import { ZERO_UUID } from '@ottla/wire'
import type { Broker } from '../broker.ts'
import { leaderLog } from '../leader-log.ts'
import type { Topic } from '../topic.ts'
import type { FetchPartition } from './fetch-partition.ts'

export interface ReadRules {
  /** Read up to the last stable offset, and be told of the aborted transactions on the way. */
  readonly committed: boolean
  /** A follower reads to the log's end, a consumer to what it may see. */
  readonly follower: boolean
}

/** What a partition gives at this moment. */
export interface PartitionRead {
  readonly asked: FetchPartition
  readonly topic: Topic | undefined
  readonly log: PartitionLog | undefined
  readonly errorCode: number
  readonly slice: LogSlice | null
  /** Where the client's history parts from this log's (KIP-595). */
  readonly diverging: { readonly epoch: number; readonly endOffset: number } | null
}

/** Looks what there is from the asked offset on, at most `bytesMax` and never an error thrown. */
export function readPartition(
  broker: Broker,
  asked: FetchPartition,
  rules: ReadRules,
  bytesMax: number,
  atLeastOne: boolean,
): PartitionRead {
  const topic = asked.topicId === ZERO_UUID ? broker.topics.byName(asked.topic) : broker.topics.byId(asked.topicId)
  const nothing = { asked, topic, log: undefined, errorCode: 0, slice: null, diverging: null }
  let log: PartitionLog | undefined
  try {
    log = leaderLog(broker.config.brokerId, topic, asked.partition, asked.topicId, asked.currentLeaderEpoch)
    if (asked.lastFetchedEpoch >= 0) {
      const end = log.endOffsetForEpoch(asked.lastFetchedEpoch)
      // a consumer may name an epoch that it was told of and in which nothing was written; a follower's is that of its last batch
      const parted = end.endOffset < asked.fetchOffset || (rules.follower && end.epoch < asked.lastFetchedEpoch)
      if (parted) return { ...nothing, log, diverging: end }
    }
    const visible = rules.follower ? log.logEndOffset : rules.committed ? Math.min(log.lastStableOffset, log.visibleEnd) : log.visibleEnd
    return { ...nothing, log, slice: log.read(asked.fetchOffset, Math.min(asked.maxBytes, bytesMax), visible, atLeastOne) }
  } catch (error) {
    if (error instanceof KafkaError) return { ...nothing, log, errorCode: error.code }
    broker.env.log.error(`could not read ${asked.topic}-${asked.partition}`, { error })
    return { ...nothing, log, errorCode: ErrorCode.KAFKA_STORAGE_ERROR }
  }
}
