import { int16, int32, int64, int8, list, string, uuid, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** A share partition's leader stores its state (KIP-932). */
export const WriteShareGroupState = api('WriteShareGroupState', {
  groupId: string(),
  topics: list({
    topicId: uuid(),
    partitions: list({
      partition: int32(),
      stateEpoch: int32(),
      leaderEpoch: int32(),
      startOffset: int64(),
      deliveryCompleteCount: int32('1+', -1),
      stateBatches: list({
        firstOffset: int64(),
        lastOffset: int64(),
        deliveryState: int8(),
        deliveryCount: int16(),
      }),
    }),
  }),
}, {
  results: list({
    topicId: uuid(),
    partitions: list({ partition: int32(), errorCode: int16(), errorMessage: string('0+', null) }),
  }),
})

export type WriteShareGroupStateRequest = Decoded<typeof WriteShareGroupState.request.fields>
export type WriteShareGroupStateResponse = Encodable<typeof WriteShareGroupState.response.fields>
