import type { Clock, Timer } from '@ottla/env'
import { ErrorCode, KafkaError } from '@ottla/protocol'
import { JoinGroup } from '@ottla/protocol/messages/11-join-group'
import { Heartbeat } from '@ottla/protocol/messages/12-heartbeat'
import { LeaveGroup } from '@ottla/protocol/messages/13-leave-group'
import { SyncGroup } from '@ottla/protocol/messages/14-sync-group'
import type { Decoded } from '@ottla/wire'
import type { Assignor, AssignorMember } from './assignors.ts'
import { decodeAssignment, decodeSubscription, encodeAssignment, encodeSubscription } from './consumer-protocol.ts'
import { ClientError, isRetriable } from './errors.ts'
import { GroupCoordinator } from './group-coordinator.ts'
import type { Committer } from './group-offsets.ts'
import type { TopicPartition } from './offsets.ts'

export interface MembershipOptions {
  readonly groupInstanceId: string | null
  readonly sessionTimeoutMs: number
  readonly heartbeatIntervalMs: number
  /** How long a member may take between two `next`; also what a rebalance waits for it. */
  readonly maxPollIntervalMs: number
  readonly assignors: readonly Assignor[]
  readonly rackId: string | null
}

type JoinAnswer = Decoded<typeof JoinGroup.response.fields>

/** After these a member starts anew with another id or generation. */
const REJOIN = new Set<number>([
  ErrorCode.MEMBER_ID_REQUIRED,
  ErrorCode.UNKNOWN_MEMBER_ID,
  ErrorCode.ILLEGAL_GENERATION,
  ErrorCode.REBALANCE_IN_PROGRESS,
])
const NO_GENERATION = -1
const ANSWER_MS = 5000

/** One member of a group of the classic protocol (formats §11): joins, shares out where it leads, and stays alive by heartbeats. */
export class GroupMembership {
  readonly #coordinator: GroupCoordinator
  readonly #options: MembershipOptions
  /** Something changed that `next` is to look at. */
  readonly #onChange: () => void
  /** Looks whether what the leader assigned by is still so. */
  readonly #onTick: () => void
  #memberId = ''
  #generationId = NO_GENERATION
  #isLeader = false
  #timer: Timer | null = null
  #heardMs = 0
  #polledMs = 0
  #left = false
  /** The group rebalances, or this member has not joined yet: `join` is to be called. */
  needsJoin = true
  /** The group went on without this member: what it was assigned belongs to others. */
  lost = false

  constructor(coordinator: GroupCoordinator, options: MembershipOptions, onChange: () => void, onTick: () => void) {
    this.#coordinator = coordinator
    this.#options = options
    this.#onChange = onChange
    this.#onTick = onTick
  }

  get committer(): Committer {
    return { generationId: this.#generationId, memberId: this.#memberId, groupInstanceId: this.#options.groupInstanceId }
  }

  get memberId(): string {
    return this.#memberId
  }

  get isLeader(): boolean {
    return this.#isLeader
  }

  get #groupId(): string {
    return this.#coordinator.groupId
  }

