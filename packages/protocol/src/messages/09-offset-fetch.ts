import { bool, int16, int32, int64, list, nullable, string, uuid, ZERO_UUID, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/**
 * A group's stored offsets, of many groups from version 8 (KIP-709). Null topics mean all. `requireStable` waits for open transactions
 * (KIP-447); member epochs and topic ids KIP-848.
 */
export const OffsetFetch = api('OffsetFetch', {
  groupId: string('0-7', ''),
  topics: nullable(list({ name: string(), partitionIndexes: list(int32()) }, '0-7'), '2-7'),
  groups: list({
    groupId: string(),
    memberId: string('9+', null),
    memberEpoch: int32('9+', -1),
    topics: nullable(list({
      name: string('8-9', ''),
      topicId: uuid('10+', ZERO_UUID),
      partitionIndexes: list(int32()),
    })),
  }, '8+'),
  requireStable: bool('7+', false),
}, {
  throttleTimeMs: int32('3+', 0),
  topics: list({
    name: string(),
    partitions: list({
      partitionIndex: int32(),
      committedOffset: int64(),
      committedLeaderEpoch: int32('5-7', -1),
      metadata: nullable(string()),
      errorCode: int16(),
    }),
  }, '0-7'),
  errorCode: int16('2-7', 0),
  groups: list({
    groupId: string(),
    topics: list({
      name: string('8-9', ''),
      topicId: uuid('10+', ZERO_UUID),
      partitions: list({
        partitionIndex: int32(),
        committedOffset: int64(),
        committedLeaderEpoch: int32('0+', -1),
        metadata: nullable(string()),
        errorCode: int16(),
      }),
    }),
    errorCode: int16('0+', 0),
  }, '8+'),
})

export type OffsetFetchRequest = Decoded<typeof OffsetFetch.request.fields>
export type OffsetFetchResponse = Encodable<typeof OffsetFetch.response.fields>
