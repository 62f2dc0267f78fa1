/**
 * Produce: record batches into the logs of their partitions.
 * - Versions 0 and 1 bring message format 0, version 2 format 1; they are converted to one v2 batch (formats §3). From 3 on there is
 *   exactly one v2 batch a partition. zstd needs version 7; errors by record (KIP-467) come with version 8; topic ids with 13 (KIP-516).
 * - The records are checked where they lie, numbered in place, and written when the turn ends; large ones that are compressed, or are to be
 *   (`compression.type`), by other threads first. The answer follows when every batch is
 *   stored as its acks ask (ARCHITECTURE, what an ack means). Acks 0 has no answer; an error there closes the connection, as in Kafka.
 * - Requests of one connection are pipelined: the next is appended while this one is on its way to the disk.
 */
import { ErrorCode, KafkaError, upConvert, type ProduceRules } from '@ottla/protocol'
import type { PartitionLog } from '@ottla/log'
import { Produce, type ProduceRequest, type ProduceResponse } from '@ottla/protocol/messages/00-produce'
import { Slab, ZERO_UUID } from '@ottla/wire'
import { handler, type RequestContext } from '../handler.ts'
import { Later } from '../later.ts'
import { leaderLog } from '../leader-log.ts'
import { prepare, type ArrivedBatch, type PlacedBatch } from '../produce/arrived-batch.ts'
import { opened } from '../topic-opening.ts'
import type { Topic } from '../topic.ts'
import type { Topics } from '../topics.ts'

type TopicResponse = ProduceResponse['responses'][number]
type PartitionResponse = TopicResponse['partitionResponses'][number]
type Mutable<T> = { -readonly [K in keyof T]: T[K] }

export const produce = handler(
  Produce,
  (request, context) => {
    const appends = new Appends(request, context)
    return appends.response
  },
  { pipelined: 'alike', ready: opened(asked) },
)

function* asked({ topicData }: ProduceRequest, topics: Topics): Generator<readonly [Topic | undefined, number]> {
  for (const { name, topicId, partitionData } of topicData) {
    const topic = name === '' ? topics.byId(topicId) : topics.byName(name)
    for (const { index } of partitionData) yield [topic, index]
  }
}

/** The appends of one request, and how many of them are not stored yet. */
class Appends {
  readonly #request: ProduceRequest
  readonly #context: RequestContext
  readonly #responses: TopicResponse[] = []
  #unstored = 1
  #refused: Error | null = null
  readonly response = new Later<ProduceResponse | null>()

  constructor(request: ProduceRequest, context: RequestContext) {
    this.#request = request
    this.#context = context
    const problem = requestProblem(request)
    for (const { name, topicId, partitionData } of request.topicData) {
      const topic = name === '' && topicId !== ZERO_UUID ? context.broker.topics.byId(topicId) : context.broker.topics.byName(name)
      const partitionResponses = partitionData.map(({ index, records }) => {
        const response: Mutable<PartitionResponse> = { index, errorCode: 0, baseOffset: -1, recordErrors: [] }
        if (problem !== undefined) this.#refuse(response, problem)
        else this.#append(topic, topicId, records, response)
        return response
      })
      this.#responses.push({ name, topicId, partitionResponses })
    }
    this.#stored()
  }

  #append(topic: Topic | undefined, topicId: string, records: Buffer | null, response: Mutable<PartitionResponse>): void {
    const { broker, slab, version, clientId } = this.#context
    try {
      const log = leaderLog(broker.config.brokerId, topic, response.index, topicId)
      if (topic!.internal && clientId !== '__admin_client') {
        throw new KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION, `'${topic!.name}' is the brokers' own topic`)
      }
      if (this.#request.acks === -1) checkInSyncReplicas(topic!, response.index)
      if (records === null || records.length === 0) throw new KafkaError(ErrorCode.INVALID_RECORD, 'there are no records to append')
      const batch = arrivedBatch(records, slab, version, topic!, this.#rules(topic!, version))
      const { lateBatches } = this.#context.broker
      if (!lateBatches.includes(log, batch)) {
        this.#store(log, prepare(batch), response)
        return
      }
      this.#unstored++
      const { session } = this.#context
      session.heldBytes += records.length
      lateBatches.add(log, batch, {
        append: (prepared) => this.#store(log, prepared, response),
        refuse: (error) => this.#refuse(response, error),
        end: () => {
          session.heldBytes -= records.length
          this.#stored()
        },
      })
    } catch (error) {
      this.#refuse(response, error as Error)
    }
  }

  #store(log: PartitionLog, { slab, start, end }: PlacedBatch, response: Mutable<PartitionResponse>): void {
    const options = { acks: this.#request.acks, origin: 'client' } as const
    const appended = log.append(slab, start, end, options, (error) => {
      if (error !== null) this.#refuse(response, error)
      this.#stored()
    })
    this.#unstored++
    response.baseOffset = appended.baseOffset
    response.logAppendTimeMs = appended.logAppendTimeMs
    response.logStartOffset = appended.logStartOffset
  }

  #rules(topic: Topic, version: number): ProduceRules {
    const rules = topic.produceRules
    rules.apiVersion = Math.max(3, version)
    rules.now = this.#context.broker.env.clock.now()
    return rules
  }

  #refuse(response: Mutable<PartitionResponse>, error: Error): void {
    this.#refused = error
    response.baseOffset = -1
    if (!(error instanceof KafkaError)) {
      this.#context.broker.env.log.error('an append failed', { error })
      response.errorCode = ErrorCode.KAFKA_STORAGE_ERROR
      return
    }
    response.errorCode = error.code
    response.errorMessage = error.message
    if ('recordErrors' in error) response.recordErrors = error.recordErrors as NonNullable<PartitionResponse['recordErrors']>
  }

  #stored(): void {
    if (--this.#unstored > 0) return
    if (this.#request.acks !== 0) this.response.resolve({ responses: this.#responses })
    else if (this.#refused === null) this.response.resolve(null)
    else this.response.reject(this.#refused)
  }
}

function arrivedBatch(records: Buffer, slab: Slab, version: number, topic: Topic, rules: ProduceRules): ArrivedBatch {
  const { compression } = topic
  if (version < 3) {
    const bytes = upConvert(records, 0, records.length, { magic: version < 2 ? 0 : 1 })
    return { slab: new Slab(bytes), start: 0, end: bytes.length, rules, compression }
  }
  const start = records.byteOffset - slab.bytes.byteOffset
  return { slab, start, end: start + records.length, rules, compression }
}

function requestProblem({ acks, transactionalId }: ProduceRequest): KafkaError | undefined {
  if (acks !== 0 && acks !== 1 && acks !== -1)
    return new KafkaError(ErrorCode.INVALID_REQUIRED_ACKS, `acks is 0, 1 or -1 (all), not ${acks}`)
  if (transactionalId !== null) return new KafkaError(ErrorCode.INVALID_TXN_STATE, 'transactions are not served here')
  return undefined
}

/** What `all` stands for is at least `min.insync.replicas`; acks 1 does not ask. */
function checkInSyncReplicas({ name, partitions, config: { minInsyncReplicas } }: Topic, partition: number): void {
  const { isr } = partitions[partition]!
  if (isr.length >= minInsyncReplicas) return
  const sentence = `partition ${partition} of '${name}' has ${isr.length} replicas in sync, min.insync.replicas is ${minInsyncReplicas}`
  throw new KafkaError(ErrorCode.NOT_ENOUGH_REPLICAS, sentence)
}
