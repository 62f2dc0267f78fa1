import { int16, int32, int64, list, string, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** Where the log of a leader epoch ends: what followers and consumers truncate by (KIP-101, KIP-320). */
export const OffsetForLeaderEpoch = api('OffsetForLeaderEpoch', {
  replicaId: int32('3+', -2),
  topics: list({
    topic: string(),
    partitions: list({ partition: int32(), currentLeaderEpoch: int32('2+', -1), leaderEpoch: int32() }),
  }),
}, {
  throttleTimeMs: int32('2+', 0),
  topics: list({
    topic: string(),
    partitions: list({
      errorCode: int16(),
      partition: int32(),
      leaderEpoch: int32('1+', -1),
      endOffset: int64('0+', -1),
    }),
  }),
})

export type OffsetForLeaderEpochRequest = Decoded<typeof OffsetForLeaderEpoch.request.fields>
export type OffsetForLeaderEpochResponse = Encodable<typeof OffsetForLeaderEpoch.response.fields>
