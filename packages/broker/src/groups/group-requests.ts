import type { MemberFacts } from './group-member.ts'

/** As Kafka names them in DescribeGroups and ListGroups. */
export type GroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead'

export interface JoinRequest extends MemberFacts {
  /** Empty: the member has no id yet. */
  readonly memberId: string
  readonly protocolType: string
  /** A member without an id is given one first and joins with that (KIP-394, version 4). */
  readonly needsMemberId: boolean
  /** It understands `skipAssignment` (KIP-814, version 9). */
  readonly maySkipAssignment: boolean
  /** Why it joins, in the client's words (KIP-800). */
  readonly reason: string | null
}

/** Who speaks, in which generation. */
export interface MemberIdentity {
  readonly memberId: string
  readonly groupInstanceId: string | null
}

export interface LeaveRequest extends MemberIdentity {
  readonly reason: string | null
}

export interface SyncRequest extends MemberIdentity {
  readonly generationId: number
  /** Null in versions that don't say. */
  readonly protocolType: string | null
  readonly protocolName: string | null
  /** By member id; the leader's alone count. */
  readonly assignments: ReadonlyMap<string, Buffer>
}

export interface HeartbeatRequest extends MemberIdentity {
  readonly generationId: number
  /** How long the answer may be held back; 0: not at all. */
  readonly holdMs: number
  /** To COORDINATOR_LOAD_IN_PROGRESS the client says nothing and sends its next heartbeat after its retry backoff. */
  readonly retriesSoon: boolean
}

/** What is kept of a group on disk, and shown of it. */
export interface GroupSnapshot {
  readonly groupId: string
  readonly generationId: number
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly leader: string | null
  /** When the group came into its state, milliseconds since 1970; -1: not known. */
  readonly stateTimestampMs: number
  readonly members: readonly MemberSnapshot[]
}

export interface MemberSnapshot extends MemberIdentity {
  readonly clientId: string
  readonly clientHost: string
  readonly rebalanceTimeoutMs: number
  readonly sessionTimeoutMs: number
  /** What the member said under the group's protocol. */
  readonly metadata: Buffer
  readonly assignment: Buffer
}
