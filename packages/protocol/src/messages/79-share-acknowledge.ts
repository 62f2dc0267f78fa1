import { bool, int16, int32, int64, int8, list, nullable, string, struct, uuid, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** Acknowledges records that a share group's member acquired (KIP-932). */
export const ShareAcknowledge = api('ShareAcknowledge', {
  groupId: string('0+', null),
  memberId: nullable(string()),
  shareSessionEpoch: int32(),
  isRenewAck: bool('2+', false),
  topics: list({
    topicId: uuid(),
    partitions: list({
      partitionIndex: int32(),
      acknowledgementBatches: list({ firstOffset: int64(), lastOffset: int64(), acknowledgeTypes: list(int8()) }),
    }),
  }),
}, {
  throttleTimeMs: int32(),
  errorCode: int16(),
  errorMessage: string('0+', null),
  acquisitionLockTimeoutMs: int32('2+', 0),
  responses: list({
    topicId: uuid(),
    partitions: list({
      partitionIndex: int32(),
      errorCode: int16(),
      errorMessage: string('0+', null),
      currentLeader: struct({ leaderId: int32(), leaderEpoch: int32() }),
    }),
  }),
  nodeEndpoints: list({ nodeId: int32(), host: string(), port: int32(), rack: string('0+', null) }),
})

export type ShareAcknowledgeRequest = Decoded<typeof ShareAcknowledge.request.fields>
export type ShareAcknowledgeResponse = Encodable<typeof ShareAcknowledge.response.fields>
