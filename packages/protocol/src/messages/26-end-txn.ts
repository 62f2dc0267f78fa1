import { bool, int16, int32, int64, string, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** Commits or aborts a transaction (KIP-98); from version 5 the answer moves the producer to its next epoch (KIP-890). */
export const EndTxn = api('EndTxn', {
  transactionalId: string(),
  producerId: int64(),
  producerEpoch: int16(),
  committed: bool(),
}, {
  throttleTimeMs: int32(),
  errorCode: int16(),
  producerId: int64('5+', -1),
  producerEpoch: int16('5+', -1),
})

export type EndTxnRequest = Decoded<typeof EndTxn.request.fields>
export type EndTxnResponse = Encodable<typeof EndTxn.response.fields>
