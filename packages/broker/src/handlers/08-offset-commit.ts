/**
 * OffsetCommit: stores a group's offsets. Generation -1 without a member is a client that only keeps its offsets here; the group must then be
 * empty. Versions 2-4 may say how long to keep them, version 1 when they were committed; from 10 topics are named by id (KIP-848).
 */
import { ErrorCode } from '@ottla/protocol'
import { OffsetCommit } from '@ottla/protocol/messages/08-offset-commit'
import type { PartitionOffset } from '../groups/committed-offsets.ts'
import { handler } from '../handler.ts'

export const offsetCommit = handler(OffsetCommit, async (request, { broker, version }) => {
  const nowMs = broker.env.clock.now()
  const expireTimestampMs = request.retentionTimeMs < 0 ? null : nowMs + request.retentionTimeMs
  const offsets: PartitionOffset[] = []
  /** What each partition is answered: a code known now, or the index of its offset among those to be committed. */
  const topics = request.topics.map(({ name, topicId, partitions }) => {
    const topic = version >= 10 ? broker.topics.byId(topicId) : broker.topics.byName(name)
    const unknown = version >= 10 ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    return {
      name,
      topicId,
      partitions: partitions.map((asked) => {
        const { partitionIndex } = asked
        if (topic === undefined) return { partitionIndex, errorCode: unknown, index: -1 }
        if (topic.partitions[partitionIndex] === undefined) {
          return { partitionIndex, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, index: -1 }
        }
        const index =
          offsets.push({
            topic: topic.name,
            partition: partitionIndex,
            offset: asked.committedOffset,
            leaderEpoch: asked.committedLeaderEpoch,
            metadata: asked.committedMetadata ?? '',
            commitTimestampMs: asked.commitTimestamp < 0 ? nowMs : asked.commitTimestamp,
            expireTimestampMs,
          }) - 1
        return { partitionIndex, errorCode: ErrorCode.NONE, index }
      }),
    }
  })
  const codes = await broker.groups.commit(
    request.groupId,
    {
      generationId: request.generationIdOrMemberEpoch,
      memberId: request.memberId,
      groupInstanceId: request.groupInstanceId,
      unknownGroupError: version >= 9 ? ErrorCode.GROUP_ID_NOT_FOUND : ErrorCode.ILLEGAL_GENERATION,
    },
    offsets,
  )
  return {
    topics: topics.map(({ name, topicId, partitions }) => ({
      name,
      topicId,
      partitions: partitions.map(({ partitionIndex, errorCode, index }) => ({ partitionIndex, errorCode: codes[index] ?? errorCode })),
    })),
  }
})
