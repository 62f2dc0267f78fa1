import type { Address } from '@ottla/env'
import { ErrorCode } from '@ottla/protocol'
import type { Metadata } from '@ottla/protocol/messages/03-metadata'
import { ZERO_UUID, type Decoded } from '@ottla/wire'

export interface BrokerNode {
  readonly nodeId: number
  readonly host: string
  readonly port: number
  readonly rack: string | null
}

export interface PartitionMetadata {
  readonly partition: number
  readonly errorCode: number
  /** -1: there is none. */
  readonly leaderId: number
  /** -1: the broker is too old to say. */
  readonly leaderEpoch: number
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  readonly offlineReplicas: readonly number[]
}

export interface TopicMetadata {
  readonly name: string
  /** ZERO_UUID where the broker is too old to say. */
  readonly topicId: string
  readonly isInternal: boolean
  /** By partition number. */
  readonly partitions: readonly PartitionMetadata[]
  /** Monotonic. */
  readonly readAtMs: number
}

type MetadataAnswer = Decoded<typeof Metadata.response.fields>
type TopicAnswer = MetadataAnswer['topics'][number]

/** What brokers said of the cluster, the newest leader epochs winning (KIP-320). */
export class MetadataCache {
  clusterId: string | null = null
  controllerId = -1
  readonly brokers = new Map<number, BrokerNode>()
  readonly topics = new Map<string, TopicMetadata>()
  readonly #nameById = new Map<string, string>()

  /** Takes an answer in. Gives back the error code of each topic that has one. */
  update(answer: MetadataAnswer, nowMs: number): Map<string, number> {
    this.clusterId = answer.clusterId
    this.controllerId = answer.controllerId
    if (answer.brokers.length > 0) this.brokers.clear()
    for (const { nodeId, host, port, rack } of answer.brokers) this.brokers.set(nodeId, { nodeId, host, port, rack })
    const failed = new Map<string, number>()
    for (const topic of answer.topics) {
      if (topic.name === null) continue
      if (topic.errorCode === ErrorCode.NONE) this.#take(topic, topic.name, nowMs)
      else {
        failed.set(topic.name, topic.errorCode)
        if (topic.errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) this.forget(topic.name)
      }
    }
    return failed
  }

  #take(topic: TopicAnswer, name: string, readAtMs: number): void {
    const before = this.topics.get(name)
    const same = before !== undefined && before.topicId === topic.topicId
    if (before !== undefined && !same) this.#nameById.delete(before.topicId)
    const partitions: PartitionMetadata[] = []
    for (const p of topic.partitions) {
      const known = same ? before.partitions[p.partitionIndex] : undefined
      const stale = known !== undefined && p.leaderEpoch >= 0 && known.leaderEpoch > p.leaderEpoch
      partitions[p.partitionIndex] = stale
        ? known
        : {
            partition: p.partitionIndex,
            errorCode: p.errorCode,
            leaderId: p.leaderId,
            leaderEpoch: p.leaderEpoch,
            replicas: p.replicaNodes,
            isr: p.isrNodes,
            offlineReplicas: p.offlineReplicas,
          }
    }
    this.topics.set(name, { name, topicId: topic.topicId, isInternal: topic.isInternal, partitions, readAtMs })
    if (topic.topicId !== ZERO_UUID) this.#nameById.set(topic.topicId, name)
  }

  forget(name: string): void {
    const before = this.topics.get(name)
    if (before === undefined) return
    this.topics.delete(name)
    this.#nameById.delete(before.topicId)
  }

  /** The name of a topic that an answer calls by id alone. */
  nameOf(topicId: string): string | undefined {
    return this.#nameById.get(topicId)
  }

  partition(topic: string, partition: number): PartitionMetadata | undefined {
    return this.topics.get(topic)?.partitions[partition]
  }

  /** A leader that an answer told of in passing (KIP-951). */
  moveLeader(topic: string, partition: number, leaderId: number, leaderEpoch: number): void {
    const known = this.topics.get(topic)
    const before = known?.partitions[partition]
    if (known === undefined || before === undefined || leaderId < 0 || leaderEpoch <= before.leaderEpoch) return
    const partitions = known.partitions.slice()
    partitions[partition] = { ...before, leaderId, leaderEpoch, errorCode: ErrorCode.NONE }
    this.topics.set(topic, { ...known, partitions })
  }

  addressOf(nodeId: number): Address | undefined {
    return this.brokers.get(nodeId)
  }
}
