import { int16, int32, int64, list, string, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** State of transactions by transactional id (KIP-664). */
export const DescribeTransactions = api('DescribeTransactions', {
  transactionalIds: list(string()),
}, {
  throttleTimeMs: int32(),
  transactionStates: list({
    errorCode: int16(),
    transactionalId: string(),
    transactionState: string(),
    transactionTimeoutMs: int32(),
    transactionStartTimeMs: int64(),
    producerId: int64(),
    producerEpoch: int16(),
    topics: list({ topic: string(), partitions: list(int32()) }),
  }),
})

export type DescribeTransactionsRequest = Decoded<typeof DescribeTransactions.request.fields>
export type DescribeTransactionsResponse = Encodable<typeof DescribeTransactions.response.fields>
