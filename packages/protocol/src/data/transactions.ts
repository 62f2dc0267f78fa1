import { int16, int32, int64, int8, list, message, nullable, string, tag, type Decoded } from '@ottla/wire'

/** Key type 0 of `__transaction_state`: a transactional id. */
export const TransactionLogKey = message('TransactionLogKey', {
  transactionalId: string(),
}, 'none')
export type TransactionLogKey = Decoded<typeof TransactionLogKey.fields>

/** A transaction's state. Null partitions mean an id without any. Producer ids before and after KIP-890. */
export const TransactionLogValue = message('TransactionLogValue', {
  producerId: int64(),
  previousProducerId: tag(0, int64('1+', -1)),
  nextProducerId: tag(1, int64('1+', -1)),
  producerEpoch: int16(),
  nextProducerEpoch: tag(3, int16('1+', -1)),
  transactionTimeoutMs: int32(),
  transactionStatus: int8(),
  transactionPartitions: nullable(list({ topic: string(), partitionIds: list(int32()) })),
  transactionLastUpdateTimestampMs: int64(),
  transactionStartTimestampMs: int64(),
  clientTransactionVersion: tag(2, int16('1+', 0)),
}, '1+')
export type TransactionLogValue = Decoded<typeof TransactionLogValue.fields>
