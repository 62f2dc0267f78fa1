import assert from 'node:assert/strict'
import type { Timer } from '@ottla/env'
import { ErrorCode } from '@ottla/protocol'
import { GroupMember, NO_BYTES, type Answer, type JoinAnswer, type SyncAnswer } from './group-member.ts'
import type {
  GroupSnapshot,
  GroupState,
  HeartbeatRequest,
  JoinRequest,
  LeaveRequest,
  MemberIdentity,
  SyncRequest,
} from './group-requests.ts'
import type { GroupSurroundings } from './group-surroundings.ts'
import { MemberSessions, refusedJoin, refusedSync } from './member-sessions.ts'
import { Membership } from './membership.ts'
import { PendingMembers } from './pending-members.ts'
import { randomUuid } from './random-uuid.ts'

/** A window that members' arrivals keep open doubles each time, so that slow starters still share the first generation; up to this. */
const INITIAL_WINDOW_MAX_MS = 3_000

/**
 * One classic group: a state machine without I/O. Requests come with a function that is called exactly once with their answer, at once
 * or later; such a function must not call back into the group. KIP-62, 134, 345, 394, 429, 800, 814.
 */
export class ClassicGroup {
  readonly groupId: string
  readonly #world: GroupSurroundings
  readonly #sessions: MemberSessions
  readonly #members = new Membership()
  readonly #pending: PendingMembers
  #state: GroupState = 'Empty'
  #stateTimestampMs: number
  /** The join phase under way began with an empty group: it ends by time alone. */
  #initialJoin = false
  #newcomers = false
  #joinTimer: Timer | null = null
  #syncTimer: Timer | null = null
  /** Members of this generation that have not asked for their assignment. */
  readonly #unsynced = new Set<string>()
  /** The leader's assignment is being stored. */
  #saving = false

  constructor(groupId: string, world: GroupSurroundings) {
    this.groupId = groupId
    this.#world = world
    this.#stateTimestampMs = world.clock.now()
    this.#sessions = new MemberSessions(world.clock, (member) => this.#lost(member))
    this.#pending = new PendingMembers(world.clock, () => this.#completeJoinIfAllAreHere())
  }

