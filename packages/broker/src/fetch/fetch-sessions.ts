import type { Clock, Random } from '@ottla/env'
import { ErrorCode, KafkaError } from '@ottla/protocol'
import type { FetchRequest } from '@ottla/protocol/messages/01-fetch'
import type { FetchPartition } from './fetch-partition.ts'

/** Another client's session makes room only when nobody has used it for this long. */
const EVICTABLE_AFTER_MS = 120_000
const EPOCH_MAX = 0x7fffffff

/** What a client said once and need not say again: its partitions, each with its offset (KIP-227). */
export interface FetchSession {
  readonly id: number
  readonly byTopicId: boolean
  /** In the order in which they are served: those that gave records go to the end. */
  readonly partitions: Map<string, FetchPartition>
  epoch: number
  usedAtMs: number
  /** The connection that used it last. */
  owner: object
}

/** The partitions that one request is about, and the session that its answer belongs to. */
export interface FetchScope {
  readonly partitions: readonly FetchPartition[]
  /** Null: none, and every partition is answered. */
  readonly session: FetchSession | null
  /** Only what changed is answered. */
  readonly incremental: boolean
}

const keyOf = (topic: string, topicId: string, partition: number): string => `${partition} ${topic} ${topicId}`

/** The sessions that this broker remembers, as many as `max.incremental.fetch.session.cache.slots`. */
export class FetchSessions {
  readonly #clock: Clock
  readonly #random: Random
  readonly #countMax: number
  readonly #sessions = new Map<number, FetchSession>()

  constructor(clock: Clock, random: Random, countMax: number) {
    this.#clock = clock
    this.#random = random
    this.#countMax = countMax
  }

  /**
   * `owner`: the connection that asks. Throws KafkaError for an id or an epoch that is not known here: the client then starts over with a
   * full fetch.
   */
  scope(request: FetchRequest, version: number, owner: object): FetchScope {
    const { sessionId, sessionEpoch } = request
    if (sessionEpoch > 0) return this.#continue(request, version, owner)
    if (sessionId !== 0) this.#sessions.delete(sessionId)
    const partitions = requested(request)
    const session = sessionEpoch === 0 && partitions.length > 0 ? this.#open(partitions, version >= 13, owner) : null
    return { partitions, session, incremental: false }
  }

  /** The connection is closed. A client starts over after that; what it left behind would fill the slots, as most clients close none. */
  closeOf(owner: object): void {
    for (const session of this.#sessions.values()) if (session.owner === owner) this.#sessions.delete(session.id)
  }

  #continue(request: FetchRequest, version: number, owner: object): FetchScope {
    const session = this.#sessions.get(request.sessionId)
    if (session === undefined) {
      throw new KafkaError(ErrorCode.FETCH_SESSION_ID_NOT_FOUND, `there is no fetch session ${request.sessionId}; fetch in full`)
    }
    if (session.byTopicId !== version >= 13) {
      throw new KafkaError(
        ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR,
        'a fetch session names its topics or gives their ids, never both; fetch in full',
      )
    }
    if (session.epoch !== request.sessionEpoch) {
      throw new KafkaError(
        ErrorCode.INVALID_FETCH_SESSION_EPOCH,
        `the session's next epoch is ${session.epoch}, not ${request.sessionEpoch}`,
      )
    }
    session.epoch = session.epoch === EPOCH_MAX ? 1 : session.epoch + 1
    session.usedAtMs = this.#clock.monotonic()
    session.owner = owner
    for (const { topic, topicId, partitions } of request.forgottenTopicsData) {
      for (const partition of partitions) session.partitions.delete(keyOf(topic, topicId, partition))
    }
    for (const changed of requested(request)) {
      const key = keyOf(changed.topic, changed.topicId, changed.partition)
      const known = session.partitions.get(key)
      if (known === undefined) session.partitions.set(key, changed)
      else Object.assign(known, { ...changed, known: known.known })
    }
    if (session.partitions.size > 0) return { partitions: [...session.partitions.values()], session, incremental: true }
    this.#sessions.delete(session.id)
    return { partitions: [], session: null, incremental: true }
  }

  #open(partitions: readonly FetchPartition[], byTopicId: boolean, owner: object): FetchSession | null {
    const usedAtMs = this.#clock.monotonic()
    if (this.#sessions.size >= this.#countMax && !this.#evict(usedAtMs)) return null
    let id = 0
    while (id === 0 || this.#sessions.has(id)) id = this.#random.below(0x7fffffff) + 1
    const byKey = new Map(partitions.map((one) => [keyOf(one.topic, one.topicId, one.partition), one]))
    const session: FetchSession = { id, byTopicId, partitions: byKey, epoch: 1, usedAtMs, owner }
    this.#sessions.set(id, session)
    return session
  }

  #evict(now: number): boolean {
    let oldest: FetchSession | undefined
    for (const session of this.#sessions.values()) if (oldest === undefined || session.usedAtMs < oldest.usedAtMs) oldest = session
    if (oldest === undefined || now - oldest.usedAtMs < EVICTABLE_AFTER_MS) return false
    return this.#sessions.delete(oldest.id)
  }
}

/** A partition that gave records is served last the next time, so that none starves. */
export function rotate(session: FetchSession, partition: FetchPartition): void {
  const key = keyOf(partition.topic, partition.topicId, partition.partition)
  if (session.partitions.delete(key)) session.partitions.set(key, partition)
}

function requested(request: FetchRequest): FetchPartition[] {
  const all: FetchPartition[] = []
  for (const { topic, topicId, partitions } of request.topics) {
    for (const { partition, fetchOffset, partitionMaxBytes, currentLeaderEpoch, lastFetchedEpoch } of partitions) {
      all.push({
        topic,
        topicId,
        partition,
        fetchOffset,
        maxBytes: partitionMaxBytes,
        currentLeaderEpoch,
        lastFetchedEpoch,
        known: undefined,
      })
    }
  }
  return all
}
