import type { Env } from '@ottla/env'
import { ErrorCode, recordBatch } from '@ottla/protocol'
import type { Produce } from '@ottla/protocol/messages/00-produce'
import type { Fetch } from '@ottla/protocol/messages/01-fetch'
import type { ListOffsets } from '@ottla/protocol/messages/02-list-offsets'
import type { Metadata } from '@ottla/protocol/messages/03-metadata'
import type { InitProducerId } from '@ottla/protocol/messages/22-init-producer-id'
import { ZERO_UUID, type Decoded, type Encodable, type Message } from '@ottla/wire'

type Asked<A> = A extends { readonly request: Message<infer Q> } ? Decoded<Q> : never
type Answered<A> = A extends { readonly response: Message<infer P> } ? Encodable<P> : never

interface ProducerState {
  epoch: number
  readonly batches: { readonly baseSequence: number; readonly lastSequence: number; readonly baseOffset: number }[]
}

export interface FakePartition {
  leaderId: number
  leaderEpoch: number
  startOffset: number
  endOffset: number
  readonly batches: Buffer[]
  readonly producers: Map<number, ProducerState>
  aborted: { producerId: number; firstOffset: number }[]
}

export interface FakeTopic {
  readonly name: string
  readonly topicId: string
  readonly partitions: FakePartition[]
}

interface Session {
  epoch: number
  readonly partitions: Map<string, { topicId: string; topic: string; partition: number; fetchOffset: number }>
}

/** Topics in memory, with the duplicate check of idempotent producers (formats §8) and fetch sessions (§7). */
export class FakeLog {
  readonly topics = new Map<string, FakeTopic>()
  readonly sessions = new Map<number, Session>()
  readonly #env: Env
  #waiters: (() => void)[] = []
  #topicIds = 0
  #producerIds = 1000
  #sessionIds = 0

  constructor(env: Env) {
    this.#env = env
  }

  create(name: string, count: number, brokerCount: number): FakeTopic {
    const topicId = Buffer.from(`topic-${String(this.#topicIds++).padStart(10, '0')}`).toString('base64url')
    const partitions = Array.from({ length: count }, (_, index): FakePartition => ({
      leaderId: index % brokerCount,
      leaderEpoch: 0,
      startOffset: 0,
      endOffset: 0,
      batches: [],
      producers: new Map(),
      aborted: [],
    }))
    const topic = { name, topicId, partitions }
    this.topics.set(name, topic)
    return topic
  }

  metadataOf(name: string): Answered<typeof Metadata>['topics'][number] {
    const topic = this.topics.get(name)
    if (topic === undefined) return { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, name, partitions: [] }
    return {
      errorCode: 0,
      name,
      topicId: topic.topicId,
      partitions: topic.partitions.map(({ leaderId, leaderEpoch }, partitionIndex) => ({
        errorCode: 0,
        partitionIndex,
        leaderId,
        leaderEpoch,
        replicaNodes: [leaderId],
        isrNodes: [leaderId],
      })),
    }
  }

  /** Appends a batch as it is, but for its offset. */
  append(partition: FakePartition, batch: Buffer): number {
    const own = Buffer.from(batch)
    recordBatch.setBaseOffset(own, 0, partition.endOffset)
    recordBatch.setLeaderEpoch(own, 0, partition.leaderEpoch)
    partition.batches.push(own)
    const baseOffset = partition.endOffset
    partition.endOffset = recordBatch.lastOffset(own, 0) + 1
    const waiters = this.#waiters
    this.#waiters = []
    for (const waiter of waiters) waiter()
    return baseOffset
  }

