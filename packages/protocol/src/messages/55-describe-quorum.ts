import { int16, int32, int64, list, nullable, string, uint16, uuid, ZERO_UUID, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

const replicaState = {
  replicaId: int32(),
  replicaDirectoryId: uuid('2+', ZERO_UUID),
  logEndOffset: int64(),
  lastFetchTimestamp: int64('1+', -1),
  lastCaughtUpTimestamp: int64('1+', -1),
}

/** State of the metadata quorum (KIP-595), with times of the replicas KIP-836 and directories KIP-853. */
export const DescribeQuorum = api('DescribeQuorum', {
  topics: list({ topicName: string(), partitions: list({ partitionIndex: int32() }) }),
}, {
  errorCode: int16(),
  errorMessage: nullable(string('2+', '')),
  topics: list({
    topicName: string(),
    partitions: list({
      partitionIndex: int32(),
      errorCode: int16(),
      errorMessage: nullable(string('2+', '')),
      leaderId: int32(),
      leaderEpoch: int32(),
      highWatermark: int64(),
      currentVoters: list(replicaState),
      observers: list(replicaState),
    }),
  }),
  nodes: list({ nodeId: int32(), listeners: list({ name: string(), host: string(), port: uint16() }) }, '2+'),
})

export type DescribeQuorumRequest = Decoded<typeof DescribeQuorum.request.fields>
export type DescribeQuorumResponse = Encodable<typeof DescribeQuorum.response.fields>
