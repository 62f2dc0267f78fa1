import { bool, int16, int32, int64, int8, list, nullable, string, struct, uint16, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

const keyValue = { key: string(), value: string() }

const topicInfo = { name: string(), partitions: int32(), replicationFactor: int16(), topicConfigs: list(keyValue) }

const taskOffset = { subtopologyId: string(), partition: int32(), offset: int64() }

const taskIds = { subtopologyId: string(), partitions: list(int32()) }

const assignment = { activeTasks: list(taskIds), standbyTasks: list(taskIds), warmupTasks: list(taskIds) }

const topologyDescriptionNode = {
  name: string(),
  nodeType: int8(),
  sourceTopics: list(string()),
  sinkTopic: string('0+', null),
  stores: list(string()),
  successors: list(string()),
}

/** State, topology, members and tasks of streams groups (KIP-1071). */
export const StreamsGroupDescribe = api('StreamsGroupDescribe', {
  groupIds: list(string()),
  includeAuthorizedOperations: bool(),
  includeTopologyDescription: bool('1+', false),
}, {
  throttleTimeMs: int32(),
  groups: list({
    errorCode: int16(),
    errorMessage: string('0+', null),
    groupId: string(),
    groupState: string(),
    groupEpoch: int32(),
    assignmentEpoch: int32(),
    topology: nullable(struct({
      epoch: int32(),
      subtopologies: nullable(list({
        subtopologyId: string(),
        sourceTopics: list(string()),
        repartitionSinkTopics: list(string()),
        stateChangelogTopics: list(topicInfo),
        repartitionSourceTopics: list(topicInfo),
      }), '0+', null),
    }), '0+', null),
    members: list({
      memberId: string(),
      memberEpoch: int32(),
      instanceId: string('0+', null),
      rackId: string('0+', null),
      clientId: string(),
      clientHost: string(),
      topologyEpoch: int32(),
      processId: string(),
      userEndpoint: nullable(struct({ host: string(), port: uint16() }), '0+', null),
      clientTags: list(keyValue),
      taskOffsets: list(taskOffset),
      taskEndOffsets: list(taskOffset),
      assignment: struct(assignment),
      targetAssignment: struct(assignment),
      isClassic: bool(),
    }),
    authorizedOperations: int32('0+', -2147483648),
    topologyDescription: nullable(struct({
      subtopologies: list({ subtopologyId: string(), nodes: list(topologyDescriptionNode) }),
      globalStores: list({ source: struct(topologyDescriptionNode), processor: struct(topologyDescriptionNode) }),
    }, '1+'), '1+', null),
    topologyDescriptionStatus: int8('1+', 0),
    assignorName: string('1+', null),
  }),
})

export type StreamsGroupDescribeRequest = Decoded<typeof StreamsGroupDescribe.request.fields>
export type StreamsGroupDescribeResponse = Encodable<typeof StreamsGroupDescribe.response.fields>
