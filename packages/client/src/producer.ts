import { codecNamed, type CodecName } from '@ottla/protocol'
import {
  PartitionQueue,
  RECORD_OVERHEAD_BYTES,
  type BatchLimits,
  type DeliveryReport,
  type DeliveryResult,
  type HeaderToSend,
  type ProducerBatch,
  type ProducerRecord,
} from './accumulator.ts'
import type { Cluster } from './cluster.ts'
import { ClientError } from './errors.ts'
import type { TopicMetadata } from './metadata.ts'
import { StickyPartitioner, type Partitioner } from './partitioner.ts'
import { ProduceSender } from './produce-sender.ts'

export interface ProducerOptions {
  /** 'all' (default): every in-sync replica has it; 1: the leader; 0: nobody says. */
  readonly acks?: 0 | 1 | 'all'
  /** No duplicates and no gaps by retries (KIP-98). Default: true where acks is 'all'. */
  readonly idempotent?: boolean
  readonly compression?: CodecName
  readonly compressionLevel?: number
  /** 16384 by default. */
  readonly batchSizeBytes?: number
  /** How long a batch waits for more records. 0 (default): until the turn of the loop ends. */
  readonly lingerMs?: number
  /** Requests in flight a broker, at most 5 (default) where idempotent. */
  readonly maxInFlight?: number
  /** 1 MiB by default. */
  readonly maxRequestBytes?: number
  /** From `send` to success or failure, retries included. 2 minutes by default. */
  readonly deliveryTimeoutMs?: number
  /** How long a broker may take for replication. 30 s by default. */
  readonly requestTimeoutMs?: number
  /** What may wait in memory; above that, `send` waits. 32 MiB by default. */
  readonly bufferBytes?: number
  /** How long `send` waits for room, or for a topic's metadata. 60 s by default. */
  readonly maxBlockMs?: number
  readonly partitioner?: Partitioner
  /** Told why a batch is not delivered yet, and since when it waits: at each attempt that failed and is made again. */
  readonly onRetry?: (error: Error, waitedMs: number) => void
}

/** Where a record was written. */
export interface RecordMetadata {
  readonly topic: string
  readonly partition: number
  /** -1: unknown, as with acks 0. */
  readonly offset: number
  /** ms since 1970: the broker's append time where the topic has that, else the record's own. */
  readonly timestamp: number
}

interface TopicQueues {
  readonly queues: PartitionQueue[]
  /** Records whose partition can't be chosen before metadata is there. */
  readonly waiting: { readonly record: ProducerRecord; readonly report: DeliveryReport; readonly timestamp: number }[]
  /** Resolves when nothing waits for metadata. */
  loading: Promise<void>
}

const NO_HEADERS: readonly { key: string; value: Uint8Array | null }[] = []

/** Sends records in batches. Make it by `client.producer()`; `close` it when done. */
export class Producer {
  readonly #cluster: Cluster
  readonly #limits: BatchLimits
  readonly #bufferBytes: number
  readonly #maxBlockMs: number
  readonly #partitioner: Partitioner
  readonly #sender: ProduceSender
  readonly #topics = new Map<string, TopicQueues>()
  #bufferedBytes = 0
  /** Who waits for room, in order. */
  readonly #blocked = new Set<() => void>()
  #closed: Error | null = null
  #closing: Promise<void> | null = null

