import type { GroupCoordinator } from './group-coordinator.ts'
import { commitOffsets, NO_MEMBER, type Committer, type GroupOffset } from './group-offsets.ts'
import type { PartitionReader } from './partition-reader.ts'

/** Commits of one consumer: those asked for, and those made now and then. */
export class OffsetCommits {
  readonly #coordinator: GroupCoordinator
  readonly #readers: ReadonlyMap<string, PartitionReader>
  readonly #intervalMs: number
  #committedMs: number
  #underWay: Promise<void> | null = null
  /** Set where the consumer is a member of its group. */
  committer: () => Committer = () => NO_MEMBER

  constructor(coordinator: GroupCoordinator, readers: ReadonlyMap<string, PartitionReader>, intervalMs: number) {
    this.#coordinator = coordinator
    this.#readers = readers
    this.#intervalMs = intervalMs
    this.#committedMs = coordinator.cluster.env.clock.monotonic()
  }

  /** Commits `offsets`; unless given, all that was dealt with and isn't committed. */
  async commit(offsets: readonly GroupOffset[] = this.#uncommitted()): Promise<void> {
    if (offsets.length === 0) return
    await this.#coordinator.cluster.retry(() => commitOffsets(this.#coordinator, offsets, this.committer()))
    for (const { topic, partition, offset } of offsets) {
      const reader = this.#readers.get(`${topic}/${partition}`)
      if (reader !== undefined) reader.committed = offset
    }
  }

  #uncommitted(): GroupOffset[] {
    const offsets: GroupOffset[] = []
    for (const { topic, partition, processed, processedEpoch, committed } of this.#readers.values()) {
      if (processed >= 0 && processed !== committed) offsets.push({ topic, partition, offset: processed, leaderEpoch: processedEpoch })
    }
    return offsets
  }

  /** Starts a commit when the last is long enough ago; it goes on beside. */
  nowAndThen(): void {
    const now = this.#coordinator.cluster.env.clock.monotonic()
    if (this.#underWay !== null || now - this.#committedMs < this.#intervalMs) return
    this.#committedMs = now
    this.#underWay = this.#automatically().finally(() => {
      this.#underWay = null
    })
  }

  /** Commits now, before partitions go or the consumer ends. */
  async atOnce(): Promise<void> {
    await this.#underWay
    await this.#automatically()
  }

  /** A failure is for the operator's log: the next commit covers it, or who has the partition next reads the records again. */
  async #automatically(): Promise<void> {
    try {
      await this.commit()
    } catch (error) {
      const { cluster, groupId } = this.#coordinator
      cluster.env.log.warn(`an automatic commit of group '${groupId}' failed: ${(error as Error).message}`)
    }
  }
}
