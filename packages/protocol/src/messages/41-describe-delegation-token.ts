import { bytes, int16, int32, int64, list, nullable, string, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** Lists delegation tokens by owner (KIP-48); requesters KIP-373. */
export const DescribeDelegationToken = api('DescribeDelegationToken', {
  owners: nullable(list({ principalType: string(), principalName: string() })),
}, {
  errorCode: int16(),
  tokens: list({
    principalType: string(),
    principalName: string(),
    tokenRequesterPrincipalType: string('3+', ''),
    tokenRequesterPrincipalName: string('3+', ''),
    issueTimestamp: int64(),
    expiryTimestamp: int64(),
    maxTimestamp: int64(),
    tokenId: string(),
    hmac: bytes(),
    renewers: list({ principalType: string(), principalName: string() }),
  }),
  throttleTimeMs: int32(),
})

export type DescribeDelegationTokenRequest = Decoded<typeof DescribeDelegationToken.request.fields>
export type DescribeDelegationTokenResponse = Encodable<typeof DescribeDelegationToken.response.fields>
