import { ASSIGNORS, type Assignor, type AssignorName } from './assignors.ts'
import { ClientError } from './errors.ts'
import type { GroupCoordinator } from './group-coordinator.ts'
import { GroupMembership } from './group-membership.ts'
import type { TopicPartition } from './offsets.ts'
import { TopicSubscription } from './topic-subscription.ts'

export interface ConsumerGroupOptions {
  /** A name that outlives restarts: who comes back under it gets its partitions back without a rebalance (KIP-345). */
  readonly groupInstanceId?: string
  readonly rackId?: string
  /** Who is not heard of for so long is out of the group. 45 s by default. */
  readonly sessionTimeoutMs?: number
  readonly heartbeatIntervalMs?: number
  /** Who does not ask for records for so long leaves the group. 5 minutes by default. */
  readonly maxPollIntervalMs?: number
  /** In order of preference; ['range'] by default. */
  readonly assignors?: readonly AssignorName[]
  readonly onAssigned?: (partitions: readonly TopicPartition[]) => void | Promise<void>
  /** Still owned: a commit succeeds here. */
  readonly onRevoked?: (partitions: readonly TopicPartition[]) => void | Promise<void>
  /** Owned by others already. Without it, `onRevoked` is called. */
  readonly onLost?: (partitions: readonly TopicPartition[]) => void | Promise<void>
}

/** The consumer that a group assigns partitions to. */
export interface Assignee {
  assigned(): TopicPartition[]
  add(partition: TopicPartition): void
  drop(partition: TopicPartition): void
  /** Commits what it dealt with, where it does so by itself. */
  commit(): Promise<void>
  fail(error: Error): void
  wake(): void
}

const keyOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`

/**
 * A consumer's side of its group: rebalances when it is asked for records. By the eager protocol it gives everything back first; where
 * all its assignors are cooperative, it keeps what it can (KIP-429).
 */
export class ConsumerGroup {
  readonly membership: GroupMembership
  readonly #options: ConsumerGroupOptions
  readonly #assignee: Assignee
  readonly #cooperative: boolean
  readonly #subscription: TopicSubscription
  /** From the first request of a rebalance to the callback of its result. */
  rebalancing = false
  #closed = false

  constructor(
    coordinator: GroupCoordinator,
    topics: readonly string[] | RegExp,
    options: ConsumerGroupOptions,
    allowAutoTopicCreation: boolean,
    assignee: Assignee,
  ) {
    const assignors = (options.assignors ?? ['range']).map(assignorNamed)
    this.#options = options
    this.#assignee = assignee
    this.#cooperative = assignors.every(({ cooperative }) => cooperative)
    this.#subscription = new TopicSubscription(coordinator.cluster, topics, allowAutoTopicCreation)
    this.membership = new GroupMembership(
      coordinator,
      {
        groupInstanceId: options.groupInstanceId ?? null,
        sessionTimeoutMs: options.sessionTimeoutMs ?? 45_000,
        heartbeatIntervalMs: options.heartbeatIntervalMs ?? 3000,
        maxPollIntervalMs: options.maxPollIntervalMs ?? 300_000,
        assignors,
        rackId: options.rackId ?? null,
      },
      () => assignee.wake(),
      () => this.#checkTopics(),
    )
  }

  /** The consumer was asked for records: this keeps its membership, and starts the rebalance that is due. */
  polled(): void {
    this.membership.polled()
    if (!this.membership.needsJoin || this.rebalancing) return
    this.rebalancing = true
    this.#rebalance()
      .catch((error: Error) => {
        if (!this.#closed) this.#assignee.fail(error)
      })
      .finally(() => {
        this.rebalancing = false
        this.#assignee.wake()
      })
  }

  async #rebalance(): Promise<void> {
    const { membership } = this
    const assignee = this.#assignee
    if (membership.lost) await this.#takeAway(assignee.assigned(), true)
    else await assignee.commit()
    if (!this.#cooperative) await this.#takeAway(assignee.assigned(), false)
    const topics = await this.#subscription.topics()
    const assigned = await membership.join(topics, assignee.assigned(), (all) => this.#subscription.partitionCounts(all))
    if (this.#closed) return
    const wanted = new Set(assigned.map(keyOf))
    const owned = new Set(assignee.assigned().map(keyOf))
    const revoked = assignee.assigned().filter((partition) => !wanted.has(keyOf(partition)))
    if (revoked.length > 0) {
      await this.#takeAway(revoked, false)
      // the others get them in the rebalance that follows
      membership.rejoin()
    }
    const added = assigned.filter((partition) => !owned.has(keyOf(partition)))
    for (const partition of added) assignee.add(partition)
    await this.#options.onAssigned?.(added)
  }

  async #takeAway(partitions: readonly TopicPartition[], lost: boolean): Promise<void> {
    if (partitions.length === 0) return
    const { onRevoked, onLost } = this.#options
    await (lost ? (onLost ?? onRevoked) : onRevoked)?.(partitions)
    for (const partition of partitions) this.#assignee.drop(partition)
  }

  /** With each heartbeat: topics that appeared, vanished or grew are shared out anew. */
  #checkTopics(): void {
    this.#subscription.changed(this.membership.isLeader).then(
      (changed) => {
        if (changed) this.membership.rejoin()
      },
      () => {
        // looked at again with the next heartbeat
      },
    )
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.membership.leave('the consumer was closed')
  }
}

function assignorNamed(name: AssignorName): Assignor {
  const assignor = ASSIGNORS.find((one) => one.name === name)
  if (assignor !== undefined) return assignor
  throw new ClientError('usage', `There is no assignor '${name}'; choose one of ${ASSIGNORS.map((one) => one.name).join(', ')}.`)
}
