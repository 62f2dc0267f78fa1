import type { Timer } from '@ottla/env'
import { ErrorCode, KafkaError } from '@ottla/protocol'
import { Produce } from '@ottla/protocol/messages/00-produce'
import { ZERO_UUID, type Decoded } from '@ottla/wire'
import type { PartitionQueue, ProducerBatch } from './accumulator.ts'
import type { Cluster } from './cluster.ts'
import type { BrokerConnection } from './connection.ts'
import { ClientError, isRetriable, refusal } from './errors.ts'
import { ProduceNodes, type ProduceNode } from './produce-nodes.ts'
import { IDENTITY_LOST, IdentitySource } from './producer-identity.ts'

export interface SenderOptions {
  /** 0, 1 or -1 (all in-sync replicas). */
  readonly acks: number
  readonly idempotent: boolean
  readonly lingerMs: number
  readonly maxInFlight: number
  readonly maxRequestBytes: number
  readonly deliveryTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly onRetry: ((error: Error, waitedMs: number) => void) | null
}

type ProduceAnswer = Decoded<typeof Produce.response.fields>
type PartitionAnswer = ProduceAnswer['responses'][number]['partitionResponses'][number]

/**
 * Takes batches from their queues to the partitions' leaders: one a partition and request, several requests in flight a broker, and a
 * partition that had a failure only goes on once the failed batch is written, so that records stay in order.
 */
export class ProduceSender {
  readonly #cluster: Cluster
  readonly #options: SenderOptions
  readonly #onDone: (batch: ProducerBatch) => void
  /** Queues that hold batches. */
  readonly #active = new Set<PartitionQueue>()
  readonly #nodes: ProduceNodes
  readonly #identities: IdentitySource
  #refreshing = false
  #scheduled = false
  #timer: Timer | null = null
  #timerDueMs = Infinity
  #wakeMs = Infinity
  #stopped: Error | null = null
  /** While above 0, no batch waits for company. */
  urgent = 0

