import { bool, int16, int32, int64, int8, list, string, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** A transaction's coordinator has the end of a transaction written to the partitions (KIP-98); the transaction version KIP-1228. */
export const WriteTxnMarkers = api('WriteTxnMarkers', {
  markers: list({
    producerId: int64(),
    producerEpoch: int16(),
    transactionResult: bool(),
    topics: list({ name: string(), partitionIndexes: list(int32()) }),
    coordinatorEpoch: int32(),
    transactionVersion: int8('2+', 0),
  }),
}, {
  markers: list({
    producerId: int64(),
    topics: list({ name: string(), partitions: list({ partitionIndex: int32(), errorCode: int16() }) }),
  }),
})

export type WriteTxnMarkersRequest = Decoded<typeof WriteTxnMarkers.request.fields>
export type WriteTxnMarkersResponse = Encodable<typeof WriteTxnMarkers.response.fields>
