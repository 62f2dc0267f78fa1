import { int16, int32, int64, list, string, uuid, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** Start offsets of share partitions alone, without the state of single records (KIP-932). */
export const ReadShareGroupStateSummary = api('ReadShareGroupStateSummary', {
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
      leaderEpoch: int32(),
      startOffset: int64(),
      deliveryCompleteCount: int32('1+', -1),
    }),
  }),
})

export type ReadShareGroupStateSummaryRequest = Decoded<typeof ReadShareGroupStateSummary.request.fields>
export type ReadShareGroupStateSummaryResponse = Encodable<typeof ReadShareGroupStateSummary.response.fields>
