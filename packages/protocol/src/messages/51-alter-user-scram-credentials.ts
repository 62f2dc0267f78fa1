import { bytes, int16, int32, int8, list, nullable, string, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** Sets or deletes SCRAM credentials of users (KIP-554). */
export const AlterUserScramCredentials = api('AlterUserScramCredentials', {
  deletions: list({ name: string(), mechanism: int8() }),
  upsertions: list({
    name: string(),
    mechanism: int8(),
    iterations: int32(),
    salt: bytes(),
    saltedPassword: bytes(),
  }),
}, {
  throttleTimeMs: int32(),
  results: list({ user: string(), errorCode: int16(), errorMessage: nullable(string()) }),
})

export type AlterUserScramCredentialsRequest = Decoded<typeof AlterUserScramCredentials.request.fields>
export type AlterUserScramCredentialsResponse = Encodable<typeof AlterUserScramCredentials.response.fields>
