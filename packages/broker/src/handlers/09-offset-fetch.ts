/**
 * OffsetFetch: what groups committed. A partition without an offset has offset -1 and no error (in version 0: error 3). Null topics, from
 * version 2: all. Several groups from version 8 (KIP-709); topics by id from version 10 (KIP-848). There are no open transactions yet, so
 * every offset is stable (KIP-447).
 */
import { ErrorCode, KafkaError } from '@ottla/protocol'
import { OffsetFetch } from '@ottla/protocol/messages/09-offset-fetch'
import { ZERO_UUID } from '@ottla/wire'
import type { Broker } from '../broker.ts'
import type { CommittedOffset } from '../groups/committed-offsets.ts'
import { handler } from '../handler.ts'

interface Asked {
  readonly name: string
  readonly topicId?: string
  readonly partitionIndexes: readonly number[]
}

interface Answered {
  readonly name: string
  readonly topicId: string
  readonly partitions: ReturnType<typeof partitionAnswer>[]
}

export const offsetFetch = handler(OffsetFetch, (request, { broker, version }) => {
  if (version >= 8) {
    const byId = version >= 10
    return {
      groups: request.groups.map(({ groupId, topics }) => {
        try {
          return { groupId, topics: fetchOffsets(broker, groupId, topics, byId), errorCode: ErrorCode.NONE }
        } catch (error) {
          return { groupId, topics: [], errorCode: codeOf(error) }
        }
      }),
    }
  }
  try {
    const topics = fetchOffsets(broker, request.groupId, request.topics, false)
    return { topics: version === 0 ? topics.map(withMissingAsUnknown) : topics, errorCode: ErrorCode.NONE }
  } catch (error) {
    const errorCode = codeOf(error)
    // Versions 0 and 1 have no place but the partitions for an error that concerns the group.
    const topics = (request.topics ?? []).map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partition) => partitionAnswer(partition, undefined, errorCode)),
    }))
    return { topics: version < 2 ? topics : [], errorCode }
  }
})

function fetchOffsets(broker: Broker, groupId: string, asked: readonly Asked[] | null, byId: boolean): Answered[] {
  if (asked === null) {
    const all = broker.groups.fetchOffsets(groupId, null)
    return all.flatMap(({ topic, partitions }) => {
      const topicId = broker.topics.byName(topic)?.id
      // A topic without an id can't be named to those who know ids alone.
      if (byId && topicId === undefined) return []
      return [
        { name: topic, topicId: topicId ?? ZERO_UUID, partitions: partitions.map((at) => partitionAnswer(at.partition, at.committed)) },
      ]
    })
  }
  const names = asked.map(({ name, topicId }) => (byId ? broker.topics.byId(topicId ?? ZERO_UUID)?.name : name))
  const wanted = asked.flatMap(({ partitionIndexes }, i) =>
    names[i] === undefined ? [] : [{ topic: names[i], partitions: partitionIndexes }],
  )
  const fetched = broker.groups.fetchOffsets(groupId, wanted)
  let next = 0
  return asked.map(({ name, topicId = ZERO_UUID, partitionIndexes }, i) => ({
    name,
    topicId,
    partitions:
      names[i] === undefined
        ? partitionIndexes.map((partition) => partitionAnswer(partition, undefined, ErrorCode.UNKNOWN_TOPIC_ID))
        : fetched[next++]!.partitions.map((at) => partitionAnswer(at.partition, at.committed)),
  }))
}

function partitionAnswer(
  partitionIndex: number,
  committed: CommittedOffset | undefined,
  errorCode: number = ErrorCode.NONE,
): {
  partitionIndex: number
  committedOffset: number
  committedLeaderEpoch: number
  metadata: string
  errorCode: number
} {
  return {
    partitionIndex,
    committedOffset: committed?.offset ?? -1,
    committedLeaderEpoch: committed?.leaderEpoch ?? -1,
    metadata: committed?.metadata ?? '',
    errorCode,
  }
}

function withMissingAsUnknown(topic: Answered): Answered {
  const errorCode = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
  return { ...topic, partitions: topic.partitions.map((at) => (at.committedOffset === -1 ? { ...at, errorCode } : at)) }
}

function codeOf(error: unknown): number {
  if (error instanceof KafkaError) return error.code
  throw error
}
