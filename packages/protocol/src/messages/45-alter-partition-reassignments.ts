import { bool, int16, int32, list, nullable, string, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** Moves partitions to other replicas, or cancels a move by null (KIP-455); the replication factor may be held fixed, KIP-860. */
export const AlterPartitionReassignments = api('AlterPartitionReassignments', {
  timeoutMs: int32('0+', 60000),
  allowReplicationFactorChange: bool('1+', true),
  topics: list({
    name: string(),
    partitions: list({ partitionIndex: int32(), replicas: nullable(list(int32()), '0+', null) }),
  }),
}, {
  throttleTimeMs: int32(),
  allowReplicationFactorChange: bool('1+', true),
  errorCode: int16(),
  errorMessage: nullable(string()),
  responses: list({
    name: string(),
    partitions: list({ partitionIndex: int32(), errorCode: int16(), errorMessage: nullable(string()) }),
  }),
})

export type AlterPartitionReassignmentsRequest = Decoded<typeof AlterPartitionReassignments.request.fields>
export type AlterPartitionReassignmentsResponse = Encodable<typeof AlterPartitionReassignments.response.fields>
