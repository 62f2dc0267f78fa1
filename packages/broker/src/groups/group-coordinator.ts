import type { Clock, Logger, Random, Timer } from '@ottla/env'
import { ErrorCode, KafkaError } from '@ottla/protocol'
import type { CommittedOffset, PartitionOffset } from './committed-offsets.ts'
import type { GroupConfig } from './group-config.ts'
import type { GroupLog } from './group-log.ts'
import type { JoinAnswer, SyncAnswer } from './group-member.ts'
import { subscribedTopics } from './group-records.ts'
import type {
  GroupSnapshot,
  GroupState,
  HeartbeatRequest,
  JoinRequest,
  LeaveRequest,
  MemberIdentity,
  SyncRequest,
} from './group-requests.ts'
import { GroupShard, type HostedGroup, type ShardParts } from './group-shard.ts'
import { refusedJoin, refusedSync } from './member-sessions.ts'

export interface CommitRequest extends MemberIdentity {
  /** -1: the client takes no part in the group. */
  readonly generationId: number
  /** What a group that does not exist is answered with, where a generation is named: it differs by version. */
  readonly unknownGroupError: number
}

/** One topic's partitions with what the group committed; undefined where it committed nothing. */
export interface FetchedOffsets {
  readonly topic: string
  readonly partitions: readonly { readonly partition: number; readonly committed: CommittedOffset | undefined }[]
}

export interface GroupDescription extends GroupSnapshot {
  readonly state: GroupState
}

/** The answer to a heartbeat, and a function that ends its being held back. */
export interface HeldHeartbeat {
  readonly answer: Promise<number>
  readonly release: ((there: boolean) => void) | null
}

/** The absolute value (0 for the smallest) of Java's String.hashCode over UTF-16 units, by the count of partitions: as Kafka places groups. */
export function groupPartition(groupId: string, partitionCount: number): number {
  let hash = 0
  for (let i = 0; i < groupId.length; i++) hash = (Math.imul(31, hash) + groupId.charCodeAt(i)) | 0
  return (hash === -0x80000000 ? 0 : Math.abs(hash)) % partitionCount
}

/** All groups that this broker coordinates: those whose partition of `__consumer_offsets` it leads. */
export class GroupCoordinator {
  readonly config: GroupConfig
  readonly #parts: ShardParts
  readonly #groupLog: GroupLog
  readonly #log: Logger
  readonly #clock: Clock
  readonly #shards = new Map<number, GroupShard>()
  #creating: Promise<void> | null = null
  #created = false
  #expiryTimer: Timer | null = null
  #closed = false

  constructor(env: { readonly clock: Clock; readonly random: Random; readonly log: Logger }, groupLog: GroupLog, config: GroupConfig) {
    this.config = config
    this.#parts = { clock: env.clock, random: env.random, log: env.log, config, groupLog }
    this.#groupLog = groupLog
    this.#log = env.log
    this.#clock = env.clock
  }

