import type { Cluster } from './cluster.ts'

/** What a group's member subscribes to: topics by name, or all that a pattern matches. */
export class TopicSubscription {
  readonly #cluster: Cluster
  readonly #topics: readonly string[] | RegExp
  readonly #allowAutoTopicCreation: boolean
  #current: readonly string[] = []
  /** Partition counts that this member, as the leader, assigned by; 0: there was no such topic. */
  #counts = new Map<string, number>()

  constructor(cluster: Cluster, topics: readonly string[] | RegExp, allowAutoTopicCreation: boolean) {
    this.#cluster = cluster
    this.#topics = topics
    this.#allowAutoTopicCreation = allowAutoTopicCreation
  }

  /** The names to join with. */
  async topics(): Promise<readonly string[]> {
    this.#current = await this.#resolve()
    return this.#current
  }

  async #resolve(): Promise<readonly string[]> {
    const pattern = this.#topics
    if (!(pattern instanceof RegExp)) return pattern
    const all = await this.#cluster.allTopics()
    return all
      .filter(({ name, isInternal }) => !isInternal && name.search(pattern) >= 0)
      .map(({ name }) => name)
      .sort()
  }

  /** Partition counts for the leader to assign by, without the topics that don't exist. */
  async partitionCounts(topics: ReadonlySet<string>): Promise<Map<string, number>> {
    await this.#cluster.retry(() => this.#cluster.refresh(topics, this.#allowAutoTopicCreation))
    this.#counts = new Map()
    for (const topic of topics) this.#counts.set(topic, this.#cluster.cache.topics.get(topic)?.partitions.length ?? 0)
    return new Map([...this.#counts].filter(([, count]) => count > 0))
  }

  /** Whether topics appeared, vanished or grew since the group assigned them. */
  async changed(isLeader: boolean): Promise<boolean> {
    if (this.#topics instanceof RegExp && (await this.#resolve()).join() !== this.#current.join()) return true
    if (!isLeader) return false
    for (const [topic, count] of this.#counts) {
      if (count === 0) await this.#cluster.refresh([topic], this.#allowAutoTopicCreation)
      const now = this.#cluster.known(topic)?.partitions.length ?? 0
      if (now !== count) return true
    }
    return false
  }
}
