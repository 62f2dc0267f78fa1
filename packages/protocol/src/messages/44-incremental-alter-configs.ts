import { bool, int16, int32, int8, list, nullable, string, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** Sets, removes, appends to or subtracts from single keys of configurations (KIP-339). */
export const IncrementalAlterConfigs = api('IncrementalAlterConfigs', {
  resources: list({
    resourceType: int8(),
    resourceName: string(),
    configs: list({ name: string(), configOperation: int8(), value: nullable(string()) }),
  }),
  validateOnly: bool(),
}, {
  throttleTimeMs: int32(),
  responses: list({
    errorCode: int16(),
    errorMessage: nullable(string()),
    resourceType: int8(),
    resourceName: string(),
  }),
})

export type IncrementalAlterConfigsRequest = Decoded<typeof IncrementalAlterConfigs.request.fields>
export type IncrementalAlterConfigsResponse = Encodable<typeof IncrementalAlterConfigs.response.fields>