  partitionFor(groupId: string): number {
    return groupPartition(groupId, this.#groupLog.partitionCount)
  }

  /** Begins to load what this broker leads; resolves when that is done. Until then its groups say that they are loading. */
  async start(): Promise<void> {
    this.#expireLater()
    await this.#loadLed()
  }

  /** This broker leads the partition from now on: its groups are read, then served. */
  elected(partition: number): void {
    this.#created = true
    if (this.#closed || this.#shards.has(partition)) return
    const shard = new GroupShard(partition, this.#parts)
    this.#shards.set(partition, shard)
  }

  /** Another broker leads it. */
  resigned(partition: number): void {
    this.#shards.get(partition)?.close(ErrorCode.NOT_COORDINATOR)
    this.#shards.delete(partition)
  }

  /** The broker stops: all that waits is answered, all timers end. */
  close(): void {
    this.#closed = true
    this.#expiryTimer?.cancel()
    for (const shard of this.#shards.values()) shard.close(ErrorCode.NOT_COORDINATOR)
    this.#shards.clear()
  }

  /** Resolves once this broker coordinates the group, creating the topic of all groups if need be; rejects with a KafkaError. */
  async locate(groupId: string): Promise<void> {
    if (!this.#created) await this.#create()
    const { partition } = this.#shard(groupId)
    if (this.#groupLog.isLed(partition)) return
    throw new KafkaError(ErrorCode.NOT_COORDINATOR, `partition ${partition} of __consumer_offsets, where '${groupId}' is kept, is offline`)
  }

  async join(groupId: string, request: JoinRequest): Promise<JoinAnswer> {
    try {
      requireGroupId(groupId)
      const { minSessionTimeoutMs, maxSessionTimeoutMs } = this.config
      if (request.sessionTimeoutMs < minSessionTimeoutMs || request.sessionTimeoutMs > maxSessionTimeoutMs) {
        throw new KafkaError(
          ErrorCode.INVALID_SESSION_TIMEOUT,
          `session.timeout.ms is from ${minSessionTimeoutMs} to ${maxSessionTimeoutMs}`,
        )
      }
      const shard = this.#shard(groupId)
      const hosted = request.memberId === '' ? shard.findOrCreate(groupId) : shard.find(groupId)
      if (hosted === undefined) throw unknownMember()
      const answer = new Promise<JoinAnswer>((resolve) => hosted.group.join(request, resolve))
      shard.dropIfUnused(hosted)
      return await answer
    } catch (error) {
      return refusedJoin(codeOf(error), request.memberId)
    }
  }

  async sync(groupId: string, request: SyncRequest): Promise<SyncAnswer> {
    try {
      const { group } = this.#existing(groupId)
      return await new Promise<SyncAnswer>((resolve) => group.sync(request, resolve))
    } catch (error) {
      return refusedSync(codeOf(error))
    }
  }

  heartbeat(groupId: string, request: HeartbeatRequest): HeldHeartbeat {
    try {
      const { group } = this.#existing(groupId)
      let release: HeldHeartbeat['release'] = null
      const answer = new Promise<number>((resolve) => {
        release = group.heartbeat(request, resolve)
      })
      return { answer, release }
    } catch (error) {
      // A member of a group that is being loaded can do nothing about it, and some clients take the code for a fault: it lives on.
      const code = codeOf(error)
      return { answer: Promise.resolve(code === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS ? ErrorCode.NONE : code), release: null }
    }
  }

  /** One code per member. Throws a KafkaError that concerns them all. */
  leave(groupId: string, members: readonly LeaveRequest[]): number[] {
    requireGroupId(groupId)
    const hosted = this.#shard(groupId).find(groupId)
    if (hosted === undefined) return members.map(() => ErrorCode.UNKNOWN_MEMBER_ID)
    return hosted.group.leave(members)
  }

  /** Resolves with one code per offset, once they are stored. */
  async commit(groupId: string, request: CommitRequest, offsets: readonly PartitionOffset[]): Promise<number[]> {
    try {
      const shard = this.#shard(groupId)
      let hosted = shard.find(groupId)
      if (hosted === undefined) {
        if (request.generationId >= 0) return offsets.map(() => request.unknownGroupError)
        hosted = shard.findOrCreate(groupId)
      }
      const codes = this.#commitCodes(hosted, request, offsets)
      const accepted = offsets.filter((_, i) => codes[i] === ErrorCode.NONE)
      if (accepted.length > 0) await shard.commit(hosted, accepted)
      else shard.dropIfUnused(hosted)
      return codes
    } catch (error) {
      const code = codeOf(error)
      return offsets.map(() => code)
    }
  }

  /** What the group committed for these partitions, or for all that it has if null. Throws a KafkaError where that can't be said. */
  fetchOffsets(
    groupId: string,
    wanted: readonly { readonly topic: string; readonly partitions: readonly number[] }[] | null,
  ): FetchedOffsets[] {
    const offsets = this.#shard(groupId).find(groupId)?.offsets
    const asked = wanted ?? (offsets?.topics() ?? []).map((topic) => ({ topic, partitions: offsets!.partitions(topic) }))
    return asked.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map((partition) => ({ partition, committed: offsets?.get(topic, partition) })),
    }))
  }

  /** One code per key; rejects with a KafkaError that concerns them all. */
  async deleteOffsets(groupId: string, keys: readonly { readonly topic: string; readonly partition: number }[]): Promise<number[]> {
    requireGroupId(groupId)
    const shard = this.#shard(groupId)
    const hosted = shard.find(groupId)
    if (hosted === undefined) throw noSuchGroup(groupId)
    const topics = topicsInUse(hosted)
    const codes = keys.map(({ topic }) => (topics === null || topics.has(topic) ? ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC : ErrorCode.NONE))
    const existing = keys.filter((key, i) => codes[i] === 0 && hosted.offsets.get(key.topic, key.partition) !== undefined)
    if (existing.length > 0) await shard.deleteOffsets(hosted, existing)
    return codes
  }

  /** Deletes a group without members, with its offsets. Rejects with a KafkaError. */
  async deleteGroup(groupId: string): Promise<void> {
    requireGroupId(groupId)
    const shard = this.#shard(groupId)
    const hosted = shard.find(groupId)
    if (hosted === undefined) throw noSuchGroup(groupId)
    if (hosted.group.state !== 'Empty') {
      throw new KafkaError(ErrorCode.NON_EMPTY_GROUP, `group ${groupId} has members: stop its consumers first`)
    }
    await shard.deleteGroup(hosted)
  }

  /** Undefined where there is no such group. Throws a KafkaError where that can't be said. */
  describe(groupId: string): GroupDescription | undefined {
    requireGroupId(groupId)
    const group = this.#shard(groupId).find(groupId)?.group
    return group === undefined ? undefined : { ...group.snapshot(), state: group.state }
  }

  /** All groups of this broker; `loading`: there may be more. */
  list(): { readonly loading: boolean; readonly groups: { groupId: string; protocolType: string; state: GroupState }[] } {
    let loading = false
    const groups = []
    for (const shard of this.#shards.values()) {
      if (shard.loading) loading = true
      for (const { group } of shard.all())
        groups.push({ groupId: group.groupId, protocolType: group.protocolType ?? '', state: group.state })
    }
    return { loading, groups }
  }

  /** A topic is gone: so are all offsets committed for it. */
  async topicDeleted(topic: string): Promise<void> {
    for (const shard of this.#shards.values()) {
      for (const hosted of [...shard.all()]) {
        const keys = hosted.offsets.keys(topic)
        if (keys.length > 0) await shard.deleteOffsets(hosted, keys)
      }
    }
  }

  #commitCodes(hosted: HostedGroup, request: CommitRequest, offsets: readonly PartitionOffset[]): number[] {
    const groupCode = hosted.group.commitError(request)
    const { offsetMetadataMaxBytes } = this.config
    return offsets.map(({ metadata }) =>
      groupCode === 0 && metadata.length > offsetMetadataMaxBytes ? ErrorCode.OFFSET_METADATA_TOO_LARGE : groupCode,
    )
  }

  #existing(groupId: string): HostedGroup {
    requireGroupId(groupId)
    const hosted = this.#shard(groupId).find(groupId)
    if (hosted === undefined) throw unknownMember()
    return hosted
  }

  #shard(groupId: string): GroupShard {
    const shard = this.#shards.get(this.partitionFor(groupId))
    if (shard !== undefined) return shard
    if (this.#created || this.#closed)
      throw new KafkaError(ErrorCode.NOT_COORDINATOR, 'another broker coordinates this group: ask FindCoordinator')
    this.#create().catch(() => {})
    throw new KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE, '__consumer_offsets does not exist yet: try again')
  }

