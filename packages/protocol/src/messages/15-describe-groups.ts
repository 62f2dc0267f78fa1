import { bool, bytes, int16, int32, list, string, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** State and members of classic groups. Authorised operations KIP-430, an error of its own for groups that don't exist KIP-1043. */
export const DescribeGroups = api('DescribeGroups', {
  groups: list(string()),
  includeAuthorizedOperations: bool('3+', false),
}, {
  throttleTimeMs: int32('1+', 0),
  groups: list({
    errorCode: int16(),
    errorMessage: string('6+', null),
    groupId: string(),
    groupState: string(),
    protocolType: string(),
    protocolData: string(),
    members: list({
      memberId: string(),
      groupInstanceId: string('4+', null),
      clientId: string(),
      clientHost: string(),
      memberMetadata: bytes(),
      memberAssignment: bytes(),
    }),
    authorizedOperations: int32('3+', -2147483648),
  }),
})

export type DescribeGroupsRequest = Decoded<typeof DescribeGroups.request.fields>
export type DescribeGroupsResponse = Encodable<typeof DescribeGroups.response.fields>
