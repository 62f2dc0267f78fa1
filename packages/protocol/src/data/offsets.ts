import { int32, int64, message, string, tag, uuid, type Decoded } from '@ottla/wire'

/** Key type 1 of `__consumer_offsets`: one group's offset of one partition. */
export const OffsetCommitKey = message('OffsetCommitKey', {
  group: string(),
  topic: string(),
  partition: int32(),
}, 'none')
export type OffsetCommitKey = Decoded<typeof OffsetCommitKey.fields>

/** A committed offset; version 1 alone has a time at which it expires. Topic ids from version 4. */
export const OffsetCommitValue = message('OffsetCommitValue', {
  offset: int64(),
  leaderEpoch: int32('3+', -1),
  metadata: string(),
  commitTimestamp: int64(),
  expireTimestamp: int64('1', -1),
  topicId: tag(0, uuid('4+')),
}, '4+')
export type OffsetCommitValue = Decoded<typeof OffsetCommitValue.fields>

/** Key type 0, written by the oldest brokers: read like type 1. */
export const LegacyOffsetCommitKey = message('LegacyOffsetCommitKey', {
  group: string(),
  topic: string(),
  partition: int32(),
}, 'none')
export type LegacyOffsetCommitKey = Decoded<typeof LegacyOffsetCommitKey.fields>

/** A committed offset of key type 0. */
export const LegacyOffsetCommitValue = message('LegacyOffsetCommitValue', {
  offset: int64(),
  metadata: string(),
  commitTimestamp: int64(),
}, 'none')
export type LegacyOffsetCommitValue = Decoded<typeof LegacyOffsetCommitValue.fields>
