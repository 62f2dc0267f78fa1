import type { Clock } from '@ottla/env'
import { ErrorCode } from '@ottla/protocol'
import { NO_BYTES, type Answer, type GroupMember, type JoinAnswer, type SyncAnswer } from './group-member.ts'
import type { HeartbeatRequest } from './group-requests.ts'

/** A new member does not know its id yet and can't heartbeat: if its join waits longer than this, nobody may be there any more. */
const NEW_MEMBER_JOIN_TIMEOUT_MS = 300_000
/** A heartbeat is held for at most this part of its member's session, so that several fit in, whatever goes wrong with one. */
const HOLDS_PER_SESSION = 3
/** A session that ends this part of its length late was kept waiting by a stalled loop: the heartbeats may lie in the sockets. */
const LATENESS_PER_SESSION = 10

export function refusedJoin(errorCode: number, memberId: string): JoinAnswer {
  return { errorCode, generationId: -1, protocolType: null, protocolName: null, leader: '', skipAssignment: false, memberId, members: [] }
}

export function refusedSync(errorCode: number): SyncAnswer {
  return { errorCode, protocolType: null, protocolName: null, assignment: NO_BYTES }
}

/**
 * The requests of a group's members that wait, and the members' sessions. A session's time runs only while nothing of the member's
 * waits in join or sync. Every request that is parked here is answered exactly once: by its member's next of that kind at the latest.
 */
export class MemberSessions {
  readonly #clock: Clock
  readonly #expired: (member: GroupMember) => void
  #waitingJoinCount = 0

  /** `expired` is called when a member has not been heard of for its session timeout. */
  constructor(clock: Clock, expired: (member: GroupMember) => void) {
    this.#clock = clock
    this.#expired = expired
  }

  get waitingJoinCount(): number {
    return this.#waitingJoinCount
  }

  parkJoin(member: GroupMember, answer: Answer<JoinAnswer>): void {
    // A client that lost its connection asks again on a new one.
    this.answerJoin(member, refusedJoin(ErrorCode.REBALANCE_IN_PROGRESS, member.memberId))
    this.answerHeartbeat(member, ErrorCode.NONE)
    member.toldToRetry = false
    member.waitingJoin = answer
    this.#waitingJoinCount++
    if (member.isNew) this.#arm(member, NEW_MEMBER_JOIN_TIMEOUT_MS)
    else this.#disarm(member)
  }

  answerJoin(member: GroupMember, answer: JoinAnswer): void {
    const waiting = member.waitingJoin
    if (waiting === null) return
    member.waitingJoin = null
    this.#waitingJoinCount--
    waiting(answer)
  }

  parkSync(member: GroupMember, answer: Answer<SyncAnswer>): void {
    this.answerSync(member, refusedSync(ErrorCode.REBALANCE_IN_PROGRESS))
    member.waitingSync = answer
    this.#disarm(member)
  }

  answerSync(member: GroupMember, answer: SyncAnswer): void {
    const waiting = member.waitingSync
    if (waiting === null) return
    member.waitingSync = null
    waiting(answer)
    this.heardOf(member)
  }

  /**
   * Holds the answer to a heartbeat back until `answerHeartbeat`, at most `holdMs` and a third of the session. Gives a function that
   * ends the hold with no error; `there`: the connection is. Where it is not, the member's later heartbeats are held half as long.
   */
  holdHeartbeat(member: GroupMember, { holdMs, retriesSoon }: HeartbeatRequest, answer: Answer<number>): (there: boolean) => void {
    this.answerHeartbeat(member, ErrorCode.NONE)
    this.heardOf(member)
    const release = (there: boolean): void => {
      if (member.heldHeartbeat !== answer) return
      const { sessionDeadlineMs } = member
      this.answerHeartbeat(member, ErrorCode.NONE)
      if (there) return
      member.sessionDeadlineMs = sessionDeadlineMs
      // It may have closed because its request timeout is this short.
      member.holdMaxMs = Math.min(member.holdMaxMs, (this.#clock.monotonic() - member.heldSinceMs) / 2)
    }
    member.heldHeartbeat = answer
    member.retriesSoon = retriesSoon
    member.heldSinceMs = this.#clock.monotonic()
    const longestMs = Math.min(holdMs, member.facts.sessionTimeoutMs / HOLDS_PER_SESSION, member.holdMaxMs)
    member.holdTimer = this.#clock.after(longestMs, () => release(true))
    return release
  }

  /**
   * A request that is answered at once came by the connection of a held heartbeat, which is to be answered first. Many a client would then
   * be out of reach until its next heartbeat: one that can be is told to send that soon, though never twice in a row.
   */
  overtaken(member: GroupMember): void {
    const retry = member.retriesSoon && !member.toldToRetry
    this.answerHeartbeat(member, retry ? ErrorCode.COORDINATOR_LOAD_IN_PROGRESS : ErrorCode.NONE)
  }

  /** Answers a heartbeat that is held back, if there is one. The member counts as heard of until now. */
  answerHeartbeat(member: GroupMember, errorCode: number): void {
    const held = member.heldHeartbeat
    if (held === null) return
    member.heldHeartbeat = null
    member.toldToRetry = errorCode === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
    member.holdTimer?.cancel()
    member.holdTimer = null
    held(errorCode)
    this.heardOf(member)
  }

  /** The member's session begins anew, unless it waits in join or sync. */
  heardOf(member: GroupMember): void {
    if (member.waitingJoin === null && member.waitingSync === null) this.#arm(member, member.facts.sessionTimeoutMs)
  }

  /** The member is gone: whatever of it waits is answered with `errorCode`. */
  end(member: GroupMember, errorCode: number): void {
    this.answerJoin(member, refusedJoin(errorCode, member.memberId))
    this.answerSync(member, refusedSync(errorCode))
    this.answerHeartbeat(member, errorCode)
    this.#disarm(member)
  }

  #arm(member: GroupMember, timeoutMs: number): void {
    member.sessionDeadlineMs = this.#clock.monotonic() + timeoutMs
    if (member.sessionTimer !== null && member.sessionTimerRingsMs <= member.sessionDeadlineMs) return
    this.#disarm(member)
    this.#wait(member, timeoutMs)
  }

  #disarm(member: GroupMember): void {
    member.sessionTimer?.cancel()
    member.sessionTimer = null
  }

  /** Heartbeats only move the deadline; the timer looks at it when it rings. */
  #wait(member: GroupMember, delayMs: number): void {
    member.sessionTimerRingsMs = this.#clock.monotonic() + delayMs
    member.sessionTimer = this.#clock.after(delayMs, () => {
      member.sessionTimer = null
      const { sessionTimeoutMs } = member.facts
      const lateMs = this.#clock.monotonic() - member.sessionTimerRingsMs
      const graceMs = lateMs > sessionTimeoutMs / LATENESS_PER_SESSION ? Math.min(lateMs, sessionTimeoutMs) : 0
      const leftMs = member.sessionDeadlineMs - member.sessionTimerRingsMs + graceMs
      if (leftMs > 0) this.#wait(member, leftMs)
      else this.#expired(member)
    })
  }
}
