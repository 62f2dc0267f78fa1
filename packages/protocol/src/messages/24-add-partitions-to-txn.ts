import { bool, int16, int32, int64, list, string, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

const addPartitionsToTxnTopic = { name: string(), partitions: list(int32()) }

const addPartitionsToTxnTopicResult = { name: string(), resultsByPartition: list({ partitionIndex: int32(), partitionErrorCode: int16() }) }

/** Adds partitions to a transaction (KIP-98); from version 4 brokers ask for many transactions at once, or only verify (KIP-890). */
export const AddPartitionsToTxn = api('AddPartitionsToTxn', {
  transactions: list({
    transactionalId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    verifyOnly: bool('0+', false),
    topics: list(addPartitionsToTxnTopic),
  }, '4+'),
  v3AndBelowTransactionalId: string('0-3', ''),
  v3AndBelowProducerId: int64('0-3', 0),
  v3AndBelowProducerEpoch: int16('0-3', 0),
  v3AndBelowTopics: list(addPartitionsToTxnTopic, '0-3'),
}, {
  throttleTimeMs: int32(),
  errorCode: int16('4+', 0),
  resultsByTransaction: list({ transactionalId: string(), topicResults: list(addPartitionsToTxnTopicResult) }, '4+'),
  resultsByTopicV3AndBelow: list(addPartitionsToTxnTopicResult, '0-3'),
})

export type AddPartitionsToTxnRequest = Decoded<typeof AddPartitionsToTxn.request.fields>
export type AddPartitionsToTxnResponse = Encodable<typeof AddPartitionsToTxn.response.fields>
