import { int16, int32, list, string, uuid, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** A group coordinator deletes the state of share partitions (KIP-932). */
export const DeleteShareGroupState = api('DeleteShareGroupState', {
  groupId: string(),
  topics: list({ topicId: uuid(), partitions: list({ partition: int32() }) }),
}, {
  results: list({
    topicId: uuid(),
    partitions: list({ partition: int32(), errorCode: int16(), errorMessage: string('0+', null) }),
  }),
})

export type DeleteShareGroupStateRequest = Decoded<typeof DeleteShareGroupState.request.fields>
export type DeleteShareGroupStateResponse = Encodable<typeof DeleteShareGroupState.response.fields>
