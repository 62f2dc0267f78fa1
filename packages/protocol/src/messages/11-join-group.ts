import { bool, bytes, int16, int32, list, nullable, string, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/**
 * Joins a classic group and waits for its next generation. A member without an id is first given one (KIP-394); static members
 * KIP-345, reasons KIP-800, an answer that skips assignment KIP-814.
 */
export const JoinGroup = api('JoinGroup', {
  groupId: string(),
  sessionTimeoutMs: int32(),
  rebalanceTimeoutMs: int32('1+', -1),
  memberId: string(),
  groupInstanceId: string('5+', null),
  protocolType: string(),
  protocols: list({ name: string(), metadata: bytes() }),
  reason: string('8+', null),
}, {
  throttleTimeMs: int32('2+', 0),
  errorCode: int16(),
  generationId: int32('0+', -1),
  protocolType: string('7+', null),
  protocolName: nullable(string(), '7+'),
  leader: string(),
  skipAssignment: bool('9+', false),
  memberId: string(),
  members: list({ memberId: string(), groupInstanceId: string('5+', null), metadata: bytes() }),
})

export type JoinGroupRequest = Decoded<typeof JoinGroup.request.fields>
export type JoinGroupResponse = Encodable<typeof JoinGroup.response.fields>
