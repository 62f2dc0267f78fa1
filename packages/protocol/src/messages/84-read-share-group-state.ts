import { int16, int32, int64, int8, list, string, uuid, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** A share partition's leader reads its stored state (KIP-932). */
export const ReadShareGroupState = api('ReadShareGroupState', {
  groupId: string(),
  topics: list({ topicId: uuid(), partitions: list({ partition: int32(), leaderEpoch: int32() }) }),
}, {
  results: list({
    topicId: uuid(),
    partitions: list({
      partition: int32(),
      errorCode: int16(),
      errorMessage: string('0+', null),
      stateEpoch: int32(),
      startOffset: int64(),
      stateBatches: list({
        firstOffset: int64(),
        lastOffset: int64(),
        deliveryState: int8(),
        deliveryCount: int16(),
      }),
    }),
  }),
})

export type ReadShareGroupStateRequest = Decoded<typeof ReadShareGroupState.request.fields>
export type ReadShareGroupStateResponse = Encodable<typeof ReadShareGroupState.response.fields>
