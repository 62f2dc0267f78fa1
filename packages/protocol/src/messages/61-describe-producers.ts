import { int16, int32, int64, list, string, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** Producers that a partition knows, and their open transactions (KIP-664). */
export const DescribeProducers = api('DescribeProducers', {
  topics: list({ name: string(), partitionIndexes: list(int32()) }),
}, {
  throttleTimeMs: int32(),
  topics: list({
    name: string(),
    partitions: list({
      partitionIndex: int32(),
      errorCode: int16(),
      errorMessage: string('0+', null),
      activeProducers: list({
        producerId: int64(),
        producerEpoch: int32(),
        lastSequence: int32('0+', -1),
        lastTimestamp: int64('0+', -1),
        coordinatorEpoch: int32(),
        currentTxnStartOffset: int64('0+', -1),
      }),
    }),
  }),
})

export type DescribeProducersRequest = Decoded<typeof DescribeProducers.request.fields>
export type DescribeProducersResponse = Encodable<typeof DescribeProducers.response.fields>
