import type { Cluster } from './cluster.ts'
import { ClientError } from './errors.ts'
import type { GroupCoordinator } from './group-coordinator.ts'
import { fetchGroupOffsets } from './group-offsets.ts'
import { listOffsets, type IsolationLevel } from './offsets.ts'
import type { PartitionReader } from './partition-reader.ts'

export interface PositionLookupOptions {
  readonly autoOffsetReset: 'earliest' | 'latest' | 'none'
  readonly isolation: IsolationLevel
  readonly allowAutoTopicCreation: boolean
}

/** Finds where reading starts: the group's committed offset, else what a seek asked for, else by autoOffsetReset. */
export class PositionLookup {
  readonly #cluster: Cluster
  readonly #coordinator: GroupCoordinator | null
  readonly #options: PositionLookupOptions

  constructor(cluster: Cluster, coordinator: GroupCoordinator | null, options: PositionLookupOptions) {
    this.#cluster = cluster
    this.#coordinator = coordinator
    this.#options = options
  }

  /** Sets the positions of `readers`; one that the user sets in the meantime wins. */
  async find(readers: readonly PartitionReader[]): Promise<void> {
    await this.#fromCommits(readers.filter(({ resetTo }) => resetTo === undefined))
    const rest = readers.filter(({ position }) => position < 0)
    if (rest.length === 0) return
    const { autoOffsetReset, allowAutoTopicCreation, isolation } = this.#options
    const lost = rest.find(({ resetTo }) => resetTo === undefined)
    if (lost !== undefined && autoOffsetReset === 'none') {
      lost.paused = true
      throw new ClientError(
        'no-offset',
        `Nothing says where to start in '${lost.topic}' partition ${lost.partition}; ` + 'seek and resume, or set autoOffsetReset.',
      )
    }
    await Promise.all(rest.map(({ topic }) => this.#cluster.topic(topic, undefined, allowAutoTopicCreation)))
    const places = rest.map(({ resetTo }) => resetTo ?? (autoOffsetReset as 'earliest' | 'latest'))
    const found = await listOffsets(
      this.#cluster,
      rest.map(({ topic, partition }, i) => ({ topic, partition, at: places[i]! })),
      isolation,
    )
    found.forEach(({ offset }, index) => {
      const reader = rest[index]!
      if (reader.position < 0 && (reader.resetTo ?? places[index]) === places[index]) reader.seek(Math.max(0, offset))
    })
  }

  async #fromCommits(readers: readonly PartitionReader[]): Promise<void> {
    const coordinator = this.#coordinator
    if (readers.length === 0 || coordinator === null) return
    const committed = await this.#cluster.retry(() => fetchGroupOffsets(coordinator, readers))
    for (const { topic, partition, offset, leaderEpoch } of committed) {
      const reader = readers.find((one) => one.topic === topic && one.partition === partition)
      if (reader === undefined || reader.position >= 0 || reader.resetTo !== undefined) continue
      reader.seek(offset, leaderEpoch)
      reader.committed = offset
    }
  }
}
