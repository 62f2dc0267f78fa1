import { int16, int32, int64, int8, list, string, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/**
 * Finds offsets by time, or by the special times: -1 latest, -2 earliest, -3 of the largest timestamp (KIP-734), -4 earliest local
 * (KIP-405), -5 last tiered (KIP-1005), -6 earliest not yet tiered (KIP-1023).
 */
export const ListOffsets = api('ListOffsets', {
  replicaId: int32(),
  isolationLevel: int8('2+', 0),
  topics: list({
    name: string(),
    partitions: list({
      partitionIndex: int32(),
      currentLeaderEpoch: int32('4+', -1),
      timestamp: int64(),
      maxNumOffsets: int32('0', 1),
    }),
  }),
  timeoutMs: int32('10+', 0),
}, {
  throttleTimeMs: int32('2+', 0),
  topics: list({
    name: string(),
    partitions: list({
      partitionIndex: int32(),
      errorCode: int16(),
      oldStyleOffsets: list(int64(), '0'),
      timestamp: int64('1+', -1),
      offset: int64('1+', -1),
      leaderEpoch: int32('4+', -1),
    }),
  }),
})

export type ListOffsetsRequest = Decoded<typeof ListOffsets.request.fields>
export type ListOffsetsResponse = Encodable<typeof ListOffsets.response.fields>
