import {
  bigint64, int16, int32, int64, int8, list, nullable, records, string, struct, tag, uuid, ZERO_UUID, type Decoded, type Encodable,
} from '@ottla/wire'
import { api } from '../api.ts'

/**
 * Reads record batches, waiting for `minBytes`; consumers and followers alike. Leader epochs KIP-320, sessions KIP-227, preferred
 * replicas KIP-392, topic ids KIP-516, broker epochs of followers KIP-903, new leaders in the answer KIP-951, followers' directories
 * KIP-853 and high watermarks KIP-1166.
 */
export const Fetch = api('Fetch', {
  clusterId: tag(0, string('12+', null)),
  replicaId: int32('0-14', -1),
  replicaState: tag(1, struct({ replicaId: int32('0+', -1), replicaEpoch: int64('0+', -1) }, '15+')),
  maxWaitMs: int32(),
  minBytes: int32(),
  maxBytes: int32('3+', 0x7fffffff),
  isolationLevel: int8('4+', 0),
  sessionId: int32('7+', 0),
  sessionEpoch: int32('7+', -1),
  topics: list({
    topic: string('0-12', ''),
    topicId: uuid('13+', ZERO_UUID),
    partitions: list({
      partition: int32(),
      currentLeaderEpoch: int32('9+', -1),
      fetchOffset: int64(),
      lastFetchedEpoch: int32('12+', -1),
      logStartOffset: int64('5+', -1),
      partitionMaxBytes: int32(),
      replicaDirectoryId: tag(0, uuid('17+')),
      highWatermark: tag(1, bigint64('18+', 9223372036854775807n)),
    }),
  }),
  forgottenTopicsData: list({ topic: string('7-12', ''), topicId: uuid('13+', ZERO_UUID), partitions: list(int32()) }, '7+'),
  rackId: string('11+', ''),
}, {
  throttleTimeMs: int32('1+', 0),
  errorCode: int16('7+', 0),
  sessionId: int32('7+', 0),
  responses: list({
    topic: string('0-12', ''),
    topicId: uuid('13+', ZERO_UUID),
    partitions: list({
      partitionIndex: int32(),
      errorCode: int16(),
      highWatermark: int64(),
      lastStableOffset: int64('4+', -1),
      logStartOffset: int64('5+', -1),
      divergingEpoch: tag(0, struct({ epoch: int32('0+', -1), endOffset: int64('0+', -1) }, '12+')),
      currentLeader: tag(1, struct({ leaderId: int32('0+', -1), leaderEpoch: int32('0+', -1) }, '12+')),
      snapshotId: tag(2, struct({ endOffset: int64('0+', -1), epoch: int32('0+', -1) }, '12+')),
      abortedTransactions: nullable(list({ producerId: int64(), firstOffset: int64() }, '4+')),
      preferredReadReplica: int32('11+', -1),
      records: nullable(records()),
    }),
  }),
  nodeEndpoints: tag(0, list({ nodeId: int32(), host: string(), port: int32(), rack: string('0+', null) }, '16+')),
})

export type FetchRequest = Decoded<typeof Fetch.request.fields>
export type FetchResponse = Encodable<typeof Fetch.response.fields>
