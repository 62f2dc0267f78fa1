import { int16, int32, int8, list, string, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/**
 * Names of configured resources. Version 0 lists client metrics only and was called ListClientMetricsResources (KIP-714); other types
 * KIP-1142.
 */
export const ListConfigResources = api('ListConfigResources', {
  resourceTypes: list(int8(), '1+'),
}, {
  throttleTimeMs: int32(),
  errorCode: int16(),
  configResources: list({ resourceName: string(), resourceType: int8('1+', 16) }),
})

export type ListConfigResourcesRequest = Decoded<typeof ListConfigResources.request.fields>
export type ListConfigResourcesResponse = Encodable<typeof ListConfigResources.response.fields>
