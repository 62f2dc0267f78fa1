import { int16, int32, int8, list, nullable, string, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** Lists access rules that a filter matches; prefixes KIP-290. */
export const DescribeAcls = api('DescribeAcls', {
  resourceTypeFilter: int8(),
  resourceNameFilter: nullable(string()),
  patternTypeFilter: int8('1+', 3),
  principalFilter: nullable(string()),
  hostFilter: nullable(string()),
  operation: int8(),
  permissionType: int8(),
}, {
  throttleTimeMs: int32(),
  errorCode: int16(),
  errorMessage: nullable(string()),
  resources: list({
    resourceType: int8(),
    resourceName: string(),
    patternType: int8('1+', 3),
    acls: list({ principal: string(), host: string(), operation: int8(), permissionType: int8() }),
  }),
})

export type DescribeAclsRequest = Decoded<typeof DescribeAcls.request.fields>
export type DescribeAclsResponse = Encodable<typeof DescribeAcls.response.fields>