  /** The group as a log tells it: Stable with its members' sessions just begun, or Empty. */
  static restored(snapshot: GroupSnapshot, world: GroupSurroundings): ClassicGroup {
    const group = new ClassicGroup(snapshot.groupId, world)
    group.#members.restore(snapshot)
    group.#state = group.memberCount === 0 ? 'Empty' : 'Stable'
    group.#stateTimestampMs = snapshot.stateTimestampMs
    for (const member of group.#members.all()) group.#sessions.heardOf(member)
    return group
  }

  get state(): GroupState {
    return this.#state
  }

  get generationId(): number {
    return this.#members.generationId
  }

  get protocolType(): string | null {
    return this.#members.protocolType
  }

  get memberCount(): number {
    return this.#members.size
  }

  /** Nothing would be lost with this group but its offsets. */
  get abandoned(): boolean {
    return this.#state === 'Empty' && this.#pending.size === 0
  }

  snapshot(): GroupSnapshot {
    return this.#snapshot((member) => member.assignment)
  }

  join(request: JoinRequest, answer: Answer<JoinAnswer>): void {
    const { memberId } = request
    if (this.#state === 'Dead') answer(refusedJoin(ErrorCode.COORDINATOR_NOT_AVAILABLE, memberId))
    else if (!this.#hasRoomFor(memberId)) {
      answer(refusedJoin(ErrorCode.GROUP_MAX_SIZE_REACHED, ''))
      this.#forget(memberId)
    } else if (!this.#members.supports(request.protocolType, request.protocols)) {
      answer(refusedJoin(ErrorCode.INCONSISTENT_GROUP_PROTOCOL, memberId))
    } else if (memberId === '') this.#joinWithoutId(request, answer)
    else if (this.#pending.has(memberId)) this.#add(memberId, request, answer)
    else this.#joinAgain(request, answer)
  }

  sync(request: SyncRequest, answer: Answer<SyncAnswer>): void {
    const errorCode = this.#syncError(request)
    if (errorCode !== 0) {
      answer(refusedSync(errorCode))
      return
    }
    const member = this.#members.get(request.memberId)!
    this.#unsynced.delete(member.memberId)
    this.#sessions.parkSync(member, answer)
    if (this.#state === 'Stable') this.#sessions.answerSync(member, this.#members.syncAnswer(member))
    else if (member.memberId === this.#members.leader && !this.#saving) this.#saveAssignment(request.assignments)
  }

  /** Gives null where it was answered at once, else a function that ends the hold; `there`: the member is still to be reached. */
  heartbeat(request: HeartbeatRequest, answer: Answer<number>): ((there: boolean) => void) | null {
    const member = this.#members.get(request.memberId)
    const errorCode = this.#heartbeatError(request)
    if (member !== undefined && (errorCode === 0 || errorCode === ErrorCode.REBALANCE_IN_PROGRESS)) this.#sessions.heardOf(member)
    if (errorCode === 0 && this.#state === 'Stable' && request.holdMs > 0) {
      return this.#sessions.holdHeartbeat(member!, request, answer)
    }
    answer(errorCode)
    return null
  }

  /** Takes members out, by id, or static ones by instance id with an empty member id (KIP-345). One error code each. */
  leave(identities: readonly LeaveRequest[]): number[] {
    let left = 0
    const codes = identities.map(({ memberId, groupInstanceId, reason }) => {
      if (this.#state === 'Dead') return ErrorCode.COORDINATOR_NOT_AVAILABLE
      if (this.#pending.delete(memberId)) return ErrorCode.NONE
      const id = memberId === '' && groupInstanceId !== null ? (this.#members.static(groupInstanceId)?.memberId ?? '') : memberId
      const errorCode = this.#members.identityError({ memberId: id, groupInstanceId: memberId === '' ? null : groupInstanceId })
      if (errorCode !== 0) return errorCode
      this.#world.log.info(`member ${id} leaves group ${this.groupId}${said(reason)}`)
      this.#remove(this.#members.get(id)!, ErrorCode.UNKNOWN_MEMBER_ID)
      left++
      return ErrorCode.NONE
    })
    if (left > 0) this.#rebalance(`${left} member(s) left`)
    else this.#completeJoinIfAllAreHere()
    return codes
  }

  /** Whether these offsets may be committed now: 0, or why not. A commit by a member counts as a sign of life. */
  commitError(request: MemberIdentity & { readonly generationId: number }): number {
    const { generationId, memberId, groupInstanceId } = request
    if (this.#state === 'Dead') return ErrorCode.COORDINATOR_NOT_AVAILABLE
    if (generationId < 0 && this.#state === 'Empty') return ErrorCode.NONE
    if (generationId < 0 && memberId === '' && groupInstanceId === null) return ErrorCode.UNKNOWN_MEMBER_ID
    const identityError = this.#members.identityError(request)
    if (identityError !== 0) return identityError
    this.#sessions.overtaken(this.#members.get(memberId)!)
    if (generationId !== this.#members.generationId) return ErrorCode.ILLEGAL_GENERATION
    if (this.#state === 'CompletingRebalance') return ErrorCode.REBALANCE_IN_PROGRESS
    this.#sessions.heardOf(this.#members.get(memberId)!)
    return ErrorCode.NONE
  }

  /** The end of this object: deleted, or another broker's from now on. Whatever waits is answered with `errorCode`. */
  close(errorCode: number): void {
    this.#joinTimer?.cancel()
    this.#syncTimer?.cancel()
    this.#pending.clear()
    this.#enter('Dead')
    for (const member of this.#members.all()) this.#sessions.end(member, errorCode)
  }

  #joinWithoutId(request: JoinRequest, answer: Answer<JoinAnswer>): void {
    const { groupInstanceId, sessionTimeoutMs } = request
    const memberId = `${groupInstanceId ?? request.clientId}-${randomUuid(this.#world.random)}`
    const former = groupInstanceId === null ? undefined : this.#members.static(groupInstanceId)
    if (former !== undefined) this.#replaceStatic(former, memberId, request, answer)
    else if (groupInstanceId !== null || !request.needsMemberId) this.#add(memberId, request, answer)
    else {
      this.#newcomers = true
      this.#pending.add(memberId, sessionTimeoutMs)
      answer(refusedJoin(ErrorCode.MEMBER_ID_REQUIRED, memberId))
    }
  }

  #joinAgain(request: JoinRequest, answer: Answer<JoinAnswer>): void {
    const { memberId } = request
    const errorCode = this.#state === 'Empty' ? ErrorCode.UNKNOWN_MEMBER_ID : this.#members.identityError(request)
    if (errorCode !== 0) {
      answer(refusedJoin(errorCode, memberId))
      return
    }
    const member = this.#members.get(memberId)!
    const isLeader = memberId === this.#members.leader
    const same = member.saysTheSame(request.protocols)
    if (same && (this.#state === 'CompletingRebalance' || (this.#state === 'Stable' && !isLeader))) {
      this.#sessions.heardOf(member)
      answer(this.#members.joinAnswer(member))
      return
    }
    member.facts = request
    this.#sessions.parkJoin(member, answer)
    this.#rebalance(`member ${memberId} joins again${same ? '' : ' with other metadata'}${said(request.reason)}`)
  }

  #add(memberId: string, request: JoinRequest, answer: Answer<JoinAnswer>): void {
    this.#pending.delete(memberId)
    const member = new GroupMember(memberId, request)
    this.#members.add(member, request.protocolType)
    this.#newcomers = true
    this.#sessions.parkJoin(member, answer)
    this.#rebalance(`member ${memberId} joins${said(request.reason)}`)
  }

  /** A static member came back without its id: it takes its former self's place, assignment and all. The former is fenced. */
  #replaceStatic(former: GroupMember, memberId: string, request: JoinRequest, answer: Answer<JoinAnswer>): void {
    const formerLeader = this.#members.leader
    const member = new GroupMember(memberId, request)
    member.assignment = former.assignment
    member.isNew = former.isNew
    this.#members.replace(former, member)
    this.#unsynced.delete(former.memberId)
    this.#sessions.end(former, ErrorCode.FENCED_INSTANCE_ID)
    this.#sessions.parkJoin(member, answer)
    this.#world.log.info(`static member ${request.groupInstanceId} of group ${this.groupId} is now ${memberId}${said(request.reason)}`)
    if (this.#state !== 'Stable' || this.#members.votedProtocol() !== this.#members.protocolName) {
      this.#rebalance(`static member ${request.groupInstanceId} came back`)
      return
    }
    const generationId = this.#members.generationId
    this.#world.save(this.snapshot(), (errorCode) => {
      if (this.#state !== 'Stable' || this.#members.generationId !== generationId || member.waitingJoin !== answer) return
      if (errorCode !== 0) {
        this.#sessions.end(member, errorCode)
        if (this.#members.get(memberId) !== member) return
        this.#members.replace(member, former)
        this.#sessions.heardOf(former)
        return
      }
      member.isNew = false
      this.#sessions.answerJoin(member, {
        ...this.#members.joinAnswer(member),
        // An old leader that learnt that it leads would assign anew, and nobody would hear of it: it is told of its former id.
        ...(request.maySkipAssignment
          ? { skipAssignment: this.#members.leader === memberId }
          : { leader: formerLeader ?? '', members: [] }),
      })
      this.#sessions.heardOf(member)
    })
  }

  /** Begins a join phase, or goes on with the one under way. */
  #rebalance(reason: string): void {
    if (this.#state === 'PreparingRebalance') {
      this.#completeJoinIfAllAreHere()
      return
    }
    assert(this.#state !== 'Dead')
    if (this.#state === 'CompletingRebalance') this.#abandonAssignment(ErrorCode.REBALANCE_IN_PROGRESS)
    this.#syncTimer?.cancel()
    this.#syncTimer = null
    this.#initialJoin = this.#state === 'Empty'
    this.#world.log.info(`group ${this.groupId} rebalances in generation ${this.#members.generationId}: ${reason}`)
    this.#enter('PreparingRebalance')
    for (const member of this.#members.all()) this.#sessions.answerHeartbeat(member, ErrorCode.REBALANCE_IN_PROGRESS)
    if (this.#initialJoin) {
      const { initialRebalanceDelayMs } = this.#world.config
      this.#gather(initialRebalanceDelayMs, Math.max(0, this.#members.rebalanceTimeoutMs() - initialRebalanceDelayMs))
    } else if (this.#allAreHere()) this.#completeJoin()
    else this.#joinTimer = this.#world.clock.after(this.#members.rebalanceTimeoutMs(), () => this.#completeJoin())
  }

  /** Waits for the members of a first generation as long as they keep coming, `leftMs` more than `windowMs` at most. */
  #gather(windowMs: number, leftMs: number): void {
    this.#newcomers = false
    this.#joinTimer = this.#world.clock.after(windowMs, () => {
      const longerMs = Math.max(windowMs, Math.min(windowMs * 2, INITIAL_WINDOW_MAX_MS))
      const nextMs = Math.min(longerMs, leftMs)
      if (this.#newcomers && nextMs > 0) this.#gather(nextMs, leftMs - nextMs)
      else this.#completeJoin()
    })
  }

  #completeJoinIfAllAreHere(): void {
    if (this.#state === 'PreparingRebalance' && !this.#initialJoin && this.#allAreHere()) this.#completeJoin()
  }

  #allAreHere(): boolean {
    return this.#sessions.waitingJoinCount === this.#members.size && this.#pending.size === 0
  }

  /** Ends the join phase: who is not here is out, static members apart, and a new generation begins. */
  #completeJoin(): void {
    this.#joinTimer?.cancel()
    for (const member of [...this.#members.all()]) {
      if (member.waitingJoin !== null || member.isStatic) continue
      this.#world.log.info(`member ${member.memberId} did not join group ${this.groupId} again in time`)
      this.#remove(member, ErrorCode.UNKNOWN_MEMBER_ID)
    }
    if (!this.#members.electLeader() && this.#members.size > 0) {
      // Static members alone, none of them here: until their sessions end.
      this.#joinTimer = this.#world.clock.after(this.#members.rebalanceTimeoutMs(), () => this.#completeJoin())
      return
    }
    this.#joinTimer = null
    this.#members.generationId++
    this.#unsynced.clear()
    if (this.#members.size === 0) this.#becomeEmpty()
    else this.#beginGeneration()
  }

  #becomeEmpty(): void {
    this.#members.protocolName = null
    this.#enter('Empty')
    this.#world.log.info(`group ${this.groupId} is empty in generation ${this.#members.generationId}`)
    this.#world.save(this.snapshot(), (errorCode) => {
      if (errorCode !== 0) this.#world.log.warn(`group ${this.groupId} could not be stored as empty`, { errorCode })
    })
  }

  #beginGeneration(): void {
    this.#members.protocolName = this.#members.votedProtocol()
    assert(this.#members.protocolName !== null, 'members without a common protocol')
    this.#enter('CompletingRebalance')
    for (const member of this.#members.all()) {
      if (member.waitingJoin === null) continue
      this.#unsynced.add(member.memberId)
      member.isNew = false
      this.#sessions.answerJoin(member, this.#members.joinAnswer(member))
      this.#sessions.heardOf(member)
    }
    this.#world.log.info(`group ${this.groupId} has generation ${this.#members.generationId}`, {
      members: this.#members.size,
      protocol: this.#members.protocolName,
      leader: this.#members.leader,
    })
    this.#syncTimer = this.#world.clock.after(this.#members.rebalanceTimeoutMs(), () => this.#syncTimedOut())
  }

  #syncTimedOut(): void {
    this.#syncTimer = null
    if (this.#unsynced.size === 0) return
    for (const memberId of this.#unsynced) this.#remove(this.#members.get(memberId)!, ErrorCode.UNKNOWN_MEMBER_ID)
    this.#rebalance('some members did not ask for their assignment in time')
  }

  #saveAssignment(assignments: ReadonlyMap<string, Buffer>): void {
    const generationId = this.#members.generationId
    const of = (member: GroupMember): Buffer => assignments.get(member.memberId) ?? NO_BYTES
    this.#saving = true
    this.#world.save(this.#snapshot(of), (errorCode) => {
      if (this.#state !== 'CompletingRebalance' || this.#members.generationId !== generationId) return
      if (errorCode !== 0) {
        this.#abandonAssignment(errorCode)
        this.#rebalance('the assignment could not be stored')
        return
      }
      this.#saving = false
      for (const member of this.#members.all()) member.assignment = of(member)
      this.#enter('Stable')
      for (const member of this.#members.all()) this.#sessions.answerSync(member, this.#members.syncAnswer(member))
    })
  }

  #abandonAssignment(errorCode: number): void {
    this.#saving = false
    for (const member of this.#members.all()) {
      member.assignment = NO_BYTES
      this.#sessions.answerSync(member, refusedSync(errorCode))
    }
  }

  /** A member's session is over. */
  #lost(member: GroupMember): void {
    this.#world.log.info(`member ${member.memberId} of group ${this.groupId} was not heard of in its session, it is out`)
    this.#remove(member, ErrorCode.UNKNOWN_MEMBER_ID)
    this.#rebalance(`member ${member.memberId} was lost`)
  }

  #remove(member: GroupMember, errorCode: number): void {
    this.#members.remove(member)
    this.#unsynced.delete(member.memberId)
    this.#sessions.end(member, errorCode)
  }

  /** One who found no room: whatever the group knows of it goes. */
  #forget(memberId: string): void {
    this.#pending.delete(memberId)
    const member = this.#members.get(memberId)
    if (member !== undefined) this.#remove(member, ErrorCode.GROUP_MAX_SIZE_REACHED)
    this.#completeJoinIfAllAreHere()
  }

  #hasRoomFor(memberId: string): boolean {
    const { maxSize } = this.#world.config
    const member = this.#members.get(memberId)
    if (this.#state === 'Empty') return true
    if (this.#state === 'PreparingRebalance') return (member?.waitingJoin ?? null) !== null || this.#sessions.waitingJoinCount < maxSize
    return member !== undefined || this.#members.size < maxSize
  }

  #syncError(request: SyncRequest): number {
    if (this.#state === 'Dead') return ErrorCode.COORDINATOR_NOT_AVAILABLE
    const identityError = this.#members.identityError(request)
    if (identityError !== 0) return identityError
    if (request.generationId !== this.#members.generationId) return ErrorCode.ILLEGAL_GENERATION
    const { protocolType, protocolName } = request
    if (protocolType !== null && protocolType !== this.#members.protocolType) return ErrorCode.INCONSISTENT_GROUP_PROTOCOL
    if (protocolName !== null && protocolName !== this.#members.protocolName) return ErrorCode.INCONSISTENT_GROUP_PROTOCOL
    return this.#state === 'PreparingRebalance' ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE
  }

  #heartbeatError(request: HeartbeatRequest): number {
    if (this.#state === 'Dead') return ErrorCode.COORDINATOR_NOT_AVAILABLE
    const identityError = this.#members.identityError(request)
    if (identityError !== 0) return identityError
    if (request.generationId !== this.#members.generationId) return ErrorCode.ILLEGAL_GENERATION
    return this.#state === 'PreparingRebalance' ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE
  }

  #snapshot(assignmentOf: (member: GroupMember) => Buffer): GroupSnapshot {
    return this.#members.snapshot(this.groupId, this.#stateTimestampMs, assignmentOf)
  }

  #enter(state: GroupState): void {
    this.#state = state
    this.#stateTimestampMs = this.#world.clock.now()
  }
}

const said = (reason: string | null): string => (reason === null || reason === '' ? '' : `: ${reason}`)
