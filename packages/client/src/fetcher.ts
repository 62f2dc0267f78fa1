import type { Timer } from '@ottla/env'
import { ErrorCode, errorRow } from '@ottla/protocol'
import { Fetch } from '@ottla/protocol/messages/01-fetch'
import { ZERO_UUID, type Decoded } from '@ottla/wire'
import type { Cluster } from './cluster.ts'
import { ConsumedBatch, cutParts, type Part } from './consumed-batch.ts'
import { ClientError, refusal } from './errors.ts'
import { FetchSession, type FetchItem } from './fetch-session.ts'
import type { IsolationLevel } from './offsets.ts'
import type { PartitionReader } from './partition-reader.ts'

export interface FetchOptions {
  readonly isolation: IsolationLevel
  readonly minBytes: number
  readonly maxWaitMs: number
  readonly maxBytes: number
  readonly partitionFetchBytesMax: number
  readonly checkCrc: boolean
  readonly rackId: string
}

interface Node {
  readonly nodeId: number
  readonly session: FetchSession
  busy: boolean
}

type FetchAnswer = Decoded<typeof Fetch.response.fields>
type PartitionAnswer = FetchAnswer['responses'][number]['partitions'][number]

/** Beyond maxWaitMs, which the broker may use up, and what the answer takes on its way. */
const ANSWER_MS = 30_000

/**
 * Keeps every partition's buffer filled: one long poll at a time to each broker, in a session. A broker is not asked while one of its
 * partitions has as much as may wait, so that the long poll never keeps a partition that was emptied from its next records.
 */
export class Fetcher {
  readonly #cluster: Cluster
  readonly #options: FetchOptions
  readonly #readers: ReadonlyMap<string, PartitionReader>
  readonly #nodes = new Map<number, Node>()
  /** What can't be read at all: for the consumer to throw. */
  readonly #onError: (error: Error) => void
  readonly #onBatches: (reader: PartitionReader) => void
  readonly #onReset: (reader: PartitionReader, why: Error) => void
  #timer: Timer | null = null
  #scheduled = false
  readonly #purpose: string
  #closed = false

  constructor(
    cluster: Cluster,
    options: FetchOptions,
    readers: ReadonlyMap<string, PartitionReader>,
    on: { error: (error: Error) => void; batches: (reader: PartitionReader) => void; reset: (reader: PartitionReader, why: Error) => void },
  ) {
    this.#cluster = cluster
    this.#options = options
    this.#readers = readers
    this.#purpose = cluster.ownPurpose('fetch')
    this.#onError = on.error
    this.#onBatches = on.batches
    this.#onReset = on.reset
  }

  close(): void {
    this.#closed = true
    this.#timer?.cancel()
    this.#cluster.release(this.#purpose)
  }

