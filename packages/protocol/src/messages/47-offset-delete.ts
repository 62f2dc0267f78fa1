import { int16, int32, list, string, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** Deletes offsets of a group for topics that it no longer subscribes to (KIP-496). */
export const OffsetDelete = api('OffsetDelete', {
  groupId: string(),
  topics: list({ name: string(), partitions: list({ partitionIndex: int32() }) }),
}, {
  errorCode: int16(),
  throttleTimeMs: int32(),
  topics: list({ name: string(), partitions: list({ partitionIndex: int32(), errorCode: int16() }) }),
})

export type OffsetDeleteRequest = Decoded<typeof OffsetDelete.request.fields>
export type OffsetDeleteResponse = Encodable<typeof OffsetDelete.response.fields>
