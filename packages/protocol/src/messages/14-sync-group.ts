import { bytes, int16, int32, list, string, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/**
 * Gives the leader's assignments to a classic group's coordinator, and each member its own. Protocol named in both directions KIP-559.
 */
export const SyncGroup = api('SyncGroup', {
  groupId: string(),
  generationId: int32(),
  memberId: string(),
  groupInstanceId: string('3+', null),
  protocolType: string('5+', null),
  protocolName: string('5+', null),
  assignments: list({ memberId: string(), assignment: bytes() }),
}, {
  throttleTimeMs: int32('1+', 0),
  errorCode: int16(),
  protocolType: string('5+', null),
  protocolName: string('5+', null),
  assignment: bytes(),
})

export type SyncGroupRequest = Decoded<typeof SyncGroup.request.fields>
export type SyncGroupResponse = Encodable<typeof SyncGroup.response.fields>
