import { ErrorCode } from '@ottla/protocol'
import { OffsetCommit } from '@ottla/protocol/messages/08-offset-commit'
import { OffsetFetch } from '@ottla/protocol/messages/09-offset-fetch'
import { JoinGroup } from '@ottla/protocol/messages/11-join-group'
import { Heartbeat } from '@ottla/protocol/messages/12-heartbeat'
import { LeaveGroup } from '@ottla/protocol/messages/13-leave-group'
import { SyncGroup } from '@ottla/protocol/messages/14-sync-group'
import type { Decoded, Encodable } from '@ottla/wire'

interface Member {
  readonly memberId: string
  metadata: Buffer
  protocol: string
  join: ((answer: Encodable<typeof JoinGroup.response.fields>) => void) | null
  sync: ((answer: Encodable<typeof SyncGroup.response.fields>) => void) | null
}

class Group {
  generationId = 0
  state: 'empty' | 'preparing' | 'completing' | 'stable' = 'empty'
  readonly members = new Map<string, Member>()
  assignments = new Map<string, Buffer>()
  readonly offsets = new Map<string, { offset: number; leaderEpoch: number; metadata: string | null }>()
}

const NOTHING = Buffer.alloc(0)

/** Classic groups without timers: a rebalance ends when every member has joined again. */
export class FakeGroups {
  readonly groups = new Map<string, Group>()
  #memberIds = 0

  of(groupId: string): Group {
    let group = this.groups.get(groupId)
    if (group === undefined) this.groups.set(groupId, (group = new Group()))
    return group
  }

  /** As if its session had ended. */
  expel(groupId: string, memberId: string): void {
    const group = this.of(groupId)
    group.members.delete(memberId)
    this.#prepare(group)
  }

  answer(key: number, body: never): unknown {
    switch (key) {
      case JoinGroup.key:
        return this.#join(body)
      case SyncGroup.key:
        return this.#sync(body)
      case Heartbeat.key:
        return this.#heartbeat(body)
      case LeaveGroup.key:
        return this.#leave(body)
      case OffsetCommit.key:
        return this.#commit(body)
      case OffsetFetch.key:
        return this.#fetch(body)
      default:
        throw new Error(`no answer to API ${key}`)
    }
  }

  #prepare(group: Group): void {
    group.state = group.members.size === 0 ? 'empty' : 'preparing'
    for (const member of group.members.values()) {
      member.sync?.({ errorCode: ErrorCode.REBALANCE_IN_PROGRESS, assignment: NOTHING })
      member.sync = null
    }
    this.#complete(group)
  }

  #complete(group: Group): void {
    const members = [...group.members.values()]
    if (group.state !== 'preparing' || members.some(({ join }) => join === null)) return
    group.generationId++
    group.state = 'completing'
    const leader = members[0]!
    const protocolName = leader.protocol
    for (const member of members) {
      const list = member === leader ? members.map(({ memberId, metadata }) => ({ memberId, metadata })) : []
      member.join!({
        errorCode: 0,
        generationId: group.generationId,
        protocolType: 'consumer',
        protocolName,
        leader: leader.memberId,
        memberId: member.memberId,
        members: list,
      })
      member.join = null
    }
  }

  #join(request: Decoded<typeof JoinGroup.request.fields>): Promise<Encodable<typeof JoinGroup.response.fields>> {
    const { groupId, memberId, protocols } = request
    const group = this.of(groupId)
    const refused = { protocolName: '', leader: '', members: [] }
    if (memberId === '') {
      return Promise.resolve({ ...refused, errorCode: ErrorCode.MEMBER_ID_REQUIRED, memberId: `member-${++this.#memberIds}` })
    }
    const { name, metadata } = protocols[0]!
    let member = group.members.get(memberId)
    const fresh = memberId === `member-${this.#memberIds}` || member !== undefined
    if (!fresh) return Promise.resolve({ ...refused, errorCode: ErrorCode.UNKNOWN_MEMBER_ID, memberId: '' })
    if (member === undefined) group.members.set(memberId, (member = { memberId, metadata, protocol: name, join: null, sync: null }))
    member.metadata = metadata
    return new Promise((resolve) => {
      member.join = resolve
      this.#prepare(group)
    })
  }

  #sync(request: Decoded<typeof SyncGroup.request.fields>): unknown {
    const { groupId, memberId, generationId, assignments } = request
    const group = this.of(groupId)
    const errorCode = this.#check(group, memberId, generationId)
    if (errorCode !== 0) return { errorCode, assignment: NOTHING }
    if (group.state === 'preparing') return { errorCode: ErrorCode.REBALANCE_IN_PROGRESS, assignment: NOTHING }
    if (assignments.length > 0) {
      group.assignments = new Map(assignments.map((one) => [one.memberId, one.assignment]))
      group.state = 'stable'
      for (const member of group.members.values()) {
        member.sync?.({ errorCode: 0, assignment: group.assignments.get(member.memberId) ?? NOTHING })
        member.sync = null
      }
    }
    if (group.state === 'stable') return { errorCode: 0, assignment: group.assignments.get(memberId) ?? NOTHING }
    return new Promise((resolve) => {
      group.members.get(memberId)!.sync = resolve
    })
  }

  #check(group: Group, memberId: string, generationId: number): number {
    if (!group.members.has(memberId)) return ErrorCode.UNKNOWN_MEMBER_ID
    return generationId === group.generationId ? 0 : ErrorCode.ILLEGAL_GENERATION
  }

  #heartbeat({ groupId, memberId, generationId }: Decoded<typeof Heartbeat.request.fields>): unknown {
    const group = this.of(groupId)
    const errorCode = this.#check(group, memberId, generationId)
    return { errorCode: errorCode === 0 && group.state === 'preparing' ? ErrorCode.REBALANCE_IN_PROGRESS : errorCode }
  }

  #leave({ groupId, members }: Decoded<typeof LeaveGroup.request.fields>): unknown {
    const group = this.of(groupId)
    for (const { memberId } of members) group.members.delete(memberId)
    this.#prepare(group)
    return { errorCode: 0, members: members.map(({ memberId }) => ({ memberId, groupInstanceId: null, errorCode: 0 })) }
  }

  #commit(request: Decoded<typeof OffsetCommit.request.fields>): unknown {
    const { groupId, memberId, generationIdOrMemberEpoch, topics } = request
    const group = this.of(groupId)
    const simple = generationIdOrMemberEpoch === -1 && memberId === '' && group.members.size === 0
    const errorCode = simple ? 0 : this.#check(group, memberId, generationIdOrMemberEpoch)
    return {
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex, committedOffset, committedLeaderEpoch, committedMetadata }) => {
          const stored = { offset: committedOffset, leaderEpoch: committedLeaderEpoch, metadata: committedMetadata }
          if (errorCode === 0) group.offsets.set(`${name}/${partitionIndex}`, stored)
          return { partitionIndex, errorCode }
        }),
      })),
    }
  }

  #fetch({ groups }: Decoded<typeof OffsetFetch.request.fields>): unknown {
    return {
      groups: groups.map(({ groupId, topics }) => ({
        groupId,
        topics: (topics ?? []).map(({ name, partitionIndexes }) => ({
          name,
          partitions: partitionIndexes.map((partitionIndex) => {
            const stored = this.of(groupId).offsets.get(`${name}/${partitionIndex}`)
            return {
              partitionIndex,
              committedOffset: stored?.offset ?? -1,
              committedLeaderEpoch: stored?.leaderEpoch ?? -1,
              metadata: stored?.metadata ?? '',
              errorCode: 0,
            }
          }),
        })),
      })),
    }
  }
}
