import { int16, int32, list, string, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** Deletes groups that are empty (KIP-229). */
export const DeleteGroups = api('DeleteGroups', {
  groupsNames: list(string()),
}, {
  throttleTimeMs: int32(),
  results: list({ groupId: string(), errorCode: int16(), errorMessage: string('3+', null) }),
})

export type DeleteGroupsRequest = Decoded<typeof DeleteGroups.request.fields>
export type DeleteGroupsResponse = Encodable<typeof DeleteGroups.response.fields>
