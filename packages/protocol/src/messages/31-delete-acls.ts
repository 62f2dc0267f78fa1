import { int16, int32, int8, list, nullable, string, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** Deletes access rules that filters match, and answers with them; prefixes KIP-290. */
export const DeleteAcls = api('DeleteAcls', {
  filters: list({
    resourceTypeFilter: int8(),
    resourceNameFilter: nullable(string()),
    patternTypeFilter: int8('1+', 3),
    principalFilter: nullable(string()),
    hostFilter: nullable(string()),
    operation: int8(),
    permissionType: int8(),
  }),
}, {
  throttleTimeMs: int32(),
  filterResults: list({
    errorCode: int16(),
    errorMessage: nullable(string()),
    matchingAcls: list({
      errorCode: int16(),
      errorMessage: nullable(string()),
      resourceType: int8(),
      resourceName: string(),
      patternType: int8('1+', 3),
      principal: string(),
      host: string(),
      operation: int8(),
      permissionType: int8(),
    }),
  }),
})

export type DeleteAclsRequest = Decoded<typeof DeleteAcls.request.fields>
export type DeleteAclsResponse = Encodable<typeof DeleteAcls.response.fields>
