import { int16, int32, list, nullable, string, struct, uuid, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** Joins, keeps and leaves a share group (KIP-932). */
export const ShareGroupHeartbeat = api('ShareGroupHeartbeat', {
  groupId: string(),
  memberId: string(),
  memberEpoch: int32(),
  rackId: string('0+', null),
  subscribedTopicNames: nullable(list(string()), '0+', null),
}, {
  throttleTimeMs: int32(),
  errorCode: int16(),
  errorMessage: string('0+', null),
  memberId: string('0+', null),
  memberEpoch: int32(),
  heartbeatIntervalMs: int32(),
  assignment: nullable(struct({ topicPartitions: list({ topicId: uuid(), partitions: list(int32()) }) }), '0+', null),
})

export type ShareGroupHeartbeatRequest = Decoded<typeof ShareGroupHeartbeat.request.fields>
export type ShareGroupHeartbeatResponse = Encodable<typeof ShareGroupHeartbeat.response.fields>
