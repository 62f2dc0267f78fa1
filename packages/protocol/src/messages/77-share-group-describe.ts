import { bool, int16, int32, list, string, struct, uuid, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** State, members and assignments of share groups (KIP-932). */
export const ShareGroupDescribe = api('ShareGroupDescribe', {
  groupIds: list(string()),
  includeAuthorizedOperations: bool(),
}, {
  throttleTimeMs: int32(),
  groups: list({
    errorCode: int16(),
    errorMessage: string('0+', null),
    groupId: string(),
    groupState: string(),
    groupEpoch: int32(),
    assignmentEpoch: int32(),
    assignorName: string(),
    members: list({
      memberId: string(),
      rackId: string('0+', null),
      memberEpoch: int32(),
      clientId: string(),
      clientHost: string(),
      subscribedTopicNames: list(string()),
      assignment: struct({
        topicPartitions: list({ topicId: uuid(), topicName: string(), partitions: list(int32()) }),
      }),
    }),
    authorizedOperations: int32('0+', -2147483648),
  }),
})

export type ShareGroupDescribeRequest = Decoded<typeof ShareGroupDescribe.request.fields>
export type ShareGroupDescribeResponse = Encodable<typeof ShareGroupDescribe.response.fields>
