import { bool, int16, int32, list, nullable, string, struct, uuid, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** Partitions of topics in pages, with their eligible leader replicas (KIP-966). */
export const DescribeTopicPartitions = api('DescribeTopicPartitions', {
  topics: list({ name: string() }),
  responsePartitionLimit: int32('0+', 2000),
  cursor: nullable(struct({ topicName: string(), partitionIndex: int32() }), '0+', null),
}, {
  throttleTimeMs: int32(),
  topics: list({
    errorCode: int16(),
    name: nullable(string()),
    topicId: uuid(),
    isInternal: bool('0+', false),
    partitions: list({
      errorCode: int16(),
      partitionIndex: int32(),
      leaderId: int32(),
      leaderEpoch: int32('0+', -1),
      replicaNodes: list(int32()),
      isrNodes: list(int32()),
      eligibleLeaderReplicas: nullable(list(int32()), '0+', null),
      lastKnownElr: nullable(list(int32()), '0+', null),
      offlineReplicas: list(int32()),
    }),
    topicAuthorizedOperations: int32('0+', -2147483648),
  }),
  nextCursor: nullable(struct({ topicName: string(), partitionIndex: int32() }), '0+', null),
})

export type DescribeTopicPartitionsRequest = Decoded<typeof DescribeTopicPartitions.request.fields>
export type DescribeTopicPartitionsResponse = Encodable<typeof DescribeTopicPartitions.response.fields>
