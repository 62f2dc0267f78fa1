import { bigint64, int16, int32, int64, int8, list, message, nullable, string, struct, tag, uint16, type Decoded } from '@ottla/wire'

/** Key type 17 of `__consumer_offsets`: a streams group (KIP-1071). */
export const StreamsGroupMetadataKey = message('StreamsGroupMetadataKey', {
  groupId: string(),
}, 'none')
export type StreamsGroupMetadataKey = Decoded<typeof StreamsGroupMetadataKey.fields>

/** A streams group's epoch, and what it was made of. */
export const StreamsGroupMetadataValue = message('StreamsGroupMetadataValue', {
  epoch: int32(),
  metadataHash: bigint64(),
  validatedTopologyEpoch: tag(0, int32('0+', -1)),
  lastAssignmentConfigs: tag(1, nullable(list({ key: string(), value: string() }), '0+', null)),
  storedDescriptionTopologyEpoch: tag(2, int32('0+', -1)),
  failedDescriptionTopologyEpoch: tag(3, int32('0+', -1)),
}, '0+')
export type StreamsGroupMetadataValue = Decoded<typeof StreamsGroupMetadataValue.fields>

/** Key type 19: a member of a streams group. */
export const StreamsGroupMemberMetadataKey = message('StreamsGroupMemberMetadataKey', {
  groupId: string(),
  memberId: string(),
}, 'none')
export type StreamsGroupMemberMetadataKey = Decoded<typeof StreamsGroupMemberMetadataKey.fields>

/** What a member said of itself. */
export const StreamsGroupMemberMetadataValue = message('StreamsGroupMemberMetadataValue', {
  instanceId: nullable(string()),
  rackId: nullable(string()),
  clientId: string(),
  clientHost: string(),
  rebalanceTimeoutMs: int32('0+', -1),
  topologyEpoch: int32(),
  processId: string(),
  userEndpoint: nullable(struct({ host: string(), port: uint16() }), '0+', null),
  clientTags: list({ key: string(), value: string() }),
}, '0+')
export type StreamsGroupMemberMetadataValue = Decoded<typeof StreamsGroupMemberMetadataValue.fields>

/** Key type 20: the epoch of a group's target assignment. */
export const StreamsGroupTargetAssignmentMetadataKey = message('StreamsGroupTargetAssignmentMetadataKey', {
  groupId: string(),
}, 'none')
export type StreamsGroupTargetAssignmentMetadataKey = Decoded<typeof StreamsGroupTargetAssignmentMetadataKey.fields>

/** The group epoch that the target assignment was computed for. */
export const StreamsGroupTargetAssignmentMetadataValue = message('StreamsGroupTargetAssignmentMetadataValue', {
  assignmentEpoch: int32(),
  assignmentTimestamp: tag(0, int64('0+', 0)),
}, '0+')
export type StreamsGroupTargetAssignmentMetadataValue = Decoded<typeof StreamsGroupTargetAssignmentMetadataValue.fields>

/** Key type 21: what a member is to have. */
export const StreamsGroupTargetAssignmentMemberKey = message('StreamsGroupTargetAssignmentMemberKey', {
  groupId: string(),
  memberId: string(),
}, 'none')
export type StreamsGroupTargetAssignmentMemberKey = Decoded<typeof StreamsGroupTargetAssignmentMemberKey.fields>

const taskIds = { subtopologyId: string(), partitions: list(int32()) }

/** The tasks that a member is to have. */
export const StreamsGroupTargetAssignmentMemberValue = message('StreamsGroupTargetAssignmentMemberValue', {
  activeTasks: list(taskIds),
  standbyTasks: list(taskIds),
  warmupTasks: list(taskIds),
}, '0+')
export type StreamsGroupTargetAssignmentMemberValue = Decoded<typeof StreamsGroupTargetAssignmentMemberValue.fields>

/** Key type 22: what a member has. */
export const StreamsGroupCurrentMemberAssignmentKey = message('StreamsGroupCurrentMemberAssignmentKey', {
  groupId: string(),
  memberId: string(),
}, 'none')
export type StreamsGroupCurrentMemberAssignmentKey = Decoded<typeof StreamsGroupCurrentMemberAssignmentKey.fields>

const taskIdsWithEpochs = {
  ...taskIds,
  assignmentEpochs: tag(0, nullable(list(int32()), '0+', null)),
}

/** A member's epochs and state, the tasks it has and those it must give up first. */
export const StreamsGroupCurrentMemberAssignmentValue = message('StreamsGroupCurrentMemberAssignmentValue', {
  memberEpoch: int32(),
  previousMemberEpoch: int32(),
  state: int8(),
  activeTasks: list(taskIdsWithEpochs),
  standbyTasks: list(taskIdsWithEpochs),
  warmupTasks: list(taskIdsWithEpochs),
  activeTasksPendingRevocation: list(taskIdsWithEpochs),
  standbyTasksPendingRevocation: list(taskIdsWithEpochs),
  warmupTasksPendingRevocation: list(taskIdsWithEpochs),
}, '0+')
export type StreamsGroupCurrentMemberAssignmentValue = Decoded<typeof StreamsGroupCurrentMemberAssignmentValue.fields>

/** Key type 23: a group's topology. */
export const StreamsGroupTopologyKey = message('StreamsGroupTopologyKey', {
  groupId: string(),
}, 'none')
export type StreamsGroupTopologyKey = Decoded<typeof StreamsGroupTopologyKey.fields>

const topicInfo = {
  name: string(),
  partitions: int32(),
  replicationFactor: int16(),
  topicConfigs: list({ key: string(), value: string() }),
}

/** A topology: subtopologies with their topics. */
export const StreamsGroupTopologyValue = message('StreamsGroupTopologyValue', {
  epoch: int32(),
  subtopologies: list({
    subtopologyId: string(),
    sourceTopics: list(string()),
    sourceTopicRegex: list(string()),
    stateChangelogTopics: list(topicInfo),
    repartitionSinkTopics: list(string()),
    repartitionSourceTopics: list(topicInfo),
    copartitionGroups: list({
      sourceTopics: list(int16()),
      sourceTopicRegex: list(int16()),
      repartitionSourceTopics: list(int16()),
    }),
  }),
}, '0+')
export type StreamsGroupTopologyValue = Decoded<typeof StreamsGroupTopologyValue.fields>
