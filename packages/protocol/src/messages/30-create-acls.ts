import { int16, int32, int8, list, nullable, string, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** Creates access rules; prefixes KIP-290. */
export const CreateAcls = api('CreateAcls', {
  creations: list({
    resourceType: int8(),
    resourceName: string(),
    resourcePatternType: int8('1+', 3),
    principal: string(),
    host: string(),
    operation: int8(),
    permissionType: int8(),
  }),
}, {
  throttleTimeMs: int32(),
  results: list({ errorCode: int16(), errorMessage: nullable(string()) }),
})

export type CreateAclsRequest = Decoded<typeof CreateAcls.request.fields>
export type CreateAclsResponse = Encodable<typeof CreateAcls.response.fields>
