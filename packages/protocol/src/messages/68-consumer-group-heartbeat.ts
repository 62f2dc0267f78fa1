import { int16, int32, list, nullable, string, struct, uuid, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/**
 * Joins, keeps and leaves a consumer group whose coordinator assigns (KIP-848). Null means not changed; regular expressions from
 * version 1.
 */
export const ConsumerGroupHeartbeat = api('ConsumerGroupHeartbeat', {
  groupId: string(),
  memberId: string(),
  memberEpoch: int32(),
  instanceId: string('0+', null),
  rackId: string('0+', null),
  rebalanceTimeoutMs: int32('0+', -1),
  subscribedTopicNames: nullable(list(string()), '0+', null),
  subscribedTopicRegex: string('1+', null),
  serverAssignor: string('0+', null),
  topicPartitions: nullable(list({ topicId: uuid(), partitions: list(int32()) }), '0+', null),
}, {
  throttleTimeMs: int32(),
  errorCode: int16(),
  errorMessage: string('0+', null),
  memberId: string('0+', null),
  memberEpoch: int32(),
  heartbeatIntervalMs: int32(),
  assignment: nullable(struct({ topicPartitions: list({ topicId: uuid(), partitions: list(int32()) }) }), '0+', null),
})

export type ConsumerGroupHeartbeatRequest = Decoded<typeof ConsumerGroupHeartbeat.request.fields>
export type ConsumerGroupHeartbeatResponse = Encodable<typeof ConsumerGroupHeartbeat.response.fields>
