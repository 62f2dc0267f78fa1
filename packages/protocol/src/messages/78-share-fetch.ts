import { bool, int16, int32, int64, int8, list, nullable, records, string, struct, uuid, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** Acquires records for a member of a share group, and acknowledges earlier ones (KIP-932). */
export const ShareFetch = api('ShareFetch', {
  groupId: string('0+', null),
  memberId: nullable(string()),
  shareSessionEpoch: int32(),
  maxWaitMs: int32(),
  minBytes: int32(),
  maxBytes: int32('0+', 0x7fffffff),
  maxRecords: int32(),
  batchSize: int32(),
  shareAcquireMode: int8('2+', 0),
  isRenewAck: bool('2+', false),
  topics: list({
    topicId: uuid(),
    partitions: list({
      partitionIndex: int32(),
      acknowledgementBatches: list({ firstOffset: int64(), lastOffset: int64(), acknowledgeTypes: list(int8()) }),
    }),
  }),
  forgottenTopicsData: list({ topicId: uuid(), partitions: list(int32()) }),
}, {
  throttleTimeMs: int32(),
  errorCode: int16(),
  errorMessage: string('0+', null),
  acquisitionLockTimeoutMs: int32(),
  responses: list({
    topicId: uuid(),
    partitions: list({
      partitionIndex: int32(),
      errorCode: int16(),
      errorMessage: string('0+', null),
      acknowledgeErrorCode: int16(),
      acknowledgeErrorMessage: string('0+', null),
      currentLeader: struct({ leaderId: int32(), leaderEpoch: int32() }),
      records: records(),
      acquiredRecords: list({ firstOffset: int64(), lastOffset: int64(), deliveryCount: int16() }),
    }),
  }),
  nodeEndpoints: list({ nodeId: int32(), host: string(), port: int32(), rack: string('0+', null) }),
})

export type ShareFetchRequest = Decoded<typeof ShareFetch.request.fields>
export type ShareFetchResponse = Encodable<typeof ShareFetch.response.fields>
