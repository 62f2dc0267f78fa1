import { bytes, int16, int32, int64, list, nullable, string, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** Creates a delegation token (KIP-48), for another owner KIP-373. */
export const CreateDelegationToken = api('CreateDelegationToken', {
  ownerPrincipalType: nullable(string('3+', '')),
  ownerPrincipalName: nullable(string('3+', '')),
  renewers: list({ principalType: string(), principalName: string() }),
  maxLifetimeMs: int64(),
}, {
  errorCode: int16(),
  principalType: string(),
  principalName: string(),
  tokenRequesterPrincipalType: string('3+', ''),
  tokenRequesterPrincipalName: string('3+', ''),
  issueTimestampMs: int64(),
  expiryTimestampMs: int64(),
  maxTimestampMs: int64(),
  tokenId: string(),
  hmac: bytes(),
  throttleTimeMs: int32(),
})

export type CreateDelegationTokenRequest = Decoded<typeof CreateDelegationToken.request.fields>
export type CreateDelegationTokenResponse = Encodable<typeof CreateDelegationToken.response.fields>
