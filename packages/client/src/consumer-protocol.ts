import { ConsumerProtocolAssignment, ConsumerProtocolSubscription } from '@ottla/protocol/data/consumer-protocol'
import { DecodeError, Reader, Writer } from '@ottla/wire'
import { byTopic, type TopicPartition } from './offsets.ts'

/** What a member tells the group's leader (protocol type `consumer`). */
export interface Subscription {
  readonly topics: readonly string[]
  readonly ownedPartitions: readonly TopicPartition[]
  /** The generation that `ownedPartitions` are of; -1: none (KIP-792). */
  readonly generationId: number
  readonly rackId: string | null
}

const VERSION_MAX = 3

export function encodeSubscription(subscription: Subscription): Buffer {
  const writer = new Writer()
  writer.int16(VERSION_MAX)
  ConsumerProtocolSubscription.encode(writer, VERSION_MAX, {
    topics: subscription.topics,
    userData: null,
    ownedPartitions: toTopics(subscription.ownedPartitions),
    generationId: subscription.generationId,
    rackId: subscription.rackId,
  })
  return writer.toBuffer()
}

/** Reads any version: what a later one adds lies behind and is left. */
export function decodeSubscription(bytes: Buffer): Subscription {
  const reader = new Reader(bytes)
  const { topics, ownedPartitions, generationId, rackId } = ConsumerProtocolSubscription.decode(reader, versionOf(reader))
  return { topics, ownedPartitions: fromTopics(ownedPartitions), generationId, rackId }
}

export function encodeAssignment(partitions: readonly TopicPartition[]): Buffer {
  const writer = new Writer()
  writer.int16(VERSION_MAX)
  ConsumerProtocolAssignment.encode(writer, VERSION_MAX, { assignedPartitions: toTopics(partitions), userData: null })
  return writer.toBuffer()
}

/** No bytes at all: a member that was given nothing. */
export function decodeAssignment(bytes: Buffer): TopicPartition[] {
  if (bytes.length === 0) return []
  const reader = new Reader(bytes)
  return fromTopics(ConsumerProtocolAssignment.decode(reader, versionOf(reader)).assignedPartitions)
}

function versionOf(reader: Reader): number {
  if (reader.left < 2) throw new DecodeError('a subscription or assignment of less than 2 bytes')
  return Math.min(VERSION_MAX, reader.int16())
}

function toTopics(partitions: readonly TopicPartition[]): { topic: string; partitions: number[] }[] {
  return [...byTopic(partitions)].map(([topic, list]) => ({ topic, partitions: list.map(({ partition }) => partition) }))
}

function fromTopics(topics: readonly { topic: string; partitions: readonly number[] }[]): TopicPartition[] {
  return topics.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition })))
}
