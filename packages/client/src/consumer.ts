import type { Timer } from '@ottla/env'
import { ErrorCode, KafkaError } from '@ottla/protocol'
import type { Cluster } from './cluster.ts'
import type { ConsumedBatch } from './consumed-batch.ts'
import { ConsumerGroup, type ConsumerGroupOptions } from './consumer-group.ts'
import { ClientError, isRetriable } from './errors.ts'
import { Fetcher } from './fetcher.ts'
import { GroupCoordinator } from './group-coordinator.ts'
import { fetchGroupOffsets, type GroupOffset } from './group-offsets.ts'
import { OffsetCommits } from './offset-commits.ts'
import { listOffsets, type FoundOffset, type IsolationLevel, type TopicPartition } from './offsets.ts'
import { PartitionReader } from './partition-reader.ts'
import { PositionLookup } from './position-lookup.ts'

export interface ConsumerOptions extends ConsumerGroupOptions {
  /** Needed to subscribe, and to commit. */
  readonly groupId?: string
  /** Where to start without a committed offset: 'latest' by default; 'none': reject. */
  readonly autoOffsetReset?: 'earliest' | 'latest' | 'none'
  /** Commits what was dealt with, every autoCommitIntervalMs and at the end. Default: true where there is a group. */
  readonly autoCommit?: boolean
  readonly autoCommitIntervalMs?: number
  readonly isolation?: IsolationLevel
  /** A fetch waits for so much, or for maxWaitMs. 1 byte and 500 ms by default. */
  readonly minBytes?: number
  readonly maxWaitMs?: number
  /** Of one fetch: 50 MiB by default. */
  readonly maxBytes?: number
  /** Of one partition, fetched and not handed out: 1 MiB by default. */
  readonly partitionFetchBytesMax?: number
  readonly checkCrc?: boolean
  /** Topics that don't exist are made by a broker that is set so. True by default, as in Kafka. */
  readonly allowAutoTopicCreation?: boolean
}

/** Errors that wait for `next`; who does not call it has no use for more. */
const ERRORS_MAX = 100

const keyOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`

/**
 * Reads records: of partitions that are assigned by hand, or of topics shared with the other members of a group. Iterate over it, or
 * call `next`. Make it by `client.consumer()`; `close` it when done.
 */
export class Consumer implements AsyncIterable<ConsumedBatch> {
  readonly #cluster: Cluster
  readonly #options: ConsumerOptions
  readonly #coordinator: GroupCoordinator | null
  readonly #autoCommit: boolean
  readonly #readers = new Map<string, PartitionReader>()
  readonly #fetcher: Fetcher
  readonly #commits: OffsetCommits | null
  readonly #lookup: PositionLookup
  /** Its connections to the coordinator. */
  readonly #purpose: string
  /** Partitions with batches to hand out, in turn. */
  readonly #ready = new Set<PartitionReader>()
  /** Null where partitions are assigned by hand. */
  #group: ConsumerGroup | null = null
  #errors: Error[] = []
  #wakeUp: (() => void) | null = null
  #closed = false

  constructor(cluster: Cluster, options: ConsumerOptions = {}) {
    this.#cluster = cluster
    this.#options = options
    this.#purpose = cluster.ownPurpose('group')
    this.#coordinator = options.groupId === undefined ? null : new GroupCoordinator(cluster, options.groupId, this.#purpose)
    this.#autoCommit = options.autoCommit ?? this.#coordinator !== null
    if (this.#autoCommit && this.#coordinator === null) throw usage('Commits need a group: set groupId, or autoCommit to false.')
    this.#fetcher = new Fetcher(
      cluster,
      {
        isolation: this.#isolation,
        minBytes: options.minBytes ?? 1,
        maxWaitMs: options.maxWaitMs ?? 500,
        maxBytes: options.maxBytes ?? 50 << 20,
        partitionFetchBytesMax: options.partitionFetchBytesMax ?? 1 << 20,
        checkCrc: options.checkCrc ?? true,
        rackId: options.rackId ?? '',
      },
      this.#readers,
      {
        error: (error) => this.#fail(error),
        batches: (reader) => {
          this.#ready.add(reader)
          this.#wake()
        },
        reset: (reader, why) => this.#reset(reader, why),
      },
    )
    this.#lookup = new PositionLookup(cluster, this.#coordinator, {
      autoOffsetReset: options.autoOffsetReset ?? 'latest',
      isolation: this.#isolation,
      allowAutoTopicCreation: this.#allowAutoTopicCreation,
    })
    this.#commits =
      this.#coordinator === null ? null : new OffsetCommits(this.#coordinator, this.#readers, options.autoCommitIntervalMs ?? 5000)
  }

  /** Shares these topics (or those whose names match) with the other members of the group; joined at the next `next`. */
  subscribe(topics: readonly string[] | RegExp): void {
    const coordinator = this.#coordinator
    const commits = this.#commits
    if (coordinator === null || commits === null) throw usage('Only a group subscribes: set groupId, or assign partitions by hand.')
    if (this.#group !== null) throw usage('This consumer subscribes already; close it, and make another one for other topics.')
    if (this.#readers.size > 0) throw usage('Partitions are assigned by hand; make another consumer to subscribe.')
    const group = new ConsumerGroup(coordinator, topics, this.#options, this.#allowAutoTopicCreation, {
      assigned: () => this.assignment,
      add: (partition) => this.#add(partition),
      drop: (partition) => this.#drop(partition),
      commit: () => (this.#autoCommit && this.#readers.size > 0 ? commits.atOnce() : Promise.resolve()),
      fail: (error) => this.#fail(error),
      wake: () => this.#wake(),
    })
    commits.committer = () => group.membership.committer
    this.#group = group
    this.#wake()
  }

  /** Reads these partitions and no others, whoever else reads them. Those that were assigned before keep their position. */
  assign(partitions: readonly TopicPartition[]): void {
    if (this.#group !== null) throw usage('This consumer subscribes; make another one to assign partitions by hand.')
    const wanted = new Set(partitions.map(keyOf))
    for (const partition of this.assignment) if (!wanted.has(keyOf(partition))) this.#drop(partition)
    for (const partition of partitions) this.#add(partition)
    this.#wake()
  }

  get assignment(): TopicPartition[] {
    return [...this.#readers.values()].map(({ topic, partition }) => ({ topic, partition }))
  }

  /** Batches until the consumer is closed. A batch counts as dealt with once the next one is asked for. */
  async *[Symbol.asyncIterator](): AsyncGenerator<ConsumedBatch, void, void> {
    for (;;) {
      const batch = await this.next()
      if (batch === null) return
      yield batch
    }
  }

  /**
   * The next records of one partition, in the order of offsets; null once closed, or after `timeoutMs`. Asking means that the records
   * before were dealt with; it also joins and rebalances the group.
   */
  async next(timeoutMs = Infinity): Promise<ConsumedBatch | null> {
    const deadlineMs = this.#cluster.env.clock.monotonic() + timeoutMs
    for (const reader of this.#readers.values()) reader.settle()
    while (!this.#closed) {
      const error = this.#errors.shift()
      if (error !== undefined) throw error
      if (this.#autoCommit) this.#commits!.nowAndThen()
      this.#group?.polled()
      if (this.#group?.rebalancing !== true) {
        this.#lookUpPositions()
        const batch = this.#take()
        if (batch !== null) return batch
      }
      if (!(await this.#somethingNew(deadlineMs))) return null
    }
    return null
  }

  #take(): ConsumedBatch | null {
    for (const reader of this.#ready) {
      if (reader.paused) continue
      this.#ready.delete(reader)
      const batch = reader.take()
      if (reader.hasBatches) this.#ready.add(reader)
      this.#fetcher.wake()
      if (batch !== null) return batch
    }
    return null
  }

  /** False once the deadline has passed. */
  #somethingNew(deadlineMs: number): Promise<boolean> {
    if (this.#closed || this.#errors.length > 0) return Promise.resolve(true)
    const restMs = deadlineMs - this.#cluster.env.clock.monotonic()
    if (restMs <= 0) return Promise.resolve(false)
    return new Promise((resolve) => {
      let timer: Timer | null = null
      const done = (news: boolean): void => {
        timer?.cancel()
        this.#wakeUp = null
        resolve(news)
      }
      if (restMs < Infinity) timer = this.#cluster.env.clock.after(restMs, () => done(false))
      this.#wakeUp = () => done(true)
    })
  }

  #wake(): void {
    this.#wakeUp?.()
  }

  #fail(error: Error): void {
    if (this.#errors.length < ERRORS_MAX) this.#errors.push(error)
    this.#wake()
  }

  #add(partition: TopicPartition): void {
    const key = keyOf(partition)
    if (!this.#readers.has(key)) this.#readers.set(key, new PartitionReader(partition.topic, partition.partition))
  }

  #drop(partition: TopicPartition): void {
    const reader = this.#readers.get(keyOf(partition))
    if (reader === undefined) return
    this.#ready.delete(reader)
    this.#readers.delete(keyOf(partition))
  }

  #reader(partition: TopicPartition): PartitionReader {
    const reader = this.#readers.get(keyOf(partition))
    if (reader === undefined) throw usage(`'${partition.topic}' partition ${partition.partition} is not assigned to this consumer.`)
    return reader
  }

  // positions

  /** Next offset that `next` hands out; -1 while it is looked up. */
  position(partition: TopicPartition): number {
    return this.#reader(partition).position
  }

  /** Reads on from `offset`. */
  seek(partition: TopicPartition, offset: number): void {
    if (!Number.isSafeInteger(offset) || offset < 0) throw usage(`${offset} is not an offset: seek to 0 or more.`)
    this.#reader(partition).seek(offset)
    this.#ready.delete(this.#reader(partition))
    this.#fetcher.wake()
  }

  /** Reads on from the first offset there is; of all partitions unless told. */
  seekToBeginning(partitions: readonly TopicPartition[] = this.assignment): void {
    this.#resetAll(partitions, 'earliest')
  }

  /** Reads on from the end: only what is written from now on. */
  seekToEnd(partitions: readonly TopicPartition[] = this.assignment): void {
    this.#resetAll(partitions, 'latest')
  }

  #resetAll(partitions: readonly TopicPartition[], to: 'earliest' | 'latest'): void {
    for (const partition of partitions) {
      const reader = this.#reader(partition)
      reader.reset(to)
      this.#ready.delete(reader)
    }
    this.#wake()
  }

  /** Reads on from the first record at or after `timestamp` (ms since 1970) of each partition; from the end where there is none. */
  async seekToTime(timestamp: number, partitions: readonly TopicPartition[] = this.assignment): Promise<void> {
    const found = await this.offsetsForTimes(partitions.map(({ topic, partition }) => ({ topic, partition, timestamp })))
    for (const { topic, partition, offset } of found) {
      if (!this.#readers.has(keyOf({ topic, partition }))) continue
      if (offset >= 0) this.seek({ topic, partition }, offset)
      else this.seekToEnd([{ topic, partition }])
    }
  }

  /** The first record at or after a time (ms since 1970) of each partition; offset -1 where there is none. */
  offsetsForTimes(queries: readonly (TopicPartition & { timestamp: number })[]): Promise<FoundOffset[]> {
    const places = queries.map(({ topic, partition, timestamp }) => ({ topic, partition, at: timestamp }))
    return listOffsets(this.#cluster, places, this.#isolation)
  }

  async beginningOffsets(partitions: readonly TopicPartition[] = this.assignment): Promise<FoundOffset[]> {
    return listOffsets(
      this.#cluster,
      partitions.map((one) => ({ ...one, at: 'earliest' as const })),
      this.#isolation,
    )
  }

  /** Where reading would end now: of what may be read at this isolation. */
  async endOffsets(partitions: readonly TopicPartition[] = this.assignment): Promise<FoundOffset[]> {
    return listOffsets(
      this.#cluster,
      partitions.map((one) => ({ ...one, at: 'latest' as const })),
      this.#isolation,
    )
  }

  get #allowAutoTopicCreation(): boolean {
    return this.#options.allowAutoTopicCreation ?? true
  }

  get #isolation(): IsolationLevel {
    return this.#options.isolation ?? 'read_uncommitted'
  }

  /** Records between the position and the end as the last fetch saw it; -1: not known yet. */
  lag(partition: TopicPartition): number {
    const { position, endOffset } = this.#reader(partition)
    return position < 0 || endOffset < 0 ? -1 : Math.max(0, endOffset - position)
  }

  /** Hands out no more of these until `resume`. They stay assigned. */
  pause(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#reader(partition).paused = true
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#reader(partition).paused = false
    this.#fetcher.wake()
    this.#wake()
  }

  /** The partition's records are gone, or were never there. */
  #reset(reader: PartitionReader, why: Error): void {
    const policy = this.#options.autoOffsetReset ?? 'latest'
    if (policy === 'none') {
      reader.paused = true
      this.#fail(why)
      return
    }
    this.#cluster.env.log.warn(`reading '${reader.topic}' partition ${reader.partition} on from its ${policy} offset: ${why.message}`)
    reader.reset(policy)
    this.#ready.delete(reader)
    this.#wake()
  }

  /** Starts the look-up of positions that are not known; `next` is woken when they are. */
  #lookUpPositions(): void {
    const open = [...this.#readers.values()].filter(({ position, resolving, paused }) => position < 0 && !resolving && !paused)
    if (open.length === 0) {
      this.#fetcher.wake()
      return
    }
    for (const reader of open) reader.resolving = true
    this.#lookup
      .find(open)
      .catch((error: Error) => {
        if (this.#closed) return
        if (!isRetriable(error)) this.#fail(error)
        // what is retriable is tried again after its back-off
        return this.#cluster.backoff.wait(1)
      })
      .then(() => {
        for (const reader of open) reader.resolving = false
        this.#fetcher.wake()
        this.#wake()
      })
  }

  // commits

  /** Commits `offsets`, or all that was handed out. Rejects where the group went on without this member. */
  async commit(offsets?: readonly GroupOffset[]): Promise<void> {
    if (this.#commits === null) throw needsGroup()
    if (offsets === undefined) for (const reader of this.#readers.values()) reader.settle()
    await this.#commits.commit(offsets)
  }

  /** The group's committed offsets of these partitions; those without one are left out. */
  async committed(partitions: readonly TopicPartition[] = this.assignment): Promise<Required<GroupOffset>[]> {
    const coordinator = this.#coordinator
    if (coordinator === null) throw needsGroup()
    return this.#cluster.retry(() => fetchGroupOffsets(coordinator, partitions))
  }

  /** Commits (where automatic), leaves the group, and ends the iteration. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#fetcher.close()
    this.#wake()
    // a rebalance commits when it starts, and holds the connection to the coordinator until it ends
    if (this.#autoCommit && this.#group?.membership.lost !== true && this.#group?.rebalancing !== true) await this.#commits!.atOnce()
    await this.#group?.close()
    this.#readers.clear()
    this.#ready.clear()
    this.#cluster.release(this.#purpose)
  }
}

function needsGroup(): ClientError {
  return usage('Commits need a group: set groupId.')
}

function usage(message: string): ClientError {
  return new ClientError('usage', message)
}

const FENCED = new Set<number>([ErrorCode.ILLEGAL_GENERATION, ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.FENCED_INSTANCE_ID])

/** Whether a commit failed because the group went on: the records will be read again by who has the partition now. */
export function isFenced(error: unknown): boolean {
  return error instanceof KafkaError && FENCED.has(error.code)
}
