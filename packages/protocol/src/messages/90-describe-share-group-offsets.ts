import { int16, int32, int64, list, nullable, string, uuid, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** Start offsets of share groups' partitions (KIP-932). Null topics mean all. */
export const DescribeShareGroupOffsets = api('DescribeShareGroupOffsets', {
  groups: list({
    groupId: string(),
    topics: nullable(list({ topicName: string(), partitions: list(int32()) })),
  }),
}, {
  throttleTimeMs: int32(),
  groups: list({
    groupId: string(),
    topics: list({
      topicName: string(),
      topicId: uuid(),
      partitions: list({
        partitionIndex: int32(),
        startOffset: int64(),
        leaderEpoch: int32(),
        lag: int64('1+', -1),
        errorCode: int16(),
        errorMessage: string('0+', null),
      }),
    }),
    errorCode: int16(),
    errorMessage: string('0+', null),
  }),
})

export type DescribeShareGroupOffsetsRequest = Decoded<typeof DescribeShareGroupOffsets.request.fields>
export type DescribeShareGroupOffsetsResponse = Encodable<typeof DescribeShareGroupOffsets.response.fields>
