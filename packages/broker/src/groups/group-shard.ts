import type { Clock, Logger, Random } from '@ottla/env'
import { ErrorCode, KafkaError } from '@ottla/protocol'
import { DecodeError } from '@ottla/wire'
import { ClassicGroup } from './classic-group.ts'
import { CommittedOffsets, type PartitionOffset } from './committed-offsets.ts'
import type { GroupConfig } from './group-config.ts'
import type { GroupLog, GroupRecord, StoredGroupRecord } from './group-log.ts'
import { groupFact, groupRecord, groupTombstone, offsetRecord, offsetTombstone, subscribedTopics } from './group-records.ts'
import type { GroupSnapshot } from './group-requests.ts'
import type { GroupSurroundings } from './group-surroundings.ts'

/** A group with what it committed. */
export interface HostedGroup {
  readonly group: ClassicGroup
  readonly offsets: CommittedOffsets
  /** Its tombstones are being stored: nobody gets at it meanwhile. */
  deleting: boolean
}

export interface ShardParts {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly config: GroupConfig
  readonly groupLog: GroupLog
}

/** Tombstones of one append: far below what fits into one batch. */
const TOMBSTONES_PER_APPEND = 1000

/** The groups of one partition of `__consumer_offsets`, in memory as its log tells them. */
export class GroupShard {
  readonly partition: number
  /** Resolves when loading has ended, well or not. */
  readonly loaded: Promise<void>
  readonly #parts: ShardParts
  readonly #surroundings: GroupSurroundings
  readonly #groups = new Map<string, HostedGroup>()
  #state: 'loading' | 'active' | 'closed' = 'loading'

  constructor(partition: number, parts: ShardParts) {
    this.partition = partition
    this.#parts = parts
    this.#surroundings = { ...parts, save: (group, done) => this.#save(group, done) }
    this.loaded = this.#load()
  }

  get loading(): boolean {
    return this.#state === 'loading'
  }

