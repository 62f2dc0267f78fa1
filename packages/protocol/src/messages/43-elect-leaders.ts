import { int16, int32, int8, list, nullable, string, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** Has leaders elected: the preferred ones (KIP-183), or unclean ones (KIP-460). Null partitions mean all. */
export const ElectLeaders = api('ElectLeaders', {
  electionType: int8('1+', 0),
  topicPartitions: nullable(list({ topic: string(), partitions: list(int32()) })),
  timeoutMs: int32('0+', 60000),
}, {
  throttleTimeMs: int32(),
  errorCode: int16('1+', 0),
  replicaElectionResults: list({
    topic: string(),
    partitionResult: list({ partitionId: int32(), errorCode: int16(), errorMessage: nullable(string()) }),
  }),
})

export type ElectLeadersRequest = Decoded<typeof ElectLeaders.request.fields>
export type ElectLeadersResponse = Encodable<typeof ElectLeaders.response.fields>
