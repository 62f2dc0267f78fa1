import { bool, int16, int32, int8, list, nullable, string, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** Raises or lowers finalised feature levels (KIP-584). */
export const UpdateFeatures = api('UpdateFeatures', {
  timeoutMs: int32('0+', 60000),
  featureUpdates: list({
    feature: string(),
    maxVersionLevel: int16(),
    allowDowngrade: bool('0', false),
    upgradeType: int8('1+', 1),
  }),
  validateOnly: bool('1+', false),
}, {
  throttleTimeMs: int32(),
  errorCode: int16(),
  errorMessage: nullable(string()),
  results: list({ feature: string(), errorCode: int16(), errorMessage: nullable(string()) }, '0-1'),
})

export type UpdateFeaturesRequest = Decoded<typeof UpdateFeatures.request.fields>
export type UpdateFeaturesResponse = Encodable<typeof UpdateFeatures.response.fields>
