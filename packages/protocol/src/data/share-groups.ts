import { bigint64, int32, int64, int8, list, message, nullable, string, tag, uuid, type Decoded } from '@ottla/wire'

/** Key type 10 of `__consumer_offsets`: a member of a share group (KIP-932). */
export const ShareGroupMemberMetadataKey = message('ShareGroupMemberMetadataKey', {
  groupId: string(),
  memberId: string(),
}, 'none')
export type ShareGroupMemberMetadataKey = Decoded<typeof ShareGroupMemberMetadataKey.fields>

/** What a member said of itself. */
export const ShareGroupMemberMetadataValue = message('ShareGroupMemberMetadataValue', {
  rackId: nullable(string()),
  clientId: string(),
  clientHost: string(),
  subscribedTopicNames: list(string()),
}, '0+')
export type ShareGroupMemberMetadataValue = Decoded<typeof ShareGroupMemberMetadataValue.fields>

/** Key type 11: a share group. */
export const ShareGroupMetadataKey = message('ShareGroupMetadataKey', {
  groupId: string(),
}, 'none')
export type ShareGroupMetadataKey = Decoded<typeof ShareGroupMetadataKey.fields>

/** A share group's epoch. */
export const ShareGroupMetadataValue = message('ShareGroupMetadataValue', {
  epoch: int32(),
  metadataHash: bigint64(),
}, '0+')
export type ShareGroupMetadataValue = Decoded<typeof ShareGroupMetadataValue.fields>

/** Key type 12: the epoch of a group's target assignment. */
export const ShareGroupTargetAssignmentMetadataKey = message('ShareGroupTargetAssignmentMetadataKey', {
  groupId: string(),
}, 'none')
export type ShareGroupTargetAssignmentMetadataKey = Decoded<typeof ShareGroupTargetAssignmentMetadataKey.fields>

/** The group epoch that the target assignment was computed for. */
export const ShareGroupTargetAssignmentMetadataValue = message('ShareGroupTargetAssignmentMetadataValue', {
  assignmentEpoch: int32(),
  assignmentTimestamp: tag(0, int64('0+', 0)),
}, '0+')
export type ShareGroupTargetAssignmentMetadataValue = Decoded<typeof ShareGroupTargetAssignmentMetadataValue.fields>

/** Key type 13: what a member is to have. */
export const ShareGroupTargetAssignmentMemberKey = message('ShareGroupTargetAssignmentMemberKey', {
  groupId: string(),
  memberId: string(),
}, 'none')
export type ShareGroupTargetAssignmentMemberKey = Decoded<typeof ShareGroupTargetAssignmentMemberKey.fields>

/** The partitions that a member is to have. */
export const ShareGroupTargetAssignmentMemberValue = message('ShareGroupTargetAssignmentMemberValue', {
  topicPartitions: list({ topicId: uuid(), partitions: list(int32()) }),
}, '0+')
export type ShareGroupTargetAssignmentMemberValue = Decoded<typeof ShareGroupTargetAssignmentMemberValue.fields>

/** Key type 14: what a member has. */
export const ShareGroupCurrentMemberAssignmentKey = message('ShareGroupCurrentMemberAssignmentKey', {
  groupId: string(),
  memberId: string(),
}, 'none')
export type ShareGroupCurrentMemberAssignmentKey = Decoded<typeof ShareGroupCurrentMemberAssignmentKey.fields>

/** A member's epochs and state, and the partitions it has. */
export const ShareGroupCurrentMemberAssignmentValue = message('ShareGroupCurrentMemberAssignmentValue', {
  memberEpoch: int32(),
  previousMemberEpoch: int32(),
  state: int8(),
  assignedPartitions: list({ topicId: uuid(), partitions: list(int32()) }),
}, '0+')
export type ShareGroupCurrentMemberAssignmentValue = Decoded<typeof ShareGroupCurrentMemberAssignmentValue.fields>

/** Key type 15: which partitions of a group have their share state. */
export const ShareGroupStatePartitionMetadataKey = message('ShareGroupStatePartitionMetadataKey', {
  groupId: string(),
}, 'none')
export type ShareGroupStatePartitionMetadataKey = Decoded<typeof ShareGroupStatePartitionMetadataKey.fields>

const topicPartitionsInfo = { topicId: uuid(), topicName: string(), partitions: list(int32()) }

/** Partitions whose share state is begun, is being begun, or is being deleted. */
export const ShareGroupStatePartitionMetadataValue = message('ShareGroupStatePartitionMetadataValue', {
  initializingTopics: list(topicPartitionsInfo),
  initializedTopics: list(topicPartitionsInfo),
  deletingTopics: list({ topicId: uuid(), topicName: string() }),
}, '0+')
export type ShareGroupStatePartitionMetadataValue = Decoded<typeof ShareGroupStatePartitionMetadataValue.fields>
