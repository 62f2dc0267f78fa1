import { int16, int32, int64, int8, list, message, string, tag, uuid, type Decoded } from '@ottla/wire'

/** Key type 0 of `__share_group_state`: a share partition's state (KIP-932). */
export const ShareSnapshotKey = message('ShareSnapshotKey', {
  groupId: string(),
  topicId: uuid(),
  partition: int32(),
}, 'none')
export type ShareSnapshotKey = Decoded<typeof ShareSnapshotKey.fields>

/** The whole state of a share partition. */
export const ShareSnapshotValue = message('ShareSnapshotValue', {
  snapshotEpoch: int32(),
  stateEpoch: int32(),
  leaderEpoch: int32(),
  startOffset: int64(),
  deliveryCompleteCount: tag(0, int32('0+', -1)),
  createTimestamp: int64(),
  writeTimestamp: int64(),
  stateBatches: list({ firstOffset: int64(), lastOffset: int64(), deliveryState: int8(), deliveryCount: int16() }),
}, '0+')
export type ShareSnapshotValue = Decoded<typeof ShareSnapshotValue.fields>

/** Key type 1 of `__share_group_state`: changes since the snapshot. */
export const ShareUpdateKey = message('ShareUpdateKey', {
  groupId: string(),
  topicId: uuid(),
  partition: int32(),
}, 'none')
export type ShareUpdateKey = Decoded<typeof ShareUpdateKey.fields>

/** What changed in the state of a share partition. */
export const ShareUpdateValue = message('ShareUpdateValue', {
  snapshotEpoch: int32(),
  leaderEpoch: int32(),
  startOffset: int64(),
  deliveryCompleteCount: tag(0, int32('0+', -1)),
  stateBatches: list({ firstOffset: int64(), lastOffset: int64(), deliveryState: int8(), deliveryCount: int16() }),
}, '0+')
export type ShareUpdateValue = Decoded<typeof ShareUpdateValue.fields>
