import { int16, int32, int64, list, string, uuid, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** Sets start offsets of a share group that is empty (KIP-932). */
export const AlterShareGroupOffsets = api('AlterShareGroupOffsets', {
  groupId: string(),
  topics: list({ topicName: string(), partitions: list({ partitionIndex: int32(), startOffset: int64() }) }),
}, {
  throttleTimeMs: int32(),
  errorCode: int16(),
  errorMessage: string('0+', null),
  responses: list({
    topicName: string(),
    topicId: uuid(),
    partitions: list({ partitionIndex: int32(), errorCode: int16(), errorMessage: string('0+', null) }),
  }),
})

export type AlterShareGroupOffsetsRequest = Decoded<typeof AlterShareGroupOffsets.request.fields>
export type AlterShareGroupOffsetsResponse = Encodable<typeof AlterShareGroupOffsets.response.fields>
