import { int16, int32, list, nullable, string, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** Moves of partitions that are under way (KIP-455). Null topics mean all. */
export const ListPartitionReassignments = api('ListPartitionReassignments', {
  timeoutMs: int32('0+', 60000),
  topics: nullable(list({ name: string(), partitionIndexes: list(int32()) }), '0+', null),
}, {
  throttleTimeMs: int32(),
  errorCode: int16(),
  errorMessage: nullable(string()),
  topics: list({
    name: string(),
    partitions: list({
      partitionIndex: int32(),
      replicas: list(int32()),
      addingReplicas: list(int32()),
      removingReplicas: list(int32()),
    }),
  }),
})

export type ListPartitionReassignmentsRequest = Decoded<typeof ListPartitionReassignments.request.fields>
export type ListPartitionReassignmentsResponse = Encodable<typeof ListPartitionReassignments.response.fields>
