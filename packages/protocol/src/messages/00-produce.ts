import {
  int16, int32, int64, list, nullable, records, string, struct, tag, uuid, ZERO_UUID, type Decoded, type Encodable,
} from '@ottla/wire'
import { api } from '../api.ts'

/**
 * Appends record batches, at most one a partition. Acks of 0 has no answer at all. Transactions KIP-98, errors by record KIP-467, new
 * leaders in the answer KIP-951, topic ids KIP-516.
 */
export const Produce = api('Produce', {
  transactionalId: string('3+', null),
  acks: int16(),
  timeoutMs: int32(),
  topicData: list({
    name: string('0-12', ''),
    topicId: uuid('13+', ZERO_UUID),
    partitionData: list({ index: int32(), records: nullable(records()) }),
  }),
}, {
  responses: list({
    name: string('0-12', ''),
    topicId: uuid('13+', ZERO_UUID),
    partitionResponses: list({
      index: int32(),
      errorCode: int16(),
      baseOffset: int64(),
      logAppendTimeMs: int64('2+', -1),
      logStartOffset: int64('5+', -1),
      recordErrors: list({ batchIndex: int32(), batchIndexErrorMessage: string('0+', null) }, '8+'),
      errorMessage: string('8+', null),
      currentLeader: tag(0, struct({ leaderId: int32('0+', -1), leaderEpoch: int32('0+', -1) }, '10+')),
    }),
  }),
  throttleTimeMs: int32('1+', 0),
  nodeEndpoints: tag(0, list({ nodeId: int32(), host: string(), port: int32(), rack: string('0+', null) }, '10+')),
})

export type ProduceRequest = Decoded<typeof Produce.request.fields>
export type ProduceResponse = Encodable<typeof Produce.response.fields>
