import { ErrorCode } from '@ottla/protocol'
import { ListOffsets } from '@ottla/protocol/messages/02-list-offsets'
import type { Cluster } from './cluster.ts'
import { refusal } from './errors.ts'
import { askLeaders } from './leader-requests.ts'

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** A place in a partition: its ends, the record of the largest timestamp, or the first record at or after a time (ms since 1970). */
export type OffsetSpec = 'earliest' | 'latest' | 'max-timestamp' | number

export interface OffsetQuery extends TopicPartition {
  readonly at: OffsetSpec
}

export interface FoundOffset extends TopicPartition {
  /** -1: there is no such record. */
  readonly offset: number
  /** ms since 1970; -1 for 'earliest' and 'latest'. */
  readonly timestamp: number
  /** -1: not known. */
  readonly leaderEpoch: number
}

export type IsolationLevel = 'read_uncommitted' | 'read_committed'

const SPECIAL_TIMES = { latest: -1, earliest: -2, 'max-timestamp': -3 } as const
/** The first version that knows the time -3 (KIP-734). */
const MAX_TIMESTAMP_VERSION = 7

/** Items by topic, as requests want them. */
export function byTopic<T extends TopicPartition>(items: Iterable<T>): Map<string, T[]> {
  const topics = new Map<string, T[]>()
  for (const item of items) {
    const list = topics.get(item.topic)
    if (list === undefined) topics.set(item.topic, [item])
    else list.push(item)
  }
  return topics
}

/** Looks offsets up at the partitions' leaders, as often as leaders move within the timeout. Results are in the order of the queries. */
export async function listOffsets(
  cluster: Cluster,
  queries: readonly OffsetQuery[],
  isolation: IsolationLevel = 'read_uncommitted',
  timeoutMs?: number,
): Promise<FoundOffset[]> {
  const found = new Map<OffsetQuery, FoundOffset>()
  const request = {
    what: 'Looking for offsets',
    ask: (leaderId: number, asked: readonly OffsetQuery[]) => askLeader(cluster, leaderId, asked, isolation, found),
    isDone: (query: OffsetQuery) => found.has(query),
  }
  await askLeaders(cluster, queries, request, timeoutMs)
  return queries.map((query) => found.get(query)!)
}

async function askLeader(
  cluster: Cluster,
  leaderId: number,
  queries: readonly OffsetQuery[],
  isolation: IsolationLevel,
  found: Map<OffsetQuery, FoundOffset>,
): Promise<void> {
  const connection = await cluster.connection(leaderId)
  if (queries.some(({ at }) => at === 'max-timestamp') && connection.version(ListOffsets) < MAX_TIMESTAMP_VERSION) {
    throw refusal(ErrorCode.UNSUPPORTED_VERSION, 'Looking for the largest timestamp')
  }
  const answer = await connection.request(ListOffsets, {
    replicaId: -1,
    isolationLevel: isolation === 'read_committed' ? 1 : 0,
    timeoutMs: cluster.requestTimeoutMs,
    topics: [...byTopic(queries)].map(([name, list]) => ({
      name,
      partitions: list.map(({ topic, partition, at }) => ({
        partitionIndex: partition,
        currentLeaderEpoch: cluster.cache.partition(topic, partition)?.leaderEpoch ?? -1,
        timestamp: typeof at === 'number' ? at : SPECIAL_TIMES[at],
      })),
    })),
  })
  let failure: Error | null = null
  for (const { name, partitions } of answer.topics) {
    for (const { partitionIndex, errorCode, offset, timestamp, leaderEpoch, oldStyleOffsets } of partitions) {
      const query = queries.find((q) => q.topic === name && q.partition === partitionIndex)
      if (query === undefined) continue
      if (errorCode === ErrorCode.NONE) {
        found.set(query, { topic: name, partition: partitionIndex, offset: oldStyleOffsets[0] ?? offset, timestamp, leaderEpoch })
      } else failure = refusal(errorCode, `Looking for offsets of '${name}' partition ${partitionIndex}`)
    }
  }
  if (failure !== null) throw failure
}
