import { int16, int32, list, string, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** The groups that a broker coordinates, by state (KIP-518) and type (KIP-848). */
export const ListGroups = api('ListGroups', {
  statesFilter: list(string(), '4+'),
  typesFilter: list(string(), '5+'),
}, {
  throttleTimeMs: int32('1+', 0),
  errorCode: int16(),
  groups: list({
    groupId: string(),
    protocolType: string(),
    groupState: string('4+', ''),
    groupType: string('5+', ''),
  }),
})

export type ListGroupsRequest = Decoded<typeof ListGroups.request.fields>
export type ListGroupsResponse = Encodable<typeof ListGroups.response.fields>
