/** The requests that most tests need, with what they rarely vary left out. */
import assert from 'node:assert/strict'
import { BatchBuilder, readRecords, type BatchOptions, type ReadRecord } from '@ottla/protocol'
import { Produce } from '@ottla/protocol/messages/00-produce'
import { Fetch } from '@ottla/protocol/messages/01-fetch'
import { ListOffsets } from '@ottla/protocol/messages/02-list-offsets'
import { Metadata } from '@ottla/protocol/messages/03-metadata'
import { CreateTopics } from '@ottla/protocol/messages/19-create-topics'
import { DeleteTopics } from '@ottla/protocol/messages/20-delete-topics'
import { IncrementalAlterConfigs } from '@ottla/protocol/messages/44-incremental-alter-configs'
import { ZERO_UUID, type Decoded } from '@ottla/wire'
import type { RawClient } from './raw-client.ts'

export type ProducedPartition = Decoded<typeof Produce.response.fields>['responses'][number]['partitionResponses'][number]
export type FetchedPartition = Decoded<typeof Fetch.response.fields>['responses'][number]['partitions'][number]
export type Fetched = Decoded<typeof Fetch.response.fields>
export type OffsetFound = Decoded<typeof ListOffsets.response.fields>['topics'][number]['partitions'][number]
export type DescribedTopic = Decoded<typeof Metadata.response.fields>['topics'][number]

/** A time that both worlds' clocks accept: the simulated one stands near 2023. */
export const TIME = 1_600_000_000_000

/** One batch of magic 2 with these values, a millisecond apart. */
export function batchOf(
  values: readonly (string | Buffer)[],
  options: BatchOptions & { key?: string | null; timestamp?: number } = {},
): Buffer {
  const { key = 'k', timestamp = TIME, ...rest } = options
  const builder = new BatchBuilder(rest)
  values.forEach((value, i) => builder.append(key === null ? null : Buffer.from(key), Buffer.from(value), [], timestamp + i))
  return builder.build()
}

export const recordsIn = (bytes: Buffer | null, fromOffset = 0): ReadRecord[] => [...readRecords(bytes ?? Buffer.alloc(0), { fromOffset })]
export const valuesIn = (bytes: Buffer | null, fromOffset = 0): string[] =>
  recordsIn(bytes, fromOffset).map(({ value }) => value!.toString())

export interface ProduceOptions {
  readonly partition?: number
  readonly acks?: number
  readonly version?: number
  readonly clientId?: string
}

/** Appends these records (or one batch of these values) to one partition, and answers what the broker said of it. */
export async function produce(
  client: RawClient,
  topic: string,
  records: Buffer | readonly string[],
  options: ProduceOptions = {},
): Promise<ProducedPartition> {
  const { partition = 0, acks = -1, version = 12, clientId = 'test' } = options
  const bytes = Buffer.isBuffer(records) ? records : batchOf(records as readonly string[])
  const request = { acks, timeoutMs: 30_000, topicData: [{ name: topic, partitionData: [{ index: partition, records: bytes }] }] }
  const { responses } = await client.request(Produce, version, request, { clientId })
  return responses[0]!.partitionResponses[0]!
}

export interface FetchOptions {
  readonly partition?: number
  readonly version?: number
  readonly maxWaitMs?: number
  readonly minBytes?: number
  readonly maxBytes?: number
  readonly partitionMaxBytes?: number
  readonly currentLeaderEpoch?: number
  readonly lastFetchedEpoch?: number
  readonly isolationLevel?: number
  readonly topicId?: string
  readonly replicaId?: number
}

/** What one partition gives from `offset` on. Does not wait unless told. */
export async function fetch(client: RawClient, topic: string, offset: number, options: FetchOptions = {}): Promise<FetchedPartition> {
  const { version = 12, ...rest } = options
  const response = await client.request(Fetch, version, fetchRequest([{ topic, offset, ...rest }], rest))
  assert.equal(response.errorCode, 0)
  return response.responses[0]!.partitions[0]!
}

export interface AskedPartition extends FetchOptions {
  readonly topic: string
  readonly offset: number
}

