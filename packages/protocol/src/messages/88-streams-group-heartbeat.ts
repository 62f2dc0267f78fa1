import { bool, int16, int32, int64, int8, list, nullable, string, struct, uint16, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

const keyValue = { key: string(), value: string() }

const topicInfo = { name: string(), partitions: int32(), replicationFactor: int16(), topicConfigs: list(keyValue) }

const taskIds = { subtopologyId: string(), partitions: list(int32()) }

const taskOffset = { subtopologyId: string(), partition: int32(), offset: int64() }

const topicPartition = { topic: string(), partitions: list(int32()) }

/** Joins, keeps and leaves a streams group, whose coordinator assigns tasks (KIP-1071). Null means not changed. */
export const StreamsGroupHeartbeat = api('StreamsGroupHeartbeat', {
  groupId: string(),
  memberId: string(),
  memberEpoch: int32(),
  endpointInformationEpoch: int32(),
  instanceId: string('0+', null),
  rackId: string('0+', null),
  rebalanceTimeoutMs: int32('0+', -1),
  topology: nullable(struct({
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
  }), '0+', null),
  activeTasks: nullable(list(taskIds), '0+', null),
  standbyTasks: nullable(list(taskIds), '0+', null),
  warmupTasks: nullable(list(taskIds), '0+', null),
  processId: string('0+', null),
  userEndpoint: nullable(struct({ host: string(), port: uint16() }), '0+', null),
  clientTags: nullable(list(keyValue), '0+', null),
  taskOffsets: nullable(list(taskOffset), '0+', null),
  taskEndOffsets: nullable(list(taskOffset), '0+', null),
  shutdownApplication: bool('0+', false),
}, {
  throttleTimeMs: int32(),
  errorCode: int16(),
  errorMessage: string('0+', null),
  memberId: string(),
  memberEpoch: int32(),
  heartbeatIntervalMs: int32(),
  acceptableRecoveryLagLegacy: int32('0', 0),
  taskOffsetIntervalMs: int32(),
  acceptableRecoveryLag: int64('1+', -1),
  status: nullable(list({ statusCode: int8(), statusDetail: string() })),
  activeTasks: nullable(list(taskIds), '0+', null),
  standbyTasks: nullable(list(taskIds), '0+', null),
  warmupTasks: nullable(list(taskIds), '0+', null),
  topologyDescriptionRequired: bool('1+', false),
  endpointInformationEpoch: int32(),
  partitionsByUserEndpoint: nullable(list({
    userEndpoint: struct({ host: string(), port: uint16() }),
    activePartitions: list(topicPartition),
    standbyPartitions: list(topicPartition),
  }), '0+', null),
})

export type StreamsGroupHeartbeatRequest = Decoded<typeof StreamsGroupHeartbeat.request.fields>
export type StreamsGroupHeartbeatResponse = Encodable<typeof StreamsGroupHeartbeat.response.fields>