  constructor(cluster: Cluster, options: ProducerOptions = {}) {
    const { acks = 'all', batchSizeBytes = 16384, maxInFlight = 5 } = options
    const idempotent = options.idempotent ?? acks === 'all'
    const codec = codecNamed(options.compression ?? 'none')
    if (codec === undefined) throw usage(`There is no codec '${options.compression}'; choose none, gzip, snappy, lz4 or zstd.`)
    if (idempotent && acks !== 'all') throw usage("An idempotent producer needs acks 'all'; set idempotent to false for less.")
    if (idempotent && maxInFlight > 5) throw usage('Brokers remember 5 batches of a producer; set maxInFlight to at most 5.')
    this.#cluster = cluster
    this.#limits = { batchSizeBytes, codec: codec.id, compressionLevel: options.compressionLevel }
    this.#bufferBytes = options.bufferBytes ?? 32 << 20
    this.#maxBlockMs = options.maxBlockMs ?? 60_000
    this.#partitioner = options.partitioner ?? new StickyPartitioner(cluster.env.random, batchSizeBytes)
    this.#sender = new ProduceSender(
      cluster,
      {
        acks: acks === 'all' ? -1 : acks,
        idempotent,
        lingerMs: options.lingerMs ?? 0,
        maxInFlight,
        maxRequestBytes: options.maxRequestBytes ?? 1 << 20,
        deliveryTimeoutMs: options.deliveryTimeoutMs ?? 120_000,
        requestTimeoutMs: options.requestTimeoutMs ?? cluster.requestTimeoutMs,
        onRetry: options.onRetry ?? null,
      },
      (batch) => this.#release(batch),
    )
  }

  /** Resolves once the record is written as `acks` says; rejects with a KafkaError or ClientError when it can't be. */
  send(record: ProducerRecord): Promise<RecordMetadata> {
    const timestamp = record.timestamp ?? this.#cluster.env.clock.now()
    return new Promise((resolve, reject) => {
      const report = (result: DeliveryResult): void => {
        if (result.error !== null) reject(result.error)
        else {
          const { topic, partition, baseOffset, logAppendTime } = result
          resolve({ topic, partition, offset: baseOffset, timestamp: logAppendTime >= 0 ? logAppendTime : timestamp })
        }
      }
      if (this.#hasRoom && this.#blocked.size === 0) this.#append(record, timestamp, report)
      else this.#block(() => this.#append(record, timestamp, report), reject)
    })
  }

  /** Sends many; resolves when all are written, with a result for each run of consecutive offsets. Rejects with the first failure. */
  async sendMany(records: Iterable<ProducerRecord>): Promise<DeliveryResult[]> {
    const results: DeliveryResult[] = []
    let failure: Error | null = null
    let open = 1
    let finish = (): void => {}
    const finished = new Promise<void>((resolve) => {
      finish = resolve
    })
    const report = (result: DeliveryResult): void => {
      failure ??= result.error
      results.push(result)
      open -= result.recordCount
      if (open === 0) finish()
    }
    for (const record of records) {
      open++
      if (!this.append(record, report)) await this.room()
    }
    if (--open === 0) finish()
    await finished
    if (failure !== null) throw failure
    return results
  }

  /**
   * The quick way: takes the record with no promise of its own. `report` is called once for each batch with all of the records in it
   * that were appended with the same function. False: the buffer is full now, and the caller awaits `room` before the next.
   */
  append(record: ProducerRecord, report: DeliveryReport): boolean {
    this.#append(record, record.timestamp ?? this.#cluster.env.clock.now(), report)
    return this.#hasRoom
  }

  get #hasRoom(): boolean {
    return this.#bufferedBytes < this.#bufferBytes
  }

  /** Resolves when the buffer has room; rejects with a ClientError of kind `buffer-full` after maxBlockMs. */
  room(): Promise<void> {
    if (this.#hasRoom && this.#blocked.size === 0) return Promise.resolve()
    return new Promise((resolve, reject) => this.#block(resolve, reject))
  }

  /** Calls `goOn` when its turn has come and there is room. */
  #block(goOn: () => void, reject: (error: Error) => void): void {
    const timer = this.#cluster.env.clock.after(this.#maxBlockMs, () => {
      this.#blocked.delete(blocked)
      reject(
        new ClientError(
          'buffer-full',
          `No room for records within ${this.#maxBlockMs} ms; see whether the brokers keep up, ` + 'or raise bufferBytes.',
        ),
      )
    })
    const blocked = (): void => {
      timer.cancel()
      goOn()
    }
    this.#blocked.add(blocked)
  }

  /** Resolves when all records given so far are written or have failed. */
  async flush(): Promise<void> {
    this.#sender.urgent++
    try {
      if (this.#blocked.size > 0) await new Promise<void>((resolve) => this.#block(resolve, resolve as () => void))
      await Promise.all([...this.#topics.values()].map((topic) => topic.loading))
      this.#sender.schedule()
      await Promise.all([...this.#sender.batches()].map((batch) => new Promise<void>((resolve) => batch.onDone(resolve))))
    } finally {
      this.#sender.urgent--
    }
  }

  /** Flushes, then takes no more. What is not delivered within `timeoutMs` (default: its own delivery timeout) fails. */
  close(timeoutMs?: number): Promise<void> {
    return (this.#closing ??= this.#close(timeoutMs))
  }

  async #close(timeoutMs = Infinity): Promise<void> {
    const error = new ClientError('closed', 'This producer was closed; make a new one.')
    const flushed = this.flush()
    this.#closed = error
    if (timeoutMs === Infinity) await flushed
    else {
      await new Promise<void>((resolve) => {
        const timer = this.#cluster.env.clock.after(timeoutMs, resolve)
        flushed.finally(() => {
          timer.cancel()
          resolve()
        })
      })
    }
    this.#sender.stop(error)
  }

  #append(record: ProducerRecord, timestamp: number, report: DeliveryReport): void {
    if (this.#closed !== null) {
      report(failure(record, this.#closed))
      return
    }
    let topic = this.#topics.get(record.topic)
    if (topic === undefined) this.#topics.set(record.topic, (topic = { queues: [], waiting: [], loading: Promise.resolve() }))
    const metadata = this.#cluster.cache.topics.get(record.topic)
    if (metadata !== undefined && topic.waiting.length === 0) {
      this.#enqueue(topic, metadata, record, timestamp, report)
      return
    }
    topic.waiting.push({ record, report, timestamp })
    if (topic.waiting.length === 1) topic.loading = this.#load(record.topic, topic)
  }

  #load(name: string, topic: TopicQueues): Promise<void> {
    return this.#cluster.topic(name, this.#maxBlockMs, true).then(
      (metadata) => {
        for (const { record, report, timestamp } of topic.waiting.splice(0)) this.#enqueue(topic, metadata, record, timestamp, report)
      },
      (error: Error) => {
        for (const { record, report } of topic.waiting.splice(0)) report(failure(record, error))
      },
    )
  }

  #enqueue(topic: TopicQueues, metadata: TopicMetadata, record: ProducerRecord, timestamp: number, report: DeliveryReport): void {
    const key = toBytes(record.key ?? null)
    const value = toBytes(record.value)
    const headers = record.headers === undefined ? NO_HEADERS : record.headers.map(encodeHeader)
    let sizeBytes = RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0)
    for (const header of headers) sizeBytes += header.key.length + (header.value?.length ?? 0)
    const partition = record.partition ?? this.#partitioner.partition(metadata, key, sizeBytes)
    if (metadata.partitions[partition] === undefined) {
      const last = metadata.partitions.length - 1
      report(failure(record, usage(`Topic '${record.topic}' has no partition ${partition}: choose one of 0 to ${last}.`)))
      return
    }
    const queue = (topic.queues[partition] ??= new PartitionQueue(record.topic, partition))
    this.#bufferedBytes += sizeBytes
    queue.append(key, value, headers, timestamp, report, sizeBytes, this.#limits, this.#cluster.env.clock.monotonic())
    this.#sender.activate(queue)
  }

  #release(batch: ProducerBatch): void {
    this.#bufferedBytes -= batch.chargedBytes
    for (const goOn of this.#blocked) {
      if (!this.#hasRoom) return
      this.#blocked.delete(goOn)
      goOn()
    }
  }
}

function toBytes(value: string | Uint8Array | null): Uint8Array | null {
  return typeof value === 'string' ? Buffer.from(value) : value
}

function encodeHeader({ key, value }: HeaderToSend): { key: string; value: Uint8Array | null } {
  return { key, value: toBytes(value) }
}

function failure(record: ProducerRecord, error: Error): DeliveryResult {
  return { topic: record.topic, partition: record.partition ?? -1, baseOffset: -1, recordCount: 1, logAppendTime: -1, error }
}

function usage(message: string): ClientError {
  return new ClientError('usage', message)
}
