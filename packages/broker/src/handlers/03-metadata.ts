/**
 * Metadata: this broker, the topics and who leads their partitions.
 * - Version 0: an empty list means all topics; from 1 on null does. Topic ids (KIP-516) from version 10, asked for by id from 12.
 * - A topic that isn't there is created where the client (version 4) and `auto.create.topics.enable` allow it, and is answered ready.
 * - Authorised operations (KIP-430) are told only where authorisation is on; here: never.
 */
import { ErrorCode, KafkaError } from '@ottla/protocol'
import { Metadata, type MetadataRequest, type MetadataResponse } from '@ottla/protocol/messages/03-metadata'
import { ZERO_UUID } from '@ottla/wire'
import type { Broker } from '../broker.ts'
import { handler } from '../handler.ts'
import { planTopic } from '../topic-creation.ts'
import { isOnline, topicNameProblem, type Topic } from '../topic.ts'

/** Another client was quicker, or there is no connection to ZooKeeper just now: the topic is there, or made, when the client asks again. */
const SOON: ReadonlySet<number> = new Set([ErrorCode.TOPIC_ALREADY_EXISTS, ErrorCode.NOT_CONTROLLER, ErrorCode.REQUEST_TIMED_OUT])

type TopicResponse = MetadataResponse['topics'][number]

export const metadata = handler(Metadata, async (request, { broker, session, version }) => {
  const all = request.topics === null || (version === 0 && request.topics.length === 0)
  const topics = all
    ? Array.from(broker.topics.all(), (topic) => describe(broker, topic))
    : await Promise.all(request.topics!.map((asked) => find(broker, asked, request)))
  const { nodeId, host, port } = broker.advertisedAddress(session)
  return {
    brokers: [{ nodeId, host, port, rack: broker.config.brokerRack }],
    clusterId: broker.clusterId,
    controllerId: nodeId,
    topics,
  }
})

async function find(
  broker: Broker,
  { name, topicId }: NonNullable<MetadataRequest['topics']>[number],
  request: MetadataRequest,
): Promise<TopicResponse> {
  if (topicId !== ZERO_UUID) {
    const topic = broker.topics.byId(topicId)
    return topic === undefined ? failure(ErrorCode.UNKNOWN_TOPIC_ID, null, topicId) : describe(broker, topic)
  }
  if (name === null) return failure(ErrorCode.INVALID_REQUEST, null, topicId)
  const topic = broker.topics.byName(name)
  if (topic !== undefined) return describe(broker, topic)
  if (topicNameProblem(name) !== undefined) return failure(ErrorCode.INVALID_TOPIC_EXCEPTION, name, topicId)
  if (!request.allowAutoTopicCreation || !broker.config.autoCreateTopicsEnable)
    return failure(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, name, topicId)
  try {
    return describe(broker, await broker.topics.create(planTopic(broker, { name })))
  } catch (error) {
    const code = error instanceof KafkaError ? error.code : ErrorCode.UNKNOWN_SERVER_ERROR
    const created = broker.topics.byName(name)
    return created !== undefined
      ? describe(broker, created)
      : failure(SOON.has(code) ? ErrorCode.LEADER_NOT_AVAILABLE : code, name, topicId)
  }
}

function describe(broker: Broker, topic: Topic): TopicResponse {
  const { brokerId } = broker.config
  const partitions = topic.partitions.map(({ leader, leaderEpoch, replicas, isr }, partitionIndex) => {
    // as Kafka has it where the leader's log directory failed (KIP-112): nobody leads, and the replica is offline
    const isOffline = leader === brokerId && !isOnline(topic, partitionIndex)
    return {
      errorCode: leader < 0 || isOffline ? ErrorCode.LEADER_NOT_AVAILABLE : 0,
      partitionIndex,
      leaderId: isOffline ? -1 : leader,
      leaderEpoch,
      replicaNodes: replicas,
      isrNodes: isr,
      offlineReplicas: isOffline ? [brokerId] : [],
    }
  })
  return { errorCode: 0, name: topic.name, topicId: topic.id, isInternal: topic.internal, partitions }
}

const failure = (errorCode: number, name: string | null, topicId: string): TopicResponse => ({ errorCode, name, topicId, partitions: [] })
