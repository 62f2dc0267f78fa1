import { int16, int32, int64, list, string, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** Moves partitions' log start up to an offset, -1 being the high watermark (KIP-107). */
export const DeleteRecords = api('DeleteRecords', {
  topics: list({ name: string(), partitions: list({ partitionIndex: int32(), offset: int64() }) }),
  timeoutMs: int32(),
}, {
  throttleTimeMs: int32(),
  topics: list({
    name: string(),
    partitions: list({ partitionIndex: int32(), lowWatermark: int64(), errorCode: int16() }),
  }),
})

export type DeleteRecordsRequest = Decoded<typeof DeleteRecords.request.fields>
export type DeleteRecordsResponse = Encodable<typeof DeleteRecords.response.fields>