  /** Creates the topic and loads what this broker leads of it; one attempt at a time. */
  #create(): Promise<void> {
    this.#creating ??= this.#groupLog.ensure().then(
      () => {
        this.#created = true
        this.#creating = null
        void this.#loadLed()
      },
      (error: unknown) => {
        this.#creating = null
        const why = error instanceof Error ? error.message : String(error)
        this.#log.warn(`__consumer_offsets can't be created now: ${why}`)
        throw new KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE, `__consumer_offsets can't be created now: ${why}`)
      },
    )
    return this.#creating
  }

  async #loadLed(): Promise<void> {
    for (let partition = 0; partition < this.#groupLog.partitionCount; partition++) {
      if (this.#groupLog.isLed(partition)) this.elected(partition)
    }
    for (const shard of [...this.#shards.values()]) await shard.loaded
  }

  #expireLater(): void {
    this.#expiryTimer = this.#clock.after(this.config.offsetsRetentionCheckIntervalMs, () => {
      void this.#expire().then(() => {
        if (!this.#closed) this.#expireLater()
      })
    })
  }

  async #expire(): Promise<void> {
    let count = 0
    for (const shard of [...this.#shards.values()]) {
      try {
        count += await shard.expireOffsets()
      } catch (error) {
        this.#log.warn(`expired offsets of partition ${shard.partition} of __consumer_offsets could not be deleted; they will be later`, {
          error,
        })
      }
    }
    if (count > 0) this.#log.info(`${count} committed offset(s) expired`)
  }
}

/** The topics whose offsets may not be deleted; null: all. Throws where none of the group's may. */
function topicsInUse({ group }: HostedGroup): Set<string> | null {
  if (group.state === 'Empty') return new Set()
  if (group.protocolType !== 'consumer') {
    throw new KafkaError(ErrorCode.NON_EMPTY_GROUP, `group ${group.groupId} has members: stop them first`)
  }
  return subscribedTopics(group.snapshot())
}

function requireGroupId(groupId: string): void {
  if (groupId === '') throw new KafkaError(ErrorCode.INVALID_GROUP_ID, 'a group needs an id')
}

const unknownMember = (): KafkaError => new KafkaError(ErrorCode.UNKNOWN_MEMBER_ID, 'the group knows no such member: join again')
const noSuchGroup = (groupId: string): KafkaError => new KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, `there is no group ${groupId}`)

function codeOf(error: unknown): number {
  if (error instanceof KafkaError) return error.code
  throw error
}
