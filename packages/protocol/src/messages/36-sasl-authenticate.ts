import { bytes, int16, int64, nullable, string, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** One token of a SASL exchange (KIP-152); the session's lifetime KIP-368. */
export const SaslAuthenticate = api('SaslAuthenticate', {
  authBytes: bytes(),
}, {
  errorCode: int16(),
  errorMessage: nullable(string()),
  authBytes: bytes(),
  sessionLifetimeMs: int64('1+', 0),
})

export type SaslAuthenticateRequest = Decoded<typeof SaslAuthenticate.request.fields>
export type SaslAuthenticateResponse = Encodable<typeof SaslAuthenticate.response.fields>