  get #clock(): Clock {
    return this.#coordinator.cluster.env.clock
  }

  /** The user asked for records: it is alive. */
  polled(): void {
    this.#polledMs = this.#clock.monotonic()
  }

  /** Joins the group's next generation; resolves with what this member is assigned. */
  async join(topics: readonly string[], owned: readonly TopicPartition[], countsOf: CountsOf): Promise<TopicPartition[]> {
    this.#timer?.cancel()
    for (let failures = 0; ;) {
      try {
        this.needsJoin = false
        const answer = await this.#join(topics, owned)
        const assigned = await this.#sync(answer, countsOf)
        this.lost = false
        this.#heardMs = this.#clock.monotonic()
        this.#scheduleHeartbeat()
        return assigned
      } catch (error) {
        this.needsJoin = true
        const code = error instanceof KafkaError ? error.code : undefined
        if (code === ErrorCode.UNKNOWN_MEMBER_ID || code === ErrorCode.ILLEGAL_GENERATION) this.#forgetMember()
        if (this.#left || !(isRetriable(error) || (code !== undefined && REJOIN.has(code)))) throw error
        if (code !== ErrorCode.MEMBER_ID_REQUIRED) await this.#coordinator.cluster.backoff.wait(++failures)
      }
    }
  }

  async #join(topics: readonly string[], owned: readonly TopicPartition[]): Promise<JoinAnswer> {
    const { groupInstanceId, sessionTimeoutMs, maxPollIntervalMs, assignors, rackId } = this.#options
    const metadata = encodeSubscription({ topics, ownedPartitions: owned, generationId: this.#generationId, rackId })
    const answer = await this.#coordinator.ask(
      JoinGroup,
      {
        groupId: this.#groupId,
        sessionTimeoutMs,
        rebalanceTimeoutMs: maxPollIntervalMs,
        memberId: this.#memberId,
        groupInstanceId,
        protocolType: 'consumer',
        protocols: assignors.map(({ name }) => ({ name, metadata })),
      },
      {
        what: `Joining group '${this.#groupId}'`,
        timeoutMs: maxPollIntervalMs + ANSWER_MS,
        code: ({ errorCode, memberId }) => {
          if (errorCode === ErrorCode.MEMBER_ID_REQUIRED) this.#memberId = memberId
          return errorCode
        },
      },
    )
    this.#memberId = answer.memberId
    this.#generationId = answer.generationId
    this.#isLeader = answer.leader === answer.memberId
    return answer
  }

  async #sync(joined: JoinAnswer, countsOf: CountsOf): Promise<TopicPartition[]> {
    const { protocolName } = joined
    const leads = this.#isLeader && !joined.skipAssignment
    const answer = await this.#coordinator.ask(
      SyncGroup,
      {
        groupId: this.#groupId,
        generationId: this.#generationId,
        memberId: this.#memberId,
        groupInstanceId: this.#options.groupInstanceId,
        protocolType: 'consumer',
        protocolName,
        assignments: leads ? await this.#assign(joined, countsOf) : [],
      },
      {
        what: `Getting an assignment of group '${this.#groupId}'`,
        timeoutMs: this.#options.maxPollIntervalMs + ANSWER_MS,
        code: ({ errorCode }) => errorCode,
      },
    )
    return decodeAssignment(answer.assignment)
  }

  async #assign({ members, protocolName }: JoinAnswer, countsOf: CountsOf): Promise<{ memberId: string; assignment: Buffer }[]> {
    const assignor = this.#options.assignors.find(({ name }) => name === protocolName)
    if (assignor === undefined) {
      throw new ClientError(
        'protocol',
        `The group chose assignor '${protocolName}', which this member did not offer; ` + "see the broker's log.",
      )
    }
    const described: AssignorMember[] = members.map(({ memberId, groupInstanceId, metadata }) => {
      const { topics, ownedPartitions, generationId } = decodeSubscription(metadata)
      return { memberId, groupInstanceId, topics, owned: ownedPartitions, generationId }
    })
    const counts = await countsOf(new Set(described.flatMap(({ topics }) => topics)))
    const assignment = assignor.assign(described, counts)
    return [...assignment].map(([memberId, partitions]) => ({ memberId, assignment: encodeAssignment(partitions) }))
  }

  #scheduleHeartbeat(): void {
    this.#timer?.cancel()
    this.#timer = this.#clock.after(this.#options.heartbeatIntervalMs, () => {
      this.#heartbeat().catch(() => {})
    })
  }

  async #heartbeat(): Promise<void> {
    const now = this.#clock.monotonic()
    if (now - this.#polledMs > this.#options.maxPollIntervalMs) {
      await this.leave('next was not called within maxPollIntervalMs')
      this.#left = false
      this.#lose()
      return
    }
    const generationId = this.#generationId
    try {
      await this.#coordinator.ask(
        Heartbeat,
        {
          groupId: this.#groupId,
          generationId,
          memberId: this.#memberId,
          groupInstanceId: this.#options.groupInstanceId,
        },
        { what: `The heartbeat of group '${this.#groupId}'`, code: ({ errorCode }) => errorCode },
      )
      this.#heardMs = this.#clock.monotonic()
      this.#onTick()
    } catch (error) {
      if (generationId !== this.#generationId || this.#left) return
      this.#missed(error as Error)
    }
    if (!this.#left && !this.lost && generationId === this.#generationId) this.#scheduleHeartbeat()
  }

  #missed(error: Error): void {
    const now = this.#clock.monotonic()
    const code = error instanceof KafkaError ? error.code : undefined
    if (code === ErrorCode.REBALANCE_IN_PROGRESS) {
      this.#heardMs = now
      this.rejoin()
    } else if (!isRetriable(error) || now - this.#heardMs > this.#options.sessionTimeoutMs) this.#lose()
  }

  #lose(): void {
    this.lost = true
    this.#forgetMember()
    this.rejoin()
  }

  #forgetMember(): void {
    this.#memberId = ''
    this.#generationId = NO_GENERATION
  }

  /** Asks for a rebalance: the next `next` joins anew. */
  rejoin(): void {
    if (this.needsJoin) return
    this.needsJoin = true
    this.#onChange()
  }

  /** Leaves, so that the others need not wait for the session to end. Static members stay, for they will be back (KIP-345). */
  async leave(reason: string): Promise<void> {
    this.#left = true
    this.#timer?.cancel()
    if (this.#memberId === '' || this.#options.groupInstanceId !== null) return
    const memberId = this.#memberId
    this.#forgetMember()
    // a join may hold this member's own connection
    const coordinator = new GroupCoordinator(this.#coordinator.cluster, this.#groupId)
    await coordinator
      .ask(
        LeaveGroup,
        { groupId: this.#groupId, memberId, members: [{ memberId, reason }] },
        {
          what: `Leaving group '${this.#groupId}'`,
          timeoutMs: ANSWER_MS,
          code: ({ errorCode }) => errorCode,
        },
      )
      .catch(() => {
        // the session ends by itself
      })
  }
}

/** How many partitions topics have; those that don't exist are left out. */
export type CountsOf = (topics: ReadonlySet<string>) => Promise<Map<string, number>>
