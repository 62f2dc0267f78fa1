import { int16, int32, int64, list, nullable, string, uuid, ZERO_UUID, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/**
 * Stores a group's offsets as part of a transaction (KIP-98), with the group's generation KIP-447, and without AddOffsetsToTxn before
 * it KIP-890.
 */
export const TxnOffsetCommit = api('TxnOffsetCommit', {
  transactionalId: string(),
  groupId: string(),
  producerId: int64(),
  producerEpoch: int16(),
  generationIdOrMemberEpoch: int32('3+', -1),
  memberId: string('3+', ''),
  groupInstanceId: string('3+', null),
  topics: list({
    name: string('0-5', ''),
    topicId: uuid('6+', ZERO_UUID),
    partitions: list({
      partitionIndex: int32(),
      committedOffset: int64(),
      committedLeaderEpoch: int32('2+', -1),
      committedMetadata: nullable(string()),
    }),
  }),
}, {
  throttleTimeMs: int32(),
  topics: list({
    name: string('0-5', ''),
    topicId: uuid('6+', ZERO_UUID),
    partitions: list({ partitionIndex: int32(), errorCode: int16() }),
  }),
})

export type TxnOffsetCommitRequest = Decoded<typeof TxnOffsetCommit.request.fields>
export type TxnOffsetCommitResponse = Encodable<typeof TxnOffsetCommit.response.fields>
