export { createClient, type Client, type ClientOptions } from './client.ts'
export { parseBootstrap } from './bootstrap.ts'
export { BrokerConnection, type Body, type ConnectionOptions, type RequestOptions } from './connection.ts'
export { Cluster, type ClusterOptions } from './cluster.ts'
export type { BrokerNode, PartitionMetadata, TopicMetadata } from './metadata.ts'
export { ClientError, isRetriable, refusal, type ClientErrorKind } from './errors.ts'
export { Producer, type ProducerOptions, type RecordMetadata } from './producer.ts'
export type { DeliveryReport, DeliveryResult, HeaderToSend, ProducerRecord } from './accumulator.ts'
export { partitionOfKey, StickyPartitioner, type Partitioner } from './partitioner.ts'
export { murmur2 } from './murmur2.ts'
export { Consumer, isFenced, type ConsumerOptions } from './consumer.ts'
export { ConsumedBatch, type ConsumerRecord } from './consumed-batch.ts'
export type { AssignorName } from './assignors.ts'
export {
  Admin,
  type ClusterDescription,
  type ConfigChange,
  type ConfigEntry,
  type ConfigResource,
  type ConfigResourceType,
  type ConfigSource,
  type NewTopic,
  type TopicResult,
} from './admin.ts'
export type { GroupDescription, GroupMemberDescription, ListedGroup } from './group-admin.ts'
export type { GroupOffset } from './group-offsets.ts'
export type { LogStart, RecordDeletion } from './record-deletion.ts'
export type { FoundOffset, IsolationLevel, OffsetQuery, OffsetSpec, TopicPartition } from './offsets.ts'