  /** Something changed: a buffer was emptied, a position set, a partition added. Looked at when the turn ends. */
  wake(): void {
    if (this.#scheduled || this.#closed) return
    this.#scheduled = true
    this.#cluster.env.loop.atEndOfTurn(() => {
      this.#scheduled = false
      this.#fetch()
    })
  }

  #fetch(): void {
    if (this.#closed) return
    const now = this.#cluster.env.clock.monotonic()
    const wanted = new Map<number, FetchItem[]>()
    const full = new Set<number>()
    const leaderless = new Set<string>()
    let wakeMs = Infinity
    for (const reader of this.#readers.values()) {
      if (reader.paused || reader.fetchOffset < 0) continue
      if (reader.notBeforeMs > now) {
        wakeMs = Math.min(wakeMs, reader.notBeforeMs)
        continue
      }
      const topic = this.#cluster.known(reader.topic)
      const leader = topic?.partitions[reader.partition]
      if (topic === undefined || leader === undefined || leader.leaderId < 0) {
        leaderless.add(reader.topic)
        reader.notBeforeMs = now + this.#cluster.backoff.delayMs(++reader.failures)
        wakeMs = Math.min(wakeMs, reader.notBeforeMs)
        continue
      }
      const nodeId = reader.preferredReplica >= 0 ? reader.preferredReplica : leader.leaderId
      if (reader.bufferedBytes >= this.#options.partitionFetchBytesMax) full.add(nodeId)
      const item: FetchItem = {
        topic: reader.topic,
        topicId: topic.topicId,
        partition: reader.partition,
        fetchOffset: reader.fetchOffset,
        currentLeaderEpoch: leader.leaderEpoch,
        lastFetchedEpoch: reader.fetchEpoch,
      }
      const items = wanted.get(nodeId)
      if (items === undefined) wanted.set(nodeId, [item])
      else items.push(item)
    }
    this.#arm(wakeMs, now)
    if (leaderless.size > 0) this.#refresh(leaderless)
    for (const [nodeId, items] of wanted) {
      let node = this.#nodes.get(nodeId)
      if (node === undefined) this.#nodes.set(nodeId, (node = { nodeId, session: new FetchSession(), busy: false }))
      if (!node.busy && !full.has(nodeId)) this.#ask(node, items)
    }
  }

  #arm(wakeMs: number, now: number): void {
    this.#timer?.cancel()
    this.#timer = wakeMs === Infinity ? null : this.#cluster.env.clock.after(wakeMs - now, () => this.#fetch())
  }

  #refresh(topics: Iterable<string>): void {
    this.#cluster.refreshSoon(topics).then(
      () => this.wake(),
      () => {},
    )
  }

  #ask(node: Node, items: FetchItem[]): void {
    node.busy = true
    const asked = new Map(items.map((item) => [`${item.topic}/${item.partition}`, item]))
    this.#request(node, items).then(
      (answer) => {
        node.busy = false
        if (this.#closed) return
        if (node.session.answered(answer.errorCode, answer.sessionId)) this.#take(node, answer, asked)
        else if (!errorRow(answer.errorCode).retriable) {
          this.#backOff(items)
          this.#onError(refusal(answer.errorCode, `Fetching from broker ${node.nodeId}`))
        }
        this.wake()
      },
      (error: Error) => {
        node.busy = false
        node.session.failed()
        this.#unreachable(items, error)
      },
    )
  }

  async #request(node: Node, items: FetchItem[]): Promise<FetchAnswer> {
    const connection = await this.#cluster.connection(node.nodeId, this.#purpose)
    const { minBytes, maxWaitMs, maxBytes, isolation, partitionFetchBytesMax, rackId } = this.#options
    const { sessionId, sessionEpoch, send, forget } = node.session.plan(items)
    const topics = new Map<string, { topic: string; topicId: string; partitions: object[] }>()
    for (const { topic, topicId, partition, fetchOffset, currentLeaderEpoch, lastFetchedEpoch } of send) {
      let entry = topics.get(topic)
      if (entry === undefined) topics.set(topic, (entry = { topic, topicId, partitions: [] }))
      entry.partitions.push({ partition, fetchOffset, currentLeaderEpoch, lastFetchedEpoch, partitionMaxBytes: partitionFetchBytesMax })
    }
    const forgotten = new Map<string, { topic: string; topicId: string; partitions: number[] }>()
    for (const { topic, topicId, partition } of forget) {
      let entry = forgotten.get(topicId + topic)
      if (entry === undefined) forgotten.set(topicId + topic, (entry = { topic, topicId, partitions: [] }))
      entry.partitions.push(partition)
    }
    return connection.request(
      Fetch,
      {
        maxWaitMs,
        minBytes,
        maxBytes,
        isolationLevel: isolation === 'read_committed' ? 1 : 0,
        sessionId,
        sessionEpoch,
        rackId,
        topics: [...topics.values()] as never,
        forgottenTopicsData: [...forgotten.values()],
      },
      {
        versionMax: items.some(({ topicId }) => topicId === ZERO_UUID) ? 12 : Fetch.max,
        timeoutMs: maxWaitMs + ANSWER_MS,
      },
    )
  }

  #unreachable(items: readonly FetchItem[], error: Error): void {
    if (this.#closed) return
    this.#backOff(items)
    if (error instanceof ClientError && error.retriable) this.#refresh(new Set(items.map(({ topic }) => topic)))
    else this.#onError(error)
    this.wake()
  }

  /** These partitions are left alone for a while, and then asked for at their leader. */
  #backOff(items: readonly FetchItem[]): void {
    const now = this.#cluster.env.clock.monotonic()
    for (const { topic, partition } of items) {
      const reader = this.#readers.get(`${topic}/${partition}`)
      if (reader === undefined) continue
      reader.preferredReplica = -1
      reader.notBeforeMs = now + this.#cluster.backoff.delayMs(++reader.failures)
    }
  }

  #take(node: Node, answer: FetchAnswer, asked: ReadonlyMap<string, FetchItem>): void {
    const stale = new Set<string>()
    for (const { topic: name, topicId, partitions } of answer.responses) {
      const topic = name === '' ? this.#cluster.cache.nameOf(topicId) : name
      if (topic === undefined) continue
      for (const partition of partitions) {
        const key = `${topic}/${partition.partitionIndex}`
        const reader = this.#readers.get(key)
        const item = asked.get(key)
        // a seek while the fetch was under way: this is not what is wanted now
        if (reader === undefined || item === undefined || reader.fetchOffset !== item.fetchOffset) continue
        if (partition.errorCode === ErrorCode.NONE) this.#takeRecords(reader, partition)
        else if (this.#refused(node, reader, partition)) stale.add(topic)
      }
    }
    if (stale.size > 0) this.#refresh(stale)
  }

  #takeRecords(reader: PartitionReader, answer: PartitionAnswer): void {
    const { isolation, checkCrc } = this.#options
    reader.failures = 0
    reader.highWatermark = answer.highWatermark
    reader.endOffset = isolation === 'read_committed' && answer.lastStableOffset >= 0 ? answer.lastStableOffset : answer.highWatermark
    if (answer.logStartOffset >= 0) reader.logStartOffset = answer.logStartOffset
    if (answer.preferredReadReplica >= 0) reader.preferredReplica = answer.preferredReadReplica
    const { endOffset } = answer.divergingEpoch
    if (endOffset >= 0) {
      this.#onReset(
        reader,
        new ClientError(
          'no-offset',
          `'${reader.topic}' partition ${reader.partition} was cut back to offset ` +
            `${endOffset}, below ${reader.fetchOffset} that was read before; seek, or set autoOffsetReset.`,
        ),
      )
      return
    }
    const bytes = answer.records
    if (bytes === null || bytes.length === 0) return
    let parts: Part[]
    try {
      parts = cutParts(bytes, reader.fetchOffset, isolation === 'read_committed' ? (answer.abortedTransactions ?? []) : null, checkCrc)
    } catch (error) {
      this.#stop(reader, error as Error)
      return
    }
    if (parts.length === 0) {
      const name = `'${reader.topic}' partition ${reader.partition}`
      this.#stop(reader, new ClientError('usage', `The next batch of ${name} is larger than a fetch may be; raise partitionFetchBytesMax.`))
      return
    }
    for (const part of parts) {
      reader.add(new ConsumedBatch(reader.topic, reader.partition, part, answer.highWatermark, checkCrc), part.positions.length === 0)
    }
    this.#onBatches(reader)
  }

  /** The partition can't be read on; the others can. */
  #stop(reader: PartitionReader, error: Error): void {
    this.#onError(error)
    reader.paused = true
  }

  /** True where metadata is out of date. */
  #refused(node: Node, reader: PartitionReader, answer: PartitionAnswer): boolean {
    const { errorCode } = answer
    const error = refusal(errorCode, `Reading '${reader.topic}' partition ${reader.partition} from offset ${reader.fetchOffset}`)
    if (errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) {
      // a follower may be behind: its leader knows
      if (reader.preferredReplica === node.nodeId) reader.preferredReplica = -1
      else this.#onReset(reader, error)
      return false
    }
    if (!error.retriable) {
      this.#stop(reader, error)
      return false
    }
    reader.preferredReplica = -1
    const { leaderId, leaderEpoch } = answer.currentLeader
    if (leaderId >= 0) this.#cluster.cache.moveLeader(reader.topic, reader.partition, leaderId, leaderEpoch)
    reader.notBeforeMs = this.#cluster.env.clock.monotonic() + this.#cluster.backoff.delayMs(++reader.failures)
    return error.refreshMetadata || errorCode === ErrorCode.UNKNOWN_LEADER_EPOCH
  }
}
