import { int16, int32, list, nullable, string, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** Removes members from a classic group; many, and static ones, from version 3 (KIP-345). Reasons KIP-800. */
export const LeaveGroup = api('LeaveGroup', {
  groupId: string(),
  memberId: string('0-2', ''),
  members: list({ memberId: string(), groupInstanceId: string('0+', null), reason: string('5+', null) }, '3+'),
}, {
  throttleTimeMs: int32('1+', 0),
  errorCode: int16(),
  members: list({ memberId: string(), groupInstanceId: nullable(string()), errorCode: int16() }, '3+'),
})

export type LeaveGroupRequest = Decoded<typeof LeaveGroup.request.fields>
export type LeaveGroupResponse = Encodable<typeof LeaveGroup.response.fields>
