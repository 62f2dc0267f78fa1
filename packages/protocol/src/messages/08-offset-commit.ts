import { int16, int32, int64, list, nullable, string, uuid, ZERO_UUID, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/**
 * Stores a group's offsets. Generation -1 with no member is a consumer without group membership. Static members KIP-345, member epochs
 * KIP-848, topic ids KIP-848.
 */
export const OffsetCommit = api('OffsetCommit', {
  groupId: string(),
  generationIdOrMemberEpoch: int32('1+', -1),
  memberId: string('1+', ''),
  groupInstanceId: string('7+', null),
  retentionTimeMs: int64('2-4', -1),
  topics: list({
    name: string('0-9', ''),
    topicId: uuid('10+', ZERO_UUID),
    partitions: list({
      partitionIndex: int32(),
      committedOffset: int64(),
      committedLeaderEpoch: int32('6+', -1),
      commitTimestamp: int64('1', -1),
      committedMetadata: nullable(string()),
    }),
  }),
}, {
  throttleTimeMs: int32('3+', 0),
  topics: list({
    name: string('0-9', ''),
    topicId: uuid('10+', ZERO_UUID),
    partitions: list({ partitionIndex: int32(), errorCode: int16() }),
  }),
})

export type OffsetCommitRequest = Decoded<typeof OffsetCommit.request.fields>
export type OffsetCommitResponse = Encodable<typeof OffsetCommit.response.fields>
