import { bytes, int32, int64, list, message, nullable, string, type Decoded } from '@ottla/wire'

/** Key type 2 of `__consumer_offsets`: a classic group. */
export const GroupMetadataKey = message('GroupMetadataKey', {
  group: string(),
}, 'none')
export type GroupMetadataKey = Decoded<typeof GroupMetadataKey.fields>

/** A classic group's generation with its members; static members from version 3 (KIP-345). */
export const GroupMetadataValue = message('GroupMetadataValue', {
  protocolType: string(),
  generation: int32(),
  protocol: nullable(string()),
  leader: nullable(string()),
  currentStateTimestamp: int64('2+', -1),
  members: list({
    memberId: string(),
    groupInstanceId: string('3+', null),
    clientId: string(),
    clientHost: string(),
    rebalanceTimeout: int32('1+', -1),
    sessionTimeout: int32(),
    subscription: bytes(),
    assignment: bytes(),
  }),
}, '4+')
export type GroupMetadataValue = Decoded<typeof GroupMetadataValue.fields>
