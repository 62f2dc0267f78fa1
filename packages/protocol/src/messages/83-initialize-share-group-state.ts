import { int16, int32, int64, list, string, uuid, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** A group coordinator begins the state of share partitions (KIP-932). */
export const InitializeShareGroupState = api('InitializeShareGroupState', {
  groupId: string(),
  topics: list({
    topicId: uuid(),
    partitions: list({ partition: int32(), stateEpoch: int32(), startOffset: int64() }),
  }),
}, {
  results: list({
    topicId: uuid(),
    partitions: list({ partition: int32(), errorCode: int16(), errorMessage: string('0+', null) }),
  }),
})

export type InitializeShareGroupStateRequest = Decoded<typeof InitializeShareGroupState.request.fields>
export type InitializeShareGroupStateResponse = Encodable<typeof InitializeShareGroupState.response.fields>