  /** Undefined where there is no such group; throws a KafkaError where that can't be said now. */
  find(groupId: string): HostedGroup | undefined {
    if (this.#state === 'loading')
      throw new KafkaError(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, 'its groups are still being read: try again')
    if (this.#state === 'closed') throw new KafkaError(ErrorCode.NOT_COORDINATOR, 'this broker no longer coordinates the group')
    const hosted = this.#groups.get(groupId)
    if (hosted?.deleting === true) throw new KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE, 'the group is being deleted: try again')
    return hosted
  }

  findOrCreate(groupId: string): HostedGroup {
    let hosted = this.find(groupId)
    if (hosted === undefined) {
      hosted = { group: new ClassicGroup(groupId, this.#surroundings), offsets: new CommittedOffsets(), deleting: false }
      this.#groups.set(groupId, hosted)
    }
    return hosted
  }

  /** Drops a group that came to be for a request that was then refused. */
  dropIfUnused(hosted: HostedGroup): void {
    if (hosted.group.abandoned && hosted.group.generationId === 0 && hosted.offsets.empty) this.#groups.delete(hosted.group.groupId)
  }

  /** Empty unless active. */
  all(): Iterable<HostedGroup> {
    return this.#state === 'active' ? this.#groups.values() : []
  }

  /** Stores commits; they are visible once this resolves. Rejects with a KafkaError. */
  async commit(hosted: HostedGroup, offsets: readonly PartitionOffset[]): Promise<void> {
    hosted.offsets.begin(offsets)
    let stored = false
    try {
      await this.#append(offsets.map((offset) => offsetRecord(hosted.group.groupId, offset)))
      stored = true
    } finally {
      hosted.offsets.end(offsets, stored)
    }
  }

  /** Deletes offsets; they are gone once this resolves. */
  async deleteOffsets(hosted: HostedGroup, keys: readonly { readonly topic: string; readonly partition: number }[]): Promise<void> {
    await this.#appendInPieces(keys.map((key) => offsetTombstone(hosted.group.groupId, key)))
    for (const { topic, partition } of keys) hosted.offsets.delete(topic, partition)
  }

  /** Deletes an empty group with its offsets. */
  async deleteGroup(hosted: HostedGroup): Promise<void> {
    const { groupId } = hosted.group
    hosted.deleting = true
    try {
      await this.#appendInPieces([...hosted.offsets.keys().map((key) => offsetTombstone(groupId, key)), groupTombstone(groupId)])
      hosted.group.close(ErrorCode.COORDINATOR_NOT_AVAILABLE)
      this.#groups.delete(groupId)
    } finally {
      hosted.deleting = false
    }
  }

  /** Takes out offsets that have had their time, and groups that nothing is left of. Resolves with the number of offsets. */
  async expireOffsets(): Promise<number> {
    let count = 0
    for (const hosted of [...this.all()]) {
      if (this.#state !== 'active') break
      if (hosted.deleting) continue
      const expired = hosted.offsets.expired(this.#parts.clock.now(), this.#parts.config.offsetsRetentionMs, retentionStart(hosted.group))
      if (expired.length > 0) await this.deleteOffsets(hosted, expired)
      count += expired.length
      if (hosted.group.abandoned && hosted.offsets.empty && !hosted.deleting) await this.deleteGroup(hosted)
    }
    return count
  }

  /** Another broker's from now on, or the end: whatever waits is answered. */
  close(errorCode: number): void {
    this.#state = 'closed'
    for (const { group } of this.#groups.values()) group.close(errorCode)
    this.#groups.clear()
  }

  async #load(): Promise<void> {
    const { log, groupLog } = this.#parts
    try {
      const loaded = new LoadedGroups(log)
      for await (const record of groupLog.read(this.partition)) {
        if (this.#state === 'closed') return
        loaded.add(record)
      }
      if (this.#state !== 'loading') return
      this.#become(loaded)
    } catch (error) {
      log.error(`the groups of partition ${this.partition} of __consumer_offsets could not be read: this broker can't coordinate them`, {
        error,
      })
      this.close(ErrorCode.NOT_COORDINATOR)
    }
  }

  #become(loaded: LoadedGroups): void {
    for (const [groupId, snapshot] of loaded.groups) {
      const group = ClassicGroup.restored(snapshot, this.#surroundings)
      this.#groups.set(groupId, { group, offsets: loaded.offsets.get(groupId) ?? new CommittedOffsets(), deleting: false })
    }
    for (const [groupId, offsets] of loaded.offsets) {
      if (this.#groups.has(groupId) || offsets.empty) continue
      this.#groups.set(groupId, { group: new ClassicGroup(groupId, this.#surroundings), offsets, deleting: false })
    }
    this.#state = 'active'
    if (this.#groups.size > 0) {
      this.#parts.log.info(`partition ${this.partition} of __consumer_offsets is loaded`, {
        groups: this.#groups.size,
        records: loaded.recordCount,
      })
    }
  }

  #save(group: GroupSnapshot, done: (errorCode: number) => void): void {
    this.#append([groupRecord(group)]).then(
      () => done(0),
      (error: unknown) => done(coordinatorError(error).code),
    )
  }

  async #append(records: readonly GroupRecord[]): Promise<void> {
    try {
      await this.#parts.groupLog.append(this.partition, records)
    } catch (error) {
      throw coordinatorError(error)
    }
  }

  async #appendInPieces(records: readonly GroupRecord[]): Promise<void> {
    for (let at = 0; at < records.length; at += TOMBSTONES_PER_APPEND) await this.#append(records.slice(at, at + TOMBSTONES_PER_APPEND))
  }
}

/** What a partition's records add up to. */
class LoadedGroups {
  readonly groups = new Map<string, GroupSnapshot>()
  readonly offsets = new Map<string, CommittedOffsets>()
  recordCount = 0
  readonly #log: Logger

  constructor(log: Logger) {
    this.#log = log
  }

  add({ key, value }: StoredGroupRecord): void {
    this.recordCount++
    try {
      const fact = groupFact(key, value)
      if (fact.kind === 'group') {
        if (fact.group === null) this.groups.delete(fact.groupId)
        else this.groups.set(fact.groupId, fact.group)
      } else if (fact.kind === 'offset') {
        let offsets = this.offsets.get(fact.groupId)
        if (offsets === undefined) this.offsets.set(fact.groupId, (offsets = new CommittedOffsets()))
        if (fact.offset === null) offsets.delete(fact.topic, fact.partition)
        else offsets.set(fact.offset)
      }
    } catch (error) {
      if (!(error instanceof DecodeError || error instanceof RangeError)) throw error
      this.#log.warn('a record of __consumer_offsets is not of a form known here, it is passed over', { error })
    }
  }
}

/** When the retention of a group's offsets began; null where an offset is in use (KIP-211). */
function retentionStart(group: ClassicGroup): (offset: PartitionOffset) => number | null {
  if (group.protocolType === null) return (offset) => offset.commitTimestampMs
  const snapshot = group.snapshot()
  if (group.state === 'Empty') return (offset) => (snapshot.stateTimestampMs === -1 ? offset.commitTimestampMs : snapshot.stateTimestampMs)
  const topics = group.state === 'Stable' && group.protocolType === 'consumer' ? subscribedTopics(snapshot) : null
  return (offset) => (topics === null || topics.has(offset.topic) ? null : offset.commitTimestampMs)
}

/** What a failure of the log means to a group's client. */
function coordinatorError(error: unknown): KafkaError {
  if (!(error instanceof KafkaError)) throw error
  switch (error.code) {
    case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
    case ErrorCode.NOT_ENOUGH_REPLICAS:
    case ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND:
    case ErrorCode.REQUEST_TIMED_OUT:
      return new KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE, error.message)
    case ErrorCode.NOT_LEADER_OR_FOLLOWER:
    case ErrorCode.KAFKA_STORAGE_ERROR:
      return new KafkaError(ErrorCode.NOT_COORDINATOR, error.message)
    case ErrorCode.MESSAGE_TOO_LARGE:
    case ErrorCode.RECORD_LIST_TOO_LARGE:
      return new KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, error.message)
    default:
      return error
  }
}