/** A fetch of these partitions, in this order, without a session unless `session` says else. */
export function fetchRequest(
  asked: readonly AskedPartition[],
  options: FetchOptions & { session?: readonly [id: number, epoch: number] } = {},
) {
  const [sessionId, sessionEpoch] = options.session ?? [0, -1]
  return {
    replicaId: options.replicaId ?? -1,
    maxWaitMs: options.maxWaitMs ?? 0,
    minBytes: options.minBytes ?? 1,
    maxBytes: options.maxBytes ?? 1 << 20,
    isolationLevel: options.isolationLevel ?? 0,
    sessionId,
    sessionEpoch,
    topics: asked.map(
      ({ topic, topicId = ZERO_UUID, partition = 0, offset, partitionMaxBytes = 1 << 20, currentLeaderEpoch, lastFetchedEpoch }) => ({
        topic,
        topicId,
        partitions: [{ partition, fetchOffset: offset, partitionMaxBytes, currentLeaderEpoch, lastFetchedEpoch }],
      }),
    ),
    forgottenTopicsData: [],
  }
}

export interface CreateOptions {
  readonly partitions?: number
  readonly configs?: Readonly<Record<string, string | number | boolean>>
}

/** Creates the topic and answers its id. */
export async function createTopic(client: RawClient, name: string, options: CreateOptions = {}): Promise<string> {
  const { partitions = 1, configs = {} } = options
  const request = {
    topics: [
      {
        name,
        numPartitions: partitions,
        replicationFactor: 1,
        assignments: [],
        configs: Object.entries(configs).map(([key, value]) => ({ name: key, value: String(value) })),
      },
    ],
  }
  const {
    topics: [topic],
  } = await client.request(CreateTopics, 7, request)
  assert.equal(topic!.errorCode, 0, topic!.errorMessage ?? '')
  return topic!.topicId
}

export async function deleteTopic(client: RawClient, name: string): Promise<void> {
  const {
    responses: [topic],
  } = await client.request(DeleteTopics, 5, { topicNames: [name], topics: [], timeoutMs: 30_000 })
  assert.equal(topic!.errorCode, 0, topic!.errorMessage ?? '')
}

/** What the broker says of one topic, which it does not create. */
export async function describeTopic(client: RawClient, name: string): Promise<DescribedTopic> {
  const {
    topics: [topic],
  } = await client.request(Metadata, 12, { topics: [{ name }], allowAutoTopicCreation: false })
  return topic!
}

/** Sets keys of a topic; null deletes one. Answers the error code. */
export async function alterTopic(
  client: RawClient,
  name: string,
  changes: Readonly<Record<string, string | number | null>>,
): Promise<number> {
  const configs = Object.entries(changes).map(([key, value]) => ({
    name: key,
    configOperation: value === null ? 1 : 0,
    value: value === null ? null : String(value),
  }))
  const request = { resources: [{ resourceType: 2, resourceName: name, configs }], validateOnly: false }
  const {
    responses: [resource],
  } = await client.request(IncrementalAlterConfigs, 1, request)
  return resource!.errorCode
}

export interface ListOptions {
  readonly partition?: number
  readonly version?: number
  readonly currentLeaderEpoch?: number
  readonly isolationLevel?: number
  readonly replicaId?: number
}

/** The offset that a partition has for `timestamp`, one of the special times or ms. */
export async function offsetAt(client: RawClient, topic: string, timestamp: number, options: ListOptions = {}): Promise<OffsetFound> {
  const { partition = 0, version = 11, currentLeaderEpoch, isolationLevel = 0, replicaId = -1 } = options
  const partitions = [{ partitionIndex: partition, timestamp, currentLeaderEpoch, maxNumOffsets: 10 }]
  const { topics } = await client.request(ListOffsets, version, { replicaId, isolationLevel, topics: [{ name: topic, partitions }] })
  return topics[0]!.partitions[0]!
}

export const LATEST = -1
export const EARLIEST = -2

/** Whether a promise is still pending, told without waiting for it. */
export function watched<T>(promise: Promise<T>): { settled: boolean; readonly promise: Promise<T> } {
  const watch = { settled: false, promise }
  const settle = (): void => void (watch.settled = true)
  promise.then(settle, settle)
  return watch
}

/** After this, all that the broker does at once has been done and answered. */
export async function roundTrip(client: RawClient): Promise<void> {
  await client.request(Metadata, 1, { topics: [] })
}
