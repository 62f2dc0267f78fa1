import { bool, int16, int32, int8, list, nullable, string, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** Replaces whole configurations; superseded by IncrementalAlterConfigs. */
export const AlterConfigs = api('AlterConfigs', {
  resources: list({
    resourceType: int8(),
    resourceName: string(),
    configs: list({ name: string(), value: nullable(string()) }),
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

export type AlterConfigsRequest = Decoded<typeof AlterConfigs.request.fields>
export type AlterConfigsResponse = Encodable<typeof AlterConfigs.response.fields>
