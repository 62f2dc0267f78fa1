import { int16, int32, list, string, uuid, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** Deletes a share group's offsets of topics (KIP-932). */
export const DeleteShareGroupOffsets = api('DeleteShareGroupOffsets', {
  groupId: string(),
  topics: list({ topicName: string() }),
}, {
  throttleTimeMs: int32(),
  errorCode: int16(),
  errorMessage: string('0+', null),
  responses: list({
    topicName: string(),
    topicId: uuid(),
    errorCode: int16(),
    errorMessage: string('0+', null),
  }),
})

export type DeleteShareGroupOffsetsRequest = Decoded<typeof DeleteShareGroupOffsets.request.fields>
export type DeleteShareGroupOffsetsResponse = Encodable<typeof DeleteShareGroupOffsets.response.fields>
