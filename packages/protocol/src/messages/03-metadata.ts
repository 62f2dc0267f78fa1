import { bool, int16, int32, list, nullable, string, uuid, ZERO_UUID, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/**
 * Brokers, controller, topics and their partitions' leaders. Null topics mean all; an empty list does in version 0. Authorised
 * operations KIP-430, topic ids KIP-516.
 */
export const Metadata = api('Metadata', {
  topics: nullable(list({ topicId: uuid('10+', ZERO_UUID), name: nullable(string(), '10+') }), '1+'),
  allowAutoTopicCreation: bool('4+', true),
  includeClusterAuthorizedOperations: bool('8-10', false),
  includeTopicAuthorizedOperations: bool('8+', false),
}, {
  throttleTimeMs: int32('3+', 0),
  brokers: list({ nodeId: int32(), host: string(), port: int32(), rack: string('1+', null) }),
  clusterId: string('2+', null),
  controllerId: int32('1+', -1),
  topics: list({
    errorCode: int16(),
    name: nullable(string(), '12+'),
    topicId: uuid('10+', ZERO_UUID),
    isInternal: bool('1+', false),
    partitions: list({
      errorCode: int16(),
      partitionIndex: int32(),
      leaderId: int32(),
      leaderEpoch: int32('7+', -1),
      replicaNodes: list(int32()),
      isrNodes: list(int32()),
      offlineReplicas: list(int32(), '5+'),
    }),
    topicAuthorizedOperations: int32('8+', -2147483648),
  }),
  clusterAuthorizedOperations: int32('8-10', -2147483648),
  errorCode: int16('13+', 0),
})

export type MetadataRequest = Decoded<typeof Metadata.request.fields>
export type MetadataResponse = Encodable<typeof Metadata.response.fields>
