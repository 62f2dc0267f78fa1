import { ErrorCode } from '@ottla/protocol'
import { OffsetCommit } from '@ottla/protocol/messages/08-offset-commit'
import { OffsetFetch } from '@ottla/protocol/messages/09-offset-fetch'
import { refusal } from './errors.ts'
import type { GroupCoordinator } from './group-coordinator.ts'
import { byTopic, type TopicPartition } from './offsets.ts'

/** The next offset that a group wants to read of a partition. */
export interface GroupOffset extends TopicPartition {
  readonly offset: number
  /** Of the last record read before it; -1: not known. */
  readonly leaderEpoch?: number
  /** A note of the committer's; at most 4096 bytes by default. */
  readonly metadata?: string | null
}

/** Who commits: a member of a group's generation, or nobody (generation -1), which brokers allow while the group is empty. */
export interface Committer {
  readonly generationId: number
  readonly memberId: string
  readonly groupInstanceId: string | null
}

export const NO_MEMBER: Committer = { generationId: -1, memberId: '', groupInstanceId: null }

/** Later versions name topics by id alone (KIP-848). */
const NAMED_TOPICS_MAX = 9

/** Stores offsets once; rejects with the first refusal. */
export async function commitOffsets(
  coordinator: GroupCoordinator,
  offsets: Iterable<GroupOffset>,
  committer: Committer = NO_MEMBER,
): Promise<void> {
  const topics = byTopic(offsets)
  if (topics.size === 0) return
  const { groupId } = coordinator
  await coordinator.ask(
    OffsetCommit,
    {
      groupId,
      generationIdOrMemberEpoch: committer.generationId,
      memberId: committer.memberId,
      groupInstanceId: committer.groupInstanceId,
      topics: [...topics].map(([name, list]) => ({
        name,
        partitions: list.map(({ partition, offset, leaderEpoch = -1, metadata = '' }) => ({
          partitionIndex: partition,
          committedOffset: offset,
          committedLeaderEpoch: leaderEpoch,
          committedMetadata: metadata,
        })),
      })),
    },
    {
      what: `Committing offsets of group '${groupId}'`,
      versionMax: NAMED_TOPICS_MAX,
      code: (answer) => {
        for (const { partitions } of answer.topics) {
          for (const { errorCode } of partitions) if (errorCode !== ErrorCode.NONE) return errorCode
        }
        return ErrorCode.NONE
      },
    },
  )
}

/** The offsets that a group stored, of these partitions or (null) of all. Partitions without one are left out. */
export async function fetchGroupOffsets(
  coordinator: GroupCoordinator,
  partitions: readonly TopicPartition[] | null,
  requireStable = true,
): Promise<Required<GroupOffset>[]> {
  const { groupId } = coordinator
  const topics =
    partitions === null
      ? null
      : [...byTopic(partitions)].map(([name, list]) => ({
          name,
          partitionIndexes: list.map(({ partition }) => partition),
        }))
  const answer = await coordinator.ask(
    OffsetFetch,
    { groupId, topics, groups: [{ groupId, topics }], requireStable },
    {
      what: `Reading offsets of group '${groupId}'`,
      versionMax: NAMED_TOPICS_MAX,
      code: (answer) => answer.groups[0]?.errorCode ?? answer.errorCode,
    },
  )
  const offsets: Required<GroupOffset>[] = []
  for (const { name, partitions } of answer.groups[0]?.topics ?? answer.topics ?? []) {
    for (const { partitionIndex, committedOffset, committedLeaderEpoch, metadata, errorCode } of partitions) {
      if (errorCode !== ErrorCode.NONE) {
        throw refusal(errorCode, `Reading the offset of group '${groupId}' in '${name}' partition ${partitionIndex}`)
      }
      if (committedOffset < 0) continue
      offsets.push({ topic: name, partition: partitionIndex, offset: committedOffset, leaderEpoch: committedLeaderEpoch, metadata })
    }
  }
  return offsets
}
