import { int16, int32, nullable, string, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** Takes a broker that is gone out of the cluster (KIP-631). */
export const UnregisterBroker = api('UnregisterBroker', {
  brokerId: int32(),
}, {
  throttleTimeMs: int32(),
  errorCode: int16(),
  errorMessage: nullable(string()),
})

export type UnregisterBrokerRequest = Decoded<typeof UnregisterBroker.request.fields>
export type UnregisterBrokerResponse = Encodable<typeof UnregisterBroker.response.fields>
