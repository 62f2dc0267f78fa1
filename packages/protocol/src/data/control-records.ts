import { int16, int32, int64, list, message, string, struct, uint16, uuid, ZERO_UUID, type Decoded } from '@ottla/wire'

/** The key of a control record, behind an int16 version 0: 0 abort, 1 commit; the rest belongs to the metadata quorum. */
export const ControlRecordTypeSchema = message('ControlRecordTypeSchema', {
  type: int16(),
}, 'none')
export type ControlRecordTypeSchema = Decoded<typeof ControlRecordTypeSchema.fields>

/** The value of an abort or a commit, behind an int16 version 0 (KIP-98). */
export const EndTxnMarker = message('EndTxnMarker', {
  coordinatorEpoch: int32(),
}, 'none')
export type EndTxnMarker = Decoded<typeof EndTxnMarker.fields>

const voter = { voterId: int32(), voterDirectoryId: uuid('1+', ZERO_UUID) }

/** A new leader of the metadata quorum (KIP-595). */
export const LeaderChangeMessage = message('LeaderChangeMessage', {
  version: int16(),
  leaderId: int32(),
  voters: list(voter),
  grantingVoters: list(voter),
}, '0+')
export type LeaderChangeMessage = Decoded<typeof LeaderChangeMessage.fields>

/** The first record of a metadata snapshot (KIP-630). */
export const SnapshotHeaderRecord = message('SnapshotHeaderRecord', {
  version: int16(),
  lastContainedLogTimestamp: int64(),
}, '0+')
export type SnapshotHeaderRecord = Decoded<typeof SnapshotHeaderRecord.fields>

/** The last record of a metadata snapshot (KIP-630). */
export const SnapshotFooterRecord = message('SnapshotFooterRecord', {
  version: int16(),
}, '0+')
export type SnapshotFooterRecord = Decoded<typeof SnapshotFooterRecord.fields>

/** The metadata quorum's own version (KIP-853). */
export const KRaftVersionRecord = message('KRaftVersionRecord', {
  version: int16(),
  kRaftVersion: int16(),
}, '0+')
export type KRaftVersionRecord = Decoded<typeof KRaftVersionRecord.fields>

/** The metadata quorum's voters (KIP-853). */
export const VotersRecord = message('VotersRecord', {
  version: int16(),
  voters: list({
    voterId: int32(),
    voterDirectoryId: uuid(),
    endpoints: list({ name: string(), host: string(), port: uint16() }),
    kRaftVersionFeature: struct({ minSupportedVersion: int16(), maxSupportedVersion: int16() }),
  }),
}, '0+')
export type VotersRecord = Decoded<typeof VotersRecord.fields>
