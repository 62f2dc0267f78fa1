import { ErrorCode } from '@ottla/protocol'
import { DescribeGroups } from '@ottla/protocol/messages/15-describe-groups'
import { ListGroups } from '@ottla/protocol/messages/16-list-groups'
import { DeleteGroups } from '@ottla/protocol/messages/42-delete-groups'
import { OffsetDelete } from '@ottla/protocol/messages/47-offset-delete'
import type { Cluster } from './cluster.ts'
import { decodeAssignment } from './consumer-protocol.ts'
import { refusal } from './errors.ts'
import { GroupCoordinator } from './group-coordinator.ts'
import { commitOffsets, fetchGroupOffsets, type GroupOffset } from './group-offsets.ts'
import { byTopic, type TopicPartition } from './offsets.ts'

export interface ListedGroup {
  readonly groupId: string
  /** 'consumer' for groups of consumers. */
  readonly protocolType: string
  /** '' where the broker is too old to say. */
  readonly state: string
  readonly type: string
  readonly coordinatorId: number
}

export interface GroupMemberDescription {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly assignment: readonly TopicPartition[]
}

export interface GroupDescription {
  readonly groupId: string
  /** 'Stable', 'Empty', 'Dead' and so on. */
  readonly state: string
  readonly protocolType: string
  /** The assignor. */
  readonly protocol: string
  readonly members: readonly GroupMemberDescription[]
}

/** What an administrator does with groups. */
export class GroupAdmin {
  readonly #cluster: Cluster

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  #of(groupId: string): GroupCoordinator {
    return new GroupCoordinator(this.#cluster, groupId)
  }

  /** The groups of all brokers, sorted by id. */
  async listGroups(): Promise<ListedGroup[]> {
    const listed = await this.#cluster.retry(async () => {
      await this.#cluster.refresh()
      return Promise.all(
        [...this.#cluster.cache.brokers.keys()].map(async (coordinatorId) => {
          const connection = await this.#cluster.connection(coordinatorId)
          const { errorCode, groups } = await connection.request(ListGroups, {})
          if (errorCode !== ErrorCode.NONE) throw refusal(errorCode, `Listing the groups of broker ${coordinatorId}`)
          return groups.map(({ groupId, protocolType, groupState, groupType }) => ({
            groupId,
            protocolType,
            state: groupState,
            type: groupType,
            coordinatorId,
          }))
        }),
      )
    })
    return listed.flat().sort((a, b) => (a.groupId < b.groupId ? -1 : 1))
  }

  /** State and members of groups, in their order; one that doesn't exist is 'Dead'. */
  async describeGroups(groupIds: readonly string[]): Promise<GroupDescription[]> {
    return Promise.all(groupIds.map((groupId) => this.#describe(groupId)))
  }

  async #describe(groupId: string): Promise<GroupDescription> {
    const answer = await this.#of(groupId).askUntilDone(
      DescribeGroups,
      { groups: [groupId] },
      {
        what: `Describing group '${groupId}'`,
        code: ({ groups }) => (groups[0]!.errorCode === ErrorCode.GROUP_ID_NOT_FOUND ? ErrorCode.NONE : groups[0]!.errorCode),
        message: ({ groups }) => groups[0]!.errorMessage,
      },
    )
    const group = answer.groups[0]!
    return {
      groupId,
      state: group.groupState,
      protocolType: group.protocolType,
      protocol: group.protocolData,
      members: group.members.map(({ memberId, groupInstanceId, clientId, clientHost, memberAssignment }) => ({
        memberId,
        groupInstanceId,
        clientId,
        clientHost,
        assignment: group.protocolType === 'consumer' ? decodeAssignment(memberAssignment) : [],
      })),
    }
  }

  /** Deletes a group that has no members, with its offsets. */
  async deleteGroup(groupId: string): Promise<void> {
    await this.#of(groupId).askUntilDone(
      DeleteGroups,
      { groupsNames: [groupId] },
      {
        what: `Deleting group '${groupId}'`,
        code: ({ results }) => results[0]!.errorCode,
        message: ({ results }) => results[0]!.errorMessage,
      },
    )
  }

  async deleteGroups(groupIds: readonly string[]): Promise<void> {
    await Promise.all(groupIds.map((groupId) => this.deleteGroup(groupId)))
  }

  /** A group's stored offsets: of all partitions, or of those given; partitions without one are left out. */
  listGroupOffsets(groupId: string, partitions: readonly TopicPartition[] | null = null): Promise<Required<GroupOffset>[]> {
    return this.#cluster.retry(() => fetchGroupOffsets(this.#of(groupId), partitions, false))
  }

  /** Sets offsets of a group that has no members: what a reset does. */
  async alterGroupOffsets(groupId: string, offsets: readonly GroupOffset[]): Promise<void> {
    await this.#cluster.retry(() => commitOffsets(this.#of(groupId), offsets))
  }

  /** Deletes offsets of topics that no member of the group subscribes to. */
  async deleteGroupOffsets(groupId: string, partitions: readonly TopicPartition[]): Promise<void> {
    await this.#of(groupId).askUntilDone(
      OffsetDelete,
      {
        groupId,
        topics: [...byTopic(partitions)].map(([name, list]) => ({
          name,
          partitions: list.map(({ partition }) => ({ partitionIndex: partition })),
        })),
      },
      {
        what: `Deleting offsets of group '${groupId}'`,
        code: (answer) => {
          if (answer.errorCode !== ErrorCode.NONE) return answer.errorCode
          return answer.topics.flatMap((topic) => topic.partitions).find((p) => p.errorCode !== ErrorCode.NONE)?.errorCode ?? ErrorCode.NONE
        },
      },
    )
  }
}
