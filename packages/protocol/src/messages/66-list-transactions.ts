import { int16, int32, int64, list, string, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** Transactions that a broker coordinates, by state and producer (KIP-664), by duration KIP-994, by pattern KIP-1152. */
export const ListTransactions = api('ListTransactions', {
  stateFilters: list(string()),
  producerIdFilters: list(int64()),
  durationFilter: int64('1+', -1),
  transactionalIdPattern: string('2+', null),
}, {
  throttleTimeMs: int32(),
  errorCode: int16(),
  unknownStateFilters: list(string()),
  transactionStates: list({ transactionalId: string(), producerId: int64(), transactionState: string() }),
})

export type ListTransactionsRequest = Decoded<typeof ListTransactions.request.fields>
export type ListTransactionsResponse = Encodable<typeof ListTransactions.response.fields>