  #topicOf(name: string, topicId: string): FakeTopic | undefined {
    return topicId === ZERO_UUID ? this.topics.get(name) : [...this.topics.values()].find((topic) => topic.topicId === topicId)
  }

  produce({ acks, topicData }: Asked<typeof Produce>, nodeId: number): Answered<typeof Produce> | undefined {
    const responses = topicData.map(({ name, topicId, partitionData }) => ({
      name,
      topicId,
      partitionResponses: partitionData.map(({ index, records }) => {
        const partition = this.#topicOf(name, topicId)?.partitions[index]
        if (partition === undefined) return { index, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, baseOffset: -1 }
        if (partition.leaderId !== nodeId) return { index, errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER, baseOffset: -1 }
        return { index, ...this.#appendChecked(partition, records!) }
      }),
    }))
    return acks === 0 ? undefined : { responses }
  }

  #appendChecked(partition: FakePartition, batch: Buffer): { errorCode: number; baseOffset: number } {
    const refused = (errorCode: number): { errorCode: number; baseOffset: number } => ({ errorCode, baseOffset: -1 })
    if (!recordBatch.crcIsRight(batch, 0)) return refused(ErrorCode.CORRUPT_MESSAGE)
    const producerId = recordBatch.producerId(batch, 0)
    if (producerId < 0) return { errorCode: 0, baseOffset: this.append(partition, batch) }
    const epoch = recordBatch.producerEpoch(batch, 0)
    const baseSequence = recordBatch.baseSequence(batch, 0)
    const lastSequence = recordBatch.lastSequence(batch, 0)
    let state = partition.producers.get(producerId)
    if (state !== undefined && epoch < state.epoch) return refused(ErrorCode.INVALID_PRODUCER_EPOCH)
    const known =
      state?.epoch === epoch ? state.batches.find((b) => b.baseSequence === baseSequence && b.lastSequence === lastSequence) : undefined
    if (known !== undefined) return { errorCode: 0, baseOffset: known.baseOffset }
    const last = state?.epoch === epoch ? state.batches.at(-1)?.lastSequence : undefined
    const next = last === undefined ? (state === undefined ? baseSequence : 0) : recordBatch.incrementSequence(last, 1)
    if (baseSequence !== next) return refused(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
    if (state === undefined || state.epoch !== epoch) partition.producers.set(producerId, (state = { epoch, batches: [] }))
    const baseOffset = this.append(partition, batch)
    state.batches.push({ baseSequence, lastSequence, baseOffset })
    if (state.batches.length > 5) state.batches.shift()
    return { errorCode: 0, baseOffset }
  }

  initProducerId({ producerId, producerEpoch }: Asked<typeof InitProducerId>): Answered<typeof InitProducerId> {
    if (producerId >= 0) return { throttleTimeMs: 0, errorCode: 0, producerId, producerEpoch: producerEpoch + 1 }
    return { throttleTimeMs: 0, errorCode: 0, producerId: this.#producerIds++, producerEpoch: 0 }
  }

  async fetch(request: Asked<typeof Fetch>, nodeId: number): Promise<Answered<typeof Fetch>> {
    const { sessionId, sessionEpoch } = request
    let session = sessionEpoch > 0 ? this.sessions.get(sessionId) : undefined
    if (sessionEpoch > 0 && session === undefined) return { errorCode: ErrorCode.FETCH_SESSION_ID_NOT_FOUND, responses: [] }
    if (session !== undefined && session.epoch !== sessionEpoch) return { errorCode: ErrorCode.INVALID_FETCH_SESSION_EPOCH, responses: [] }
    let id = sessionId
    const full = session === undefined
    if (session === undefined) {
      this.sessions.delete(sessionId)
      id = ++this.#sessionIds
      this.sessions.set(id, (session = { epoch: 0, partitions: new Map() }))
    }
    session.epoch++
    for (const { topic, topicId, partitions } of request.topics) {
      for (const { partition, fetchOffset } of partitions) {
        session.partitions.set(`${topic}${topicId}/${partition}`, { topic, topicId, partition, fetchOffset })
      }
    }
    for (const { topic, topicId, partitions } of request.forgottenTopicsData) {
      for (const partition of partitions) session.partitions.delete(`${topic}${topicId}/${partition}`)
    }
    const deadlineMs = this.#env.clock.monotonic() + request.maxWaitMs
    for (;;) {
      const responses = this.#read(session, nodeId, full)
      const news = responses.some(({ partitions }) => partitions[0]!.errorCode !== 0 || (partitions[0]!.records as Buffer).length > 0)
      if (news || this.#env.clock.monotonic() >= deadlineMs) return { sessionId: id, responses }
      await new Promise<void>((resolve) => {
        this.#waiters.push(resolve)
        this.#env.clock.after(Math.max(1, deadlineMs - this.#env.clock.monotonic()), resolve)
      })
    }
  }

  #read(session: Session, nodeId: number, full: boolean): Answered<typeof Fetch>['responses'][number][] {
    const responses: Answered<typeof Fetch>['responses'][number][] = []
    for (const { topic, topicId, partition, fetchOffset } of session.partitions.values()) {
      const log = this.#topicOf(topic, topicId)?.partitions[partition]
      const answer = { partitionIndex: partition, errorCode: 0 as number, highWatermark: -1, records: Buffer.alloc(0) }
      if (log === undefined) answer.errorCode = ErrorCode.UNKNOWN_TOPIC_ID
      else if (log.leaderId !== nodeId) answer.errorCode = ErrorCode.NOT_LEADER_OR_FOLLOWER
      else if (fetchOffset < log.startOffset || fetchOffset > log.endOffset) answer.errorCode = ErrorCode.OFFSET_OUT_OF_RANGE
      else {
        answer.highWatermark = log.endOffset
        answer.records = Buffer.concat(log.batches.filter((batch) => recordBatch.lastOffset(batch, 0) >= fetchOffset))
      }
      if (!full && answer.errorCode === 0 && answer.records.length === 0) continue
      const lastStableOffset = answer.highWatermark
      responses.push({ topic, topicId, partitions: [{ ...answer, lastStableOffset, abortedTransactions: log?.aborted ?? null }] })
    }
    return responses
  }

  listOffsets({ topics }: Asked<typeof ListOffsets>): Answered<typeof ListOffsets> {
    return {
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex, timestamp }) => {
          const log = this.topics.get(name)!.partitions[partitionIndex]!
          if (timestamp === -1) return { partitionIndex, errorCode: 0, offset: log.endOffset }
          if (timestamp === -2) return { partitionIndex, errorCode: 0, offset: log.startOffset }
          const found = log.batches.find((batch) => recordBatch.maxTimestamp(batch, 0) >= timestamp)
          const offset = found === undefined ? -1 : recordBatch.baseOffset(found, 0)
          return { partitionIndex, errorCode: 0, offset, timestamp: found === undefined ? -1 : recordBatch.maxTimestamp(found, 0) }
        }),
      })),
    }
  }
}
