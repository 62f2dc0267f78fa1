import { bytes, int16, int32, int64, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** Shortens a delegation token's life, or ends it (KIP-48). */
export const ExpireDelegationToken = api('ExpireDelegationToken', {
  hmac: bytes(),
  expiryTimePeriodMs: int64(),
}, {
  errorCode: int16(),
  expiryTimestampMs: int64(),
  throttleTimeMs: int32(),
})

export type ExpireDelegationTokenRequest = Decoded<typeof ExpireDelegationToken.request.fields>
export type ExpireDelegationTokenResponse = Encodable<typeof ExpireDelegationToken.response.fields>
