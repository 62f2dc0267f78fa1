import type { Timer } from '@ottla/env'

/** One way of assigning that a member supports, with what it says under that name; the metadata is the members' own affair. */
export interface GroupProtocol {
  readonly name: string
  readonly metadata: Buffer
}

/** One member of a generation, as its leader gets to see it. */
export interface JoinedMember {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly metadata: Buffer
}

export interface JoinAnswer {
  readonly errorCode: number
  readonly generationId: number
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly leader: string
  /** To a leader: the assignment that the group has is to stay (KIP-814). */
  readonly skipAssignment: boolean
  readonly memberId: string
  /** Of the leader alone; empty for others. */
  readonly members: readonly JoinedMember[]
}

export interface SyncAnswer {
  readonly errorCode: number
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly assignment: Buffer
}

export type Answer<T> = (answer: T) => void

/** What a member says of itself whenever it joins. */
export interface MemberFacts {
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly rebalanceTimeoutMs: number
  readonly sessionTimeoutMs: number
  /** In the member's order of preference. */
  readonly protocols: readonly GroupProtocol[]
}

export const NO_BYTES = Buffer.alloc(0)

/** A member of a classic group, and the requests of its that wait. The group alone changes it. */
export class GroupMember {
  readonly memberId: string
  facts: MemberFacts
  assignment: Buffer = NO_BYTES
  /** Has not yet been part of a generation. */
  isNew = true
  waitingJoin: Answer<JoinAnswer> | null = null
  waitingSync: Answer<SyncAnswer> | null = null
  /** A heartbeat whose answer is held back, and the timer that ends that. */
  heldHeartbeat: Answer<number> | null = null
  heldSinceMs = 0
  holdTimer: Timer | null = null
  /** The held heartbeat may be answered with a code that makes the client send the next one soon; the last one was. */
  retriesSoon = false
  toldToRetry = false
  /** Holding longer than this was too long for its client. */
  holdMaxMs = Infinity
  sessionTimer: Timer | null = null
  /** When the session ends, and when the timer rings that looks; on the monotonic clock. */
  sessionDeadlineMs = 0
  sessionTimerRingsMs = 0

  constructor(memberId: string, facts: MemberFacts) {
    this.memberId = memberId
    this.facts = facts
  }

  get isStatic(): boolean {
    return this.facts.groupInstanceId !== null
  }

  metadata(protocolName: string | null): Buffer {
    return this.facts.protocols.find((protocol) => protocol.name === protocolName)?.metadata ?? NO_BYTES
  }

  /** The same protocols in the same order with the same bytes. */
  saysTheSame(protocols: readonly GroupProtocol[]): boolean {
    const own = this.facts.protocols
    return (
      own.length === protocols.length &&
      own.every((protocol, i) => protocol.name === protocols[i]!.name && protocol.metadata.equals(protocols[i]!.metadata))
    )
  }
}

/** The protocols that every one of the members supports. */
export function commonProtocols(members: Iterable<GroupMember>): Set<string> {
  let common: Set<string> | null = null
  for (const member of members) {
    const names = member.facts.protocols.map((protocol) => protocol.name)
    common = new Set<string>(common === null ? names : names.filter((name) => common!.has(name)))
  }
  return common ?? new Set()
}

/** Each member votes for the first of its protocols that all support; most votes win, and among equals the one first voted for. */
export function votedProtocol(members: readonly GroupMember[]): string | null {
  const common = commonProtocols(members)
  const votes = new Map<string, number>()
  for (const member of members) {
    const vote = member.facts.protocols.find((protocol) => common.has(protocol.name))
    if (vote !== undefined) votes.set(vote.name, (votes.get(vote.name) ?? 0) + 1)
  }
  let winner: string | null = null
  for (const [name, count] of votes) if (winner === null || count > votes.get(winner)!) winner = name
  return winner
}
