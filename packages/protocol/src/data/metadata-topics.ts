import { int16, int32, int64, int8, list, message, nullable, string, tag, uuid, type Decoded } from '@ottla/wire'

/** Metadata record 2: a topic and its id. */
export const TopicRecord = message('TopicRecord', {
  name: string(),
  topicId: uuid(),
}, '0+')
export type TopicRecord = Decoded<typeof TopicRecord.fields>

/** Metadata record 9: a topic is gone, with its partitions and configs. */
export const RemoveTopicRecord = message('RemoveTopicRecord', {
  topicId: uuid(),
}, '0+')
export type RemoveTopicRecord = Decoded<typeof RemoveTopicRecord.fields>

/** Metadata record 3: a partition as it is. Directories KIP-858, eligible leader replicas KIP-966. */
export const PartitionRecord = message('PartitionRecord', {
  partitionId: int32('0+', -1),
  topicId: uuid(),
  replicas: list(int32()),
  isr: list(int32()),
  removingReplicas: list(int32()),
  addingReplicas: list(int32()),
  leader: int32('0+', -1),
  leaderRecoveryState: tag(0, int8('0+', 0)),
  leaderEpoch: int32('0+', -1),
  partitionEpoch: int32('0+', -1),
  directories: list(uuid(), '1+'),
  eligibleLeaderReplicas: tag(1, nullable(list(int32(), '2+'), '2+', null)),
  lastKnownElr: tag(2, nullable(list(int32(), '2+'), '2+', null)),
}, '0+')
export type PartitionRecord = Decoded<typeof PartitionRecord.fields>

/** Metadata record 5: what changed of a partition. Null, a leader of -2 and a state of -1 stand for what stays. */
export const PartitionChangeRecord = message('PartitionChangeRecord', {
  partitionId: int32('0+', -1),
  topicId: uuid(),
  isr: tag(0, nullable(list(int32()), '0+', null)),
  leader: tag(1, int32('0+', -2)),
  replicas: tag(2, nullable(list(int32()), '0+', null)),
  removingReplicas: tag(3, nullable(list(int32()), '0+', null)),
  addingReplicas: tag(4, nullable(list(int32()), '0+', null)),
  leaderRecoveryState: tag(5, int8('0+', -1)),
  directories: tag(8, nullable(list(uuid(), '1+'), '1+', null)),
  eligibleLeaderReplicas: tag(6, nullable(list(int32(), '2+'), '2+', null)),
  lastKnownElr: tag(7, nullable(list(int32(), '2+'), '2+', null)),
}, '0+')
export type PartitionChangeRecord = Decoded<typeof PartitionChangeRecord.fields>

/** Metadata record 28: the eligible leader replicas of one topic, or of all where the name is empty, are forgotten (KIP-966). */
export const ClearElrRecord = message('ClearElrRecord', {
  topicName: string(),
}, '0+')
export type ClearElrRecord = Decoded<typeof ClearElrRecord.fields>

/** Metadata record 12: the finalised level of a feature; 0 takes it away. */
export const FeatureLevelRecord = message('FeatureLevelRecord', {
  name: string(),
  featureLevel: int16(),
}, '0+')
export type FeatureLevelRecord = Decoded<typeof FeatureLevelRecord.fields>

/** Metadata record 15: producer ids below the next one are given away. */
export const ProducerIdsRecord = message('ProducerIdsRecord', {
  brokerId: int32(),
  brokerEpoch: int64('0+', -1),
  nextProducerId: int64(),
}, '0+')
export type ProducerIdsRecord = Decoded<typeof ProducerIdsRecord.fields>
