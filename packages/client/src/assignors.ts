import type { TopicPartition } from './offsets.ts'

export interface AssignorMember {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly topics: readonly string[]
  /** What it has and would rather keep; only cooperative assignors look. */
  readonly owned: readonly TopicPartition[]
  /** The generation that `owned` is of. */
  readonly generationId: number
}

/** Shares partitions out among a group's members; runs at the group's leader. */
export interface Assignor {
  /** As other clients know it. */
  readonly name: string
  /** Members keep what they have while the group rebalances (KIP-429). */
  readonly cooperative: boolean
  /** Each member's partitions. `partitionCounts` lacks the topics that don't exist. */
  assign(members: readonly AssignorMember[], partitionCounts: ReadonlyMap<string, number>): Map<string, TopicPartition[]>
}

/** Static members first, by instance id, so that who restarts gets its partitions back; then by member id. */
function inOrder(members: readonly AssignorMember[]): AssignorMember[] {
  const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
  return [...members].sort((a, b) => {
    if (a.groupInstanceId !== null && b.groupInstanceId !== null) return compare(a.groupInstanceId, b.groupInstanceId)
    if (a.groupInstanceId !== null) return -1
    if (b.groupInstanceId !== null) return 1
    return compare(a.memberId, b.memberId)
  })
}

function empty(members: readonly AssignorMember[]): Map<string, TopicPartition[]> {
  return new Map(members.map(({ memberId }) => [memberId, []]))
}

function topicsOf(members: readonly AssignorMember[], partitionCounts: ReadonlyMap<string, number>): string[] {
  return [...new Set(members.flatMap(({ topics }) => topics))].filter((topic) => partitionCounts.has(topic)).sort()
}

/** Of each topic, consecutive partitions to each member: topics of equal counts are joined partition by partition. */
export const rangeAssignor: Assignor = {
  name: 'range',
  cooperative: false,
  assign(members, partitionCounts) {
    const assignment = empty(members)
    const ordered = inOrder(members)
    for (const topic of topicsOf(members, partitionCounts)) {
      const subscribed = ordered.filter(({ topics }) => topics.includes(topic))
      const count = partitionCounts.get(topic)!
      const share = Math.floor(count / subscribed.length)
      const larger = count % subscribed.length
      let partition = 0
      subscribed.forEach(({ memberId }, index) => {
        for (let n = share + (index < larger ? 1 : 0); n > 0; n--) assignment.get(memberId)!.push({ topic, partition: partition++ })
      })
    }
    return assignment
  },
}

/** All partitions of all topics dealt out one by one. */
export const roundRobinAssignor: Assignor = {
  name: 'roundrobin',
  cooperative: false,
  assign(members, partitionCounts) {
    const assignment = empty(members)
    const ordered = inOrder(members)
    let turn = 0
    for (const topic of topicsOf(members, partitionCounts)) {
      for (let partition = 0; partition < partitionCounts.get(topic)!; partition++) {
        while (!ordered[turn % ordered.length]!.topics.includes(topic)) turn++
        assignment.get(ordered[turn++ % ordered.length]!.memberId)!.push({ topic, partition })
      }
    }
    return assignment
  },
}

/**
 * As even as can be while members keep what they have; a partition that changes hands is first given up, then assigned in the
 * rebalance that follows (KIP-429).
 */
export const cooperativeStickyAssignor: Assignor = {
  name: 'cooperative-sticky',
  cooperative: true,
  assign(members, partitionCounts) {
    const { target, owners } = stickyTarget(members, partitionCounts)
    for (const [memberId, partitions] of target) {
      target.set(
        memberId,
        partitions.filter((partition) => {
          const owner = owners.get(keyOf(partition))
          return owner === undefined || owner === memberId
        }),
      )
    }
    return target
  },
}

const keyOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`

/** The balanced assignment that moves few partitions, and who owns what now. */
function stickyTarget(
  members: readonly AssignorMember[],
  partitionCounts: ReadonlyMap<string, number>,
): { target: Map<string, TopicPartition[]>; owners: Map<string, string> } {
  const target = empty(members)
  const ordered = inOrder(members)
  const owners = ownersOf(ordered, partitionCounts)
  const free: TopicPartition[] = []
  for (const topic of topicsOf(members, partitionCounts)) {
    for (let partition = 0; partition < partitionCounts.get(topic)!; partition++) {
      const owner = owners.get(keyOf({ topic, partition }))
      if (owner === undefined) free.push({ topic, partition })
      else target.get(owner)!.push({ topic, partition })
    }
  }
  for (const partition of free) {
    const least = leastLoaded(ordered, target, partition.topic)
    if (least !== undefined) target.get(least.memberId)!.push(partition)
  }
  // each move narrows the gap between two members, so this ends
  for (let moved = true; moved;) {
    moved = false
    for (const { memberId } of ordered) {
      const mine = target.get(memberId)!
      for (let i = mine.length - 1; i >= 0; i--) {
        const partition = mine[i]!
        const least = leastLoaded(ordered, target, partition.topic)!
        if (target.get(least.memberId)!.length + 1 >= mine.length) continue
        mine.splice(i, 1)
        target.get(least.memberId)!.push(partition)
        moved = true
      }
    }
  }
  return { target, owners }
}

/** Who owns a partition: of two that say so, the one of the later generation; in the same generation, nobody. */
function ownersOf(members: readonly AssignorMember[], partitionCounts: ReadonlyMap<string, number>): Map<string, string> {
  const claims = new Map<string, { memberId: string; generationId: number }>()
  const disputed = new Map<string, number>()
  for (const { memberId, owned, generationId, topics } of members) {
    for (const partition of owned) {
      if (!topics.includes(partition.topic) || partition.partition >= (partitionCounts.get(partition.topic) ?? 0)) continue
      const key = keyOf(partition)
      const other = claims.get(key)
      if (other === undefined || generationId > other.generationId) claims.set(key, { memberId, generationId })
      else if (generationId === other.generationId) disputed.set(key, generationId)
    }
  }
  const owners = new Map<string, string>()
  for (const [key, { memberId, generationId }] of claims) if (disputed.get(key) !== generationId) owners.set(key, memberId)
  return owners
}

function leastLoaded(
  members: readonly AssignorMember[],
  target: ReadonlyMap<string, readonly TopicPartition[]>,
  topic: string,
): AssignorMember | undefined {
  let least: AssignorMember | undefined
  for (const member of members) {
    if (!member.topics.includes(topic)) continue
    if (least === undefined || target.get(member.memberId)!.length < target.get(least.memberId)!.length) least = member
  }
  return least
}

export const ASSIGNORS: readonly Assignor[] = [rangeAssignor, roundRobinAssignor, cooperativeStickyAssignor]
export type AssignorName = 'range' | 'roundrobin' | 'cooperative-sticky'
