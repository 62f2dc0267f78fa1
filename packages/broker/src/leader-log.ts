import type { PartitionLog } from '@ottla/log'
import { ErrorCode, KafkaError } from '@ottla/protocol'
import { ZERO_UUID } from '@ottla/wire'
import type { Topic } from './topic.ts'

/**
 * The log of a partition that this broker leads, for a client who asks by `topicId`, or by name where that is zero, and who was told of the
 * leader epoch `knownEpoch`, -1 none. Throws KafkaError in Kafka's order: an unknown topic, another epoch (KIP-320), another leader;
 * or a log directory that is offline (KIP-112).
 */
export function leaderLog(brokerId: number, topic: Topic | undefined, partition: number, topicId: string, knownEpoch = -1): PartitionLog {
  const state = topic?.partitions[partition]
  if (topic === undefined || state === undefined) {
    if (topic === undefined && topicId !== ZERO_UUID) throw new KafkaError(ErrorCode.UNKNOWN_TOPIC_ID, `no topic has the id ${topicId}`)
    throw new KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `there is no such topic or no partition ${partition} of it`)
  }
  const { leaderEpoch, leader } = state
  if (knownEpoch >= 0 && knownEpoch < leaderEpoch) {
    throw new KafkaError(ErrorCode.FENCED_LEADER_EPOCH, `the leader epoch is ${leaderEpoch}, not ${knownEpoch}: read metadata again`)
  }
  if (knownEpoch > leaderEpoch) {
    throw new KafkaError(ErrorCode.UNKNOWN_LEADER_EPOCH, `this broker is behind, in leader epoch ${leaderEpoch}: try again`)
  }
  const log = topic.logs[partition]
  if (log !== undefined) return log
  if (leader === brokerId && !topic.unopened.has(partition)) {
    throw new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, `partition ${partition} of '${topic.name}' is offline: see the broker's log`)
  }
  const why = leader === brokerId ? 'is being opened' : `is led by broker ${leader}`
  throw new KafkaError(ErrorCode.NOT_LEADER_OR_FOLLOWER, `partition ${partition} of '${topic.name}' ${why}`)
}
