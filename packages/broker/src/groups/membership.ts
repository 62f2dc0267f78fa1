import { ErrorCode } from '@ottla/protocol'
import { commonProtocols, GroupMember, votedProtocol, type GroupProtocol, type JoinAnswer, type SyncAnswer } from './group-member.ts'
import type { GroupSnapshot, MemberIdentity } from './group-requests.ts'

/** Who is in a group, in which generation, by which protocol and led by whom. Knows no state, no time and no waiting. */
export class Membership {
  generationId = 0
  protocolType: string | null = null
  protocolName: string | null = null
  /** Always one of the members; null where there are none. */
  leader: string | null = null
  /** In the order of joining. */
  readonly #members = new Map<string, GroupMember>()
  /** Group instance ids to member ids (KIP-345). */
  readonly #statics = new Map<string, string>()

  get size(): number {
    return this.#members.size
  }

  all(): Iterable<GroupMember> {
    return this.#members.values()
  }

  get(memberId: string): GroupMember | undefined {
    return this.#members.get(memberId)
  }

  /** The static member that has this instance id now. */
  static(groupInstanceId: string): GroupMember | undefined {
    return this.#members.get(this.#statics.get(groupInstanceId) ?? '')
  }

  /** The first one decides what type the group is of, and leads. */
  add(member: GroupMember, protocolType: string): void {
    if (this.#members.size === 0) this.protocolType = protocolType
    this.#members.set(member.memberId, member)
    if (member.facts.groupInstanceId !== null) this.#statics.set(member.facts.groupInstanceId, member.memberId)
    this.leader ??= member.memberId
  }

  remove(member: GroupMember): void {
    this.#members.delete(member.memberId)
    if (member.facts.groupInstanceId !== null) this.#statics.delete(member.facts.groupInstanceId)
    if (this.leader === member.memberId) this.leader = this.#members.keys().next().value ?? null
  }

  /** A static member under another id: what its former self was, it is. */
  replace(former: GroupMember, member: GroupMember): void {
    this.#members.delete(former.memberId)
    this.#members.set(member.memberId, member)
    this.#statics.set(member.facts.groupInstanceId!, member.memberId)
    if (this.leader === former.memberId) this.leader = member.memberId
  }

  /** The leader stays while it waits to join; else the first member that does takes over. False where none does. */
  electLeader(): boolean {
    if (this.leader !== null && this.#members.get(this.leader)!.waitingJoin !== null) return true
    for (const member of this.#members.values()) {
      if (member.waitingJoin === null) continue
      this.leader = member.memberId
      return true
    }
    return false
  }

  /** The protocol that the members would have in their next generation. */
  votedProtocol(): string | null {
    return votedProtocol([...this.#members.values()])
  }

  /** Whether one with these protocols can be among them. */
  supports(protocolType: string, protocols: readonly GroupProtocol[]): boolean {
    if (this.#members.size === 0) return protocolType !== '' && protocols.length > 0
    if (protocolType !== this.protocolType) return false
    const common = commonProtocols(this.#members.values())
    return protocols.some((protocol) => common.has(protocol.name))
  }

  /** Whether this is a member that may speak for itself; a static one that was replaced may not. */
  identityError({ memberId, groupInstanceId }: MemberIdentity): number {
    if (groupInstanceId !== null) {
      const current = this.#statics.get(groupInstanceId)
      if (current === undefined) return ErrorCode.UNKNOWN_MEMBER_ID
      if (current !== memberId) return ErrorCode.FENCED_INSTANCE_ID
    }
    return this.#members.has(memberId) ? ErrorCode.NONE : ErrorCode.UNKNOWN_MEMBER_ID
  }

  /** The longest that any of them needs to come back. */
  rebalanceTimeoutMs(): number {
    let longestMs = 0
    for (const member of this.#members.values()) longestMs = Math.max(longestMs, member.facts.rebalanceTimeoutMs)
    return longestMs
  }

  joinAnswer(member: GroupMember): JoinAnswer {
    const members =
      member.memberId !== this.leader
        ? []
        : Array.from(this.#members.values(), (other) => ({
            memberId: other.memberId,
            groupInstanceId: other.facts.groupInstanceId,
            metadata: other.metadata(this.protocolName),
          }))
    return {
      errorCode: ErrorCode.NONE,
      generationId: this.generationId,
      protocolType: this.protocolType,
      protocolName: this.protocolName,
      leader: this.leader ?? '',
      skipAssignment: false,
      memberId: member.memberId,
      members,
    }
  }

  syncAnswer(member: GroupMember): SyncAnswer {
    return { errorCode: ErrorCode.NONE, protocolType: this.protocolType, protocolName: this.protocolName, assignment: member.assignment }
  }

  snapshot(groupId: string, stateTimestampMs: number, assignmentOf: (member: GroupMember) => Buffer): GroupSnapshot {
    const { generationId, protocolType, protocolName, leader } = this
    const members = Array.from(this.#members.values(), (member) => ({
      memberId: member.memberId,
      groupInstanceId: member.facts.groupInstanceId,
      clientId: member.facts.clientId,
      clientHost: member.facts.clientHost,
      rebalanceTimeoutMs: member.facts.rebalanceTimeoutMs,
      sessionTimeoutMs: member.facts.sessionTimeoutMs,
      metadata: member.metadata(protocolName),
      assignment: assignmentOf(member),
    }))
    return { groupId, generationId, protocolType, protocolName, leader, stateTimestampMs, members }
  }

  /** Becomes what a snapshot says. */
  restore(snapshot: GroupSnapshot): void {
    for (const stored of snapshot.members) {
      const { groupInstanceId, clientId, clientHost, rebalanceTimeoutMs, sessionTimeoutMs } = stored
      const protocols = [{ name: snapshot.protocolName ?? '', metadata: stored.metadata }]
      const member = new GroupMember(stored.memberId, {
        groupInstanceId,
        clientId,
        clientHost,
        rebalanceTimeoutMs,
        sessionTimeoutMs,
        protocols,
      })
      member.assignment = stored.assignment
      member.isNew = false
      this.add(member, '')
    }
    this.generationId = snapshot.generationId
    this.protocolType = snapshot.protocolType
    this.protocolName = snapshot.protocolName
    if (snapshot.leader !== null && this.#members.has(snapshot.leader)) this.leader = snapshot.leader
  }
}
