import { bigint64, bytes, int32, int64, int8, list, message, nullable, string, struct, tag, uuid, type Decoded } from '@ottla/wire'

/** Key type 3 of `__consumer_offsets`: a consumer group (KIP-848). */
export const ConsumerGroupMetadataKey = message('ConsumerGroupMetadataKey', {
  groupId: string(),
}, 'none')
export type ConsumerGroupMetadataKey = Decoded<typeof ConsumerGroupMetadataKey.fields>

/** A consumer group's epoch. */
export const ConsumerGroupMetadataValue = message('ConsumerGroupMetadataValue', {
  epoch: int32(),
  metadataHash: tag(0, bigint64('0+', 0n)),
}, '0+')
export type ConsumerGroupMetadataValue = Decoded<typeof ConsumerGroupMetadataValue.fields>

/** Key type 4: the partitions that a group's epoch was made for. Kafka 4.1 and later only delete it. */
export const ConsumerGroupPartitionMetadataKey = message('ConsumerGroupPartitionMetadataKey', {
  groupId: string(),
}, 'none')
export type ConsumerGroupPartitionMetadataKey = Decoded<typeof ConsumerGroupPartitionMetadataKey.fields>

/** Partition counts and racks of the topics that a group subscribes to. */
export const ConsumerGroupPartitionMetadataValue = message('ConsumerGroupPartitionMetadataValue', {
  topics: list({
    topicId: uuid(),
    topicName: string(),
    numPartitions: int32(),
    partitionMetadata: list({ partition: int32(), racks: list(string()) }),
  }),
}, '0+')
export type ConsumerGroupPartitionMetadataValue = Decoded<typeof ConsumerGroupPartitionMetadataValue.fields>

/** Key type 5: a member of a consumer group. */
export const ConsumerGroupMemberMetadataKey = message('ConsumerGroupMemberMetadataKey', {
  groupId: string(),
  memberId: string(),
}, 'none')
export type ConsumerGroupMemberMetadataKey = Decoded<typeof ConsumerGroupMemberMetadataKey.fields>

/** What a member said of itself; of a classic member also its protocols. */
export const ConsumerGroupMemberMetadataValue = message('ConsumerGroupMemberMetadataValue', {
  instanceId: nullable(string()),
  rackId: nullable(string()),
  clientId: string(),
  clientHost: string(),
  subscribedTopicNames: list(string()),
  subscribedTopicRegex: nullable(string()),
  rebalanceTimeoutMs: int32('0+', -1),
  serverAssignor: nullable(string()),
  classicMemberMetadata: tag(0, nullable(struct({
    sessionTimeoutMs: int32(),
    supportedProtocols: list({ name: string(), metadata: bytes() }),
  }), '0+', null)),
}, '0+')
export type ConsumerGroupMemberMetadataValue = Decoded<typeof ConsumerGroupMemberMetadataValue.fields>

/** Key type 6: the epoch of a group's target assignment. */
export const ConsumerGroupTargetAssignmentMetadataKey = message('ConsumerGroupTargetAssignmentMetadataKey', {
  groupId: string(),
}, 'none')
export type ConsumerGroupTargetAssignmentMetadataKey = Decoded<typeof ConsumerGroupTargetAssignmentMetadataKey.fields>

/** The group epoch that the target assignment was computed for. */
export const ConsumerGroupTargetAssignmentMetadataValue = message('ConsumerGroupTargetAssignmentMetadataValue', {
  assignmentEpoch: int32(),
  assignmentTimestamp: tag(0, int64('0+', 0)),
}, '0+')
export type ConsumerGroupTargetAssignmentMetadataValue = Decoded<typeof ConsumerGroupTargetAssignmentMetadataValue.fields>

/** Key type 7: what a member is to have. */
export const ConsumerGroupTargetAssignmentMemberKey = message('ConsumerGroupTargetAssignmentMemberKey', {
  groupId: string(),
  memberId: string(),
}, 'none')
export type ConsumerGroupTargetAssignmentMemberKey = Decoded<typeof ConsumerGroupTargetAssignmentMemberKey.fields>

/** The partitions that a member is to have. */
export const ConsumerGroupTargetAssignmentMemberValue = message('ConsumerGroupTargetAssignmentMemberValue', {
  topicPartitions: list({ topicId: uuid(), partitions: list(int32()) }),
}, '0+')
export type ConsumerGroupTargetAssignmentMemberValue = Decoded<typeof ConsumerGroupTargetAssignmentMemberValue.fields>

/** Key type 8: what a member has. */
export const ConsumerGroupCurrentMemberAssignmentKey = message('ConsumerGroupCurrentMemberAssignmentKey', {
  groupId: string(),
  memberId: string(),
}, 'none')
export type ConsumerGroupCurrentMemberAssignmentKey = Decoded<typeof ConsumerGroupCurrentMemberAssignmentKey.fields>

const topicPartitions = { topicId: uuid(), partitions: list(int32()), assignmentEpochs: tag(0, nullable(list(int32()), '0+', null)) }

/** A member's epochs and state, the partitions it has and those it must give up first. */
export const ConsumerGroupCurrentMemberAssignmentValue = message('ConsumerGroupCurrentMemberAssignmentValue', {
  memberEpoch: int32(),
  previousMemberEpoch: int32(),
  state: int8(),
  assignedPartitions: list(topicPartitions),
  partitionsPendingRevocation: list(topicPartitions),
}, '0+')
export type ConsumerGroupCurrentMemberAssignmentValue = Decoded<typeof ConsumerGroupCurrentMemberAssignmentValue.fields>

/** Key type 16: a regular expression that members subscribe by. */
export const ConsumerGroupRegularExpressionKey = message('ConsumerGroupRegularExpressionKey', {
  groupId: string(),
  regularExpression: string(),
}, 'none')
export type ConsumerGroupRegularExpressionKey = Decoded<typeof ConsumerGroupRegularExpressionKey.fields>

/** The topics that a regular expression stands for, and as of when. */
export const ConsumerGroupRegularExpressionValue = message('ConsumerGroupRegularExpressionValue', {
  topics: list(string()),
  version: int64(),
  timestamp: int64(),
}, '0+')
export type ConsumerGroupRegularExpressionValue = Decoded<typeof ConsumerGroupRegularExpressionValue.fields>