  constructor(cluster: Cluster, options: SenderOptions, onDone: (batch: ProducerBatch) => void) {
    this.#cluster = cluster
    this.#options = options
    this.#onDone = onDone
    this.#nodes = new ProduceNodes(cluster, {
      topics: () => this.#topics(),
      changed: () => this.schedule(),
      unreached: (error) => this.#tellRetry(error),
      closed: (error) => this.stop(error),
    })
    this.#identities = new IdentitySource(
      cluster,
      () => this.schedule(),
      (error) => this.#dropWaiting(error),
    )
  }

  get #nowMs(): number {
    return this.#cluster.env.clock.monotonic()
  }

  /** The queue has something that may go out: looked at when the turn ends. */
  activate(queue: PartitionQueue): void {
    this.#active.add(queue)
    this.schedule()
  }

  schedule(): void {
    if (this.#scheduled || this.#stopped !== null) return
    this.#scheduled = true
    this.#cluster.env.loop.atEndOfTurn(() => {
      this.#scheduled = false
      this.#drain()
    })
  }

  /** Batches that are not done. */
  *batches(): Generator<ProducerBatch> {
    for (const queue of this.#active) {
      yield* queue.inFlight
      yield* queue.failed
      yield* queue.waiting
    }
  }

  /** Everything that is not done fails with `error`. */
  stop(error: Error): void {
    this.#stopped = error
    this.#timer?.cancel()
    for (const batch of [...this.batches()]) {
      batch.queue.arrive(batch)
      this.#finish(batch, -1, -1, error)
    }
    this.#active.clear()
  }

  #drain(): void {
    if (this.#stopped !== null) return
    this.#wakeMs = Infinity
    this.#expire()
    if (this.#options.idempotent && !this.#identify()) {
      this.#arm()
      return
    }
    while (this.#sendOnce()) {
      // each round sends at most one batch of each partition
    }
    this.#arm()
  }

  #arm(): void {
    for (const queue of this.#active) {
      const oldest = queue.failed[0] ?? queue.waiting[0]
      if (oldest !== undefined) this.#wakeMs = Math.min(this.#wakeMs, oldest.createdMs + this.#options.deliveryTimeoutMs)
    }
    // one that rings too early only looks, and sets the next
    if (this.#wakeMs >= this.#timerDueMs) return
    this.#timer?.cancel()
    this.#timerDueMs = this.#wakeMs
    this.#timer = this.#cluster.env.clock.after(Math.max(0, this.#wakeMs - this.#nowMs), () => {
      this.#timerDueMs = Infinity
      this.#drain()
    })
  }

  /** Fails what waited longer than deliveryTimeoutMs. */
  #expire(): void {
    const now = this.#nowMs
    for (const queue of this.#active) {
      for (const list of [queue.failed, queue.waiting]) {
        // the sum that #arm wakes it at: a difference may be rounded to a moment later
        while (list.length > 0 && list[0]!.createdMs + this.#options.deliveryTimeoutMs <= now) {
          const batch = list.shift()!
          if (batch.baseSequence >= 0) queue.broken = true
          this.#finish(
            batch,
            -1,
            -1,
            new ClientError(
              'timeout',
              `Records for '${queue.topic}' partition ${queue.partition} could not be ` +
                `delivered within ${this.#options.deliveryTimeoutMs} ms; see whether its leader runs, or raise deliveryTimeoutMs.`,
            ),
          )
        }
      }
    }
  }

  /** True when there is an identity for all that is to be sent now. */
  #identify(): boolean {
    if (this.#active.size === 0) return true
    for (const queue of this.#active) {
      if (queue.broken && queue.inFlight.length === 0 && queue.identity === this.#identities.current) {
        this.#identities.acquire()
        break
      }
    }
    if (this.#identities.current === null) this.#identities.acquire()
    const identity = this.#identities.current
    if (this.#identities.acquiring || identity === null) return identity !== null
    for (const queue of this.#active) {
      if (queue.identity === identity || queue.inFlight.length > 0) continue
      if (queue.identity === null || queue.broken || queue.failed.length === 0) queue.adopt(identity)
    }
    return true
  }

  #dropWaiting(error: Error): void {
    for (const queue of [...this.#active]) {
      for (const batch of [...queue.failed.splice(0), ...queue.waiting.splice(0)]) this.#finish(batch, -1, -1, error)
    }
  }

  /** Sends one request to each broker that can take one. False when there was nothing to send. */
  #sendOnce(): boolean {
    const now = this.#nowMs
    const byNode = new Map<ProduceNode, { batches: ProducerBatch[]; bytes: number }>()
    const lost = new Set<string>()
    for (const queue of this.#active) {
      const batch = this.#sendable(queue, now)
      if (batch === null) continue
      const leaderId = this.#cluster.known(queue.topic)?.partitions[queue.partition]?.leaderId ?? -1
      if (leaderId < 0) {
        lost.add(queue.topic)
        this.#tellRetry(refusal(ErrorCode.LEADER_NOT_AVAILABLE, `Looking for the leader of '${queue.topic}' partition ${queue.partition}`))
        continue
      }
      const node = this.#nodes.of(leaderId)
      if (node.connection === null || node.inFlight >= this.#options.maxInFlight) continue
      let load = byNode.get(node)
      if (load === undefined) byNode.set(node, (load = { batches: [], bytes: 0 }))
      if (load.batches.length > 0 && load.bytes + batch.sizeBytes > this.#options.maxRequestBytes) continue
      load.batches.push(batch)
      load.bytes += batch.sizeBytes
    }
    if (lost.size > 0) this.#refresh(lost)
    for (const [node, { batches }] of byNode) this.#send(node, batches)
    return byNode.size > 0
  }

  #sendable(queue: PartitionQueue, now: number): ProducerBatch | null {
    const { acks, idempotent, maxInFlight, lingerMs } = this.#options
    const inFlight = queue.inFlight.length
    if (idempotent && (queue.identity === null || queue.broken)) return null
    if (queue.failed.length > 0) {
      if (inFlight > 0) return null
      if (now >= queue.notBeforeMs) return queue.failed[0]!
      this.#wakeMs = Math.min(this.#wakeMs, queue.notBeforeMs)
      return null
    }
    // without sequences a second batch in flight could overtake one that is sent again
    if (inFlight >= (acks === 0 || (idempotent && queue.confirmed) ? maxInFlight : 1)) return null
    const batch = queue.waiting[0]
    if (batch === undefined) return null
    const dueMs = batch.createdMs + lingerMs
    if (this.urgent > 0 || batch.full || queue.waiting.length > 1 || now >= dueMs) return batch
    this.#wakeMs = Math.min(this.#wakeMs, dueMs)
    return null
  }

  #topics(): Set<string> {
    const topics = new Set<string>()
    for (const queue of this.#active) topics.add(queue.topic)
    return topics
  }

  #refresh(topics: Set<string>): void {
    if (this.#refreshing) return
    this.#refreshing = true
    this.#cluster
      .refreshSoon(topics)
      .catch(() => this.#cluster.backoff.wait(1))
      .then(() => {
        this.#refreshing = false
        this.schedule()
      })
  }

  #send(node: ProduceNode, batches: ProducerBatch[]): void {
    const connection = node.connection!
    const topicData: { name: string; topicId: string; partitionData: { index: number; records: Buffer }[] }[] = []
    for (const batch of batches) {
      const { queue } = batch
      queue.depart(batch)
      // to the end of the line: where a request has no room for all, others come first next time
      this.#active.delete(queue)
      this.#active.add(queue)
      let topic = topicData.find(({ name }) => name === queue.topic)
      if (topic === undefined) {
        const topicId = this.#cluster.cache.topics.get(queue.topic)?.topicId ?? ZERO_UUID
        topicData.push((topic = { name: queue.topic, topicId, partitionData: [] }))
      }
      topic.partitionData.push({ index: queue.partition, records: batch.bytes() })
    }
    const { acks, requestTimeoutMs } = this.#options
    const body = { acks, timeoutMs: requestTimeoutMs, topicData }
    const versionMax = topicData.some(({ topicId }) => topicId === ZERO_UUID) ? 12 : Produce.max
    if (acks === 0) {
      this.#sendUnanswered(connection, batches, body)
      return
    }
    node.inFlight++
    connection.request(Produce, body, { versionMax, timeoutMs: requestTimeoutMs * 2 }).then(
      (answer) => {
        node.inFlight--
        this.#answered(batches, answer)
        this.#drain()
      },
      (error: Error) => {
        node.inFlight--
        for (const batch of batches) {
          batch.queue.arrive(batch)
          this.#failed(batch, error)
        }
        this.schedule()
      },
    )
  }

  #sendUnanswered(connection: BrokerConnection, batches: ProducerBatch[], body: Parameters<typeof Produce.request.encode>[2]): void {
    let error: Error | null = null
    try {
      connection.notify(Produce, body)
    } catch (caught) {
      error = caught as Error
    }
    for (const batch of batches) {
      batch.queue.arrive(batch)
      if (error === null) this.#finish(batch, -1, -1, null)
      else this.#failed(batch, error)
    }
  }

  #answered(batches: ProducerBatch[], answer: ProduceAnswer): void {
    let next = 0
    for (const { name, topicId, partitionResponses } of answer.responses) {
      const topic = name === '' ? this.#cluster.cache.nameOf(topicId) : name
      for (const partition of partitionResponses) {
        let at = next
        while (at < batches.length && !(batches[at]!.queue.partition === partition.index && batches[at]!.queue.topic === topic)) at++
        const batch = batches[at]
        if (batch === undefined) continue
        batches[at] = batches[next]!
        batches[next++] = batch
        batch.queue.arrive(batch)
        this.#answeredOne(batch, partition)
      }
    }
    for (; next < batches.length; next++) {
      const batch = batches[next]!
      batch.queue.arrive(batch)
      this.#failed(batch, new ClientError('disconnected', "The broker's answer to Produce leaves a partition out; it is sent again."))
    }
  }

  #answeredOne(batch: ProducerBatch, answer: PartitionAnswer): void {
    const { queue } = batch
    const { errorCode } = answer
    if (errorCode === ErrorCode.NONE || errorCode === ErrorCode.DUPLICATE_SEQUENCE_NUMBER) {
      queue.failures = 0
      queue.confirmed = true
      this.#finish(batch, errorCode === ErrorCode.NONE ? answer.baseOffset : -1, answer.logAppendTimeMs, null)
      return
    }
    const { leaderId, leaderEpoch } = answer.currentLeader
    if (leaderId >= 0) this.#cluster.cache.moveLeader(queue.topic, queue.partition, leaderId, leaderEpoch)
    const detail = answer.errorMessage ?? answer.recordErrors[0]?.batchIndexErrorMessage
    this.#failed(batch, refusal(errorCode, `Writing to '${queue.topic}' partition ${queue.partition}`, detail))
  }

  #failed(batch: ProducerBatch, error: Error): void {
    if (batch.isDone) return
    const { queue } = batch
    const code = error instanceof KafkaError ? error.code : 0
    const sequenced = batch.baseSequence >= 0
    if (sequenced && code === ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER && (queue.broken || queue.hasEarlier(batch))) {
      queue.sendAgain(batch, 0)
    } else if (sequenced && IDENTITY_LOST.has(code)) {
      queue.broken = true
      queue.sendAgain(batch, this.#nowMs + this.#cluster.backoff.delayMs(++queue.failures))
    } else if (isRetriable(error) && this.#stopped === null) {
      queue.sendAgain(batch, this.#nowMs + this.#cluster.backoff.delayMs(++queue.failures))
      this.#tellRetry(error)
      if (error instanceof KafkaError && error.refreshMetadata) this.#refresh(new Set([queue.topic]))
    } else {
      // its sequence is never written, so those behind it can't be
      if (sequenced) queue.broken = true
      this.#finish(batch, -1, -1, error)
    }
  }

  #tellRetry(error: Error): void {
    const { onRetry } = this.#options
    if (onRetry === null) return
    let oldestMs = this.#nowMs
    for (const { failed, waiting } of this.#active) oldestMs = Math.min(oldestMs, (failed[0] ?? waiting[0])?.createdMs ?? oldestMs)
    onRetry(error, this.#nowMs - oldestMs)
  }

  #finish(batch: ProducerBatch, baseOffset: number, logAppendTime: number, error: Error | null): void {
    if (batch.isDone) return
    if (batch.queue.empty) this.#active.delete(batch.queue)
    batch.done(baseOffset, logAppendTime, error)
    this.#onDone(batch)
  }
}
