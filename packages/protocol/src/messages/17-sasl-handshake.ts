import { int16, list, string, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** Chooses a SASL mechanism. In version 1 the tokens follow in SaslAuthenticate (KIP-152), in version 0 as bare frames. */
export const SaslHandshake = api('SaslHandshake', {
  mechanism: string(),
}, {
  errorCode: int16(),
  mechanisms: list(string()),
})

export type SaslHandshakeRequest = Decoded<typeof SaslHandshake.request.fields>
export type SaslHandshakeResponse = Encodable<typeof SaslHandshake.response.fields>
