import { bytes, int16, int32, int64, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** Prolongs a delegation token (KIP-48). */
export const RenewDelegationToken = api('RenewDelegationToken', {
  hmac: bytes(),
  renewPeriodMs: int64(),
}, {
  errorCode: int16(),
  expiryTimestampMs: int64(),
  throttleTimeMs: int32(),
})

export type RenewDelegationTokenRequest = Decoded<typeof RenewDelegationToken.request.fields>
export type RenewDelegationTokenResponse = Encodable<typeof RenewDelegationToken.response.fields>
