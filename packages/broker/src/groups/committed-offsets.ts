/** An offset that a group committed for a partition. */
export interface CommittedOffset {
  readonly offset: number
  /** -1: not known. */
  readonly leaderEpoch: number
  readonly metadata: string
  readonly commitTimestampMs: number
  /** Set by old clients alone (commit versions 2-4); null: the broker's retention counts. */
  readonly expireTimestampMs: number | null
}

export interface PartitionOffset extends CommittedOffset {
  readonly topic: string
  readonly partition: number
}

/**
 * The offsets of one group. A commit in flight is invisible until it is stored, but counts as existing, so that a deletion that follows
 * it in the log leaves nothing behind.
 */
export class CommittedOffsets {
  readonly #topics = new Map<string, Map<number, CommittedOffset>>()
  /** Commits in flight by topic and partition. */
  readonly #inFlight = new Map<string, Map<number, number>>()

  get(topic: string, partition: number): CommittedOffset | undefined {
    return this.#topics.get(topic)?.get(partition)
  }

  /** A commit was given to the log. */
  begin(offsets: readonly PartitionOffset[]): void {
    for (const { topic, partition } of offsets) count(this.#inFlight, topic, partition, 1)
  }

  /** It was stored, or not. Commits end in the order in which they began. */
  end(offsets: readonly PartitionOffset[], stored: boolean): void {
    for (const committed of offsets) {
      count(this.#inFlight, committed.topic, committed.partition, -1)
      if (stored) this.set(committed)
    }
  }

  set({ topic, partition, offset, leaderEpoch, metadata, commitTimestampMs, expireTimestampMs }: PartitionOffset): void {
    let partitions = this.#topics.get(topic)
    if (partitions === undefined) this.#topics.set(topic, (partitions = new Map()))
    partitions.set(partition, { offset, leaderEpoch, metadata, commitTimestampMs, expireTimestampMs })
  }

  delete(topic: string, partition: number): void {
    const partitions = this.#topics.get(topic)
    if (partitions?.delete(partition) === true && partitions.size === 0) this.#topics.delete(topic)
  }

  /** Neither stored nor in flight. */
  get empty(): boolean {
    return this.#topics.size === 0 && this.#inFlight.size === 0
  }

  topics(): string[] {
    return [...this.#topics.keys()]
  }

  /** Partitions of a topic with a stored offset, ascending. */
  partitions(topic: string): number[] {
    return [...(this.#topics.get(topic)?.keys() ?? [])].sort((a, b) => a - b)
  }

  *all(): Iterable<PartitionOffset> {
    for (const [topic, partitions] of this.#topics) {
      for (const [partition, committed] of partitions) yield { topic, partition, ...committed }
    }
  }

  /** Everything that the log may hold: stored or in flight; of one topic where one is named. */
  keys(onlyTopic?: string): { readonly topic: string; readonly partition: number }[] {
    const keys = []
    for (const [topic, partitions] of this.#topics) {
      if (onlyTopic !== undefined && topic !== onlyTopic) continue
      for (const partition of partitions.keys()) keys.push({ topic, partition })
    }
    for (const [topic, partitions] of this.#inFlight) {
      if (onlyTopic !== undefined && topic !== onlyTopic) continue
      for (const partition of partitions.keys()) if (this.get(topic, partition) === undefined) keys.push({ topic, partition })
    }
    return keys
  }

  /**
   * Stored offsets that have had their time at `nowMs` and have no commit in flight. `startMs` says when an offset's retention began;
   * null: it is in use. An expiry that a client set counts before it.
   */
  expired(nowMs: number, retentionMs: number, startMs: (offset: PartitionOffset) => number | null): PartitionOffset[] {
    const expired: PartitionOffset[] = []
    for (const offset of this.all()) {
      const started = startMs(offset)
      if (started === null || this.#inFlight.get(offset.topic)?.has(offset.partition) === true) continue
      const endMs = offset.expireTimestampMs ?? started + retentionMs
      if (nowMs >= endMs) expired.push(offset)
    }
    return expired
  }
}

function count(counts: Map<string, Map<number, number>>, topic: string, partition: number, difference: number): void {
  let partitions = counts.get(topic)
  if (partitions === undefined) counts.set(topic, (partitions = new Map()))
  const sum = (partitions.get(partition) ?? 0) + difference
  if (sum > 0) partitions.set(partition, sum)
  else partitions.delete(partition)
  if (partitions.size === 0) counts.delete(topic)
}
