import { int16, int32, int64, string, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** Adds a group's partition of the offsets topic to a transaction (KIP-98). */
export const AddOffsetsToTxn = api('AddOffsetsToTxn', {
  transactionalId: string(),
  producerId: int64(),
  producerEpoch: int16(),
  groupId: string(),
}, {
  throttleTimeMs: int32(),
  errorCode: int16(),
})

export type AddOffsetsToTxnRequest = Decoded<typeof AddOffsetsToTxn.request.fields>
export type AddOffsetsToTxnResponse = Encodable<typeof AddOffsetsToTxn.response.fields>
