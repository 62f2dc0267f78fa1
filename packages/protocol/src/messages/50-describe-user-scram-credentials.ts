import { int16, int32, int8, list, nullable, string, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** Which SCRAM credentials users have, without secrets (KIP-554). Null or no users mean all. */
export const DescribeUserScramCredentials = api('DescribeUserScramCredentials', {
  users: nullable(list({ name: string() })),
}, {
  throttleTimeMs: int32(),
  errorCode: int16(),
  errorMessage: nullable(string()),
  results: list({
    user: string(),
    errorCode: int16(),
    errorMessage: nullable(string()),
    credentialInfos: list({ mechanism: int8(), iterations: int32() }),
  }),
})

export type DescribeUserScramCredentialsRequest = Decoded<typeof DescribeUserScramCredentials.request.fields>
export type DescribeUserScramCredentialsResponse = Encodable<typeof DescribeUserScramCredentials.response.fields>
