import { bool, int16, int32, int8, list, string, struct, uuid, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

const assignment = { topicPartitions: list({ topicId: uuid(), topicName: string(), partitions: list(int32()) }) }

/** State, members and assignments of consumer groups (KIP-848). */
export const ConsumerGroupDescribe = api('ConsumerGroupDescribe', {
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
      instanceId: string('0+', null),
      rackId: string('0+', null),
      memberEpoch: int32(),
      clientId: string(),
      clientHost: string(),
      subscribedTopicNames: list(string()),
      subscribedTopicRegex: string('0+', null),
      assignment: struct(assignment),
      targetAssignment: struct(assignment),
      memberType: int8('1+', -1),
    }),
    authorizedOperations: int32('0+', -2147483648),
  }),
})

export type ConsumerGroupDescribeRequest = Decoded<typeof ConsumerGroupDescribe.request.fields>
export type ConsumerGroupDescribeResponse = Encodable<typeof ConsumerGroupDescribe.response.fields>
