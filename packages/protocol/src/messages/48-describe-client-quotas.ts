import { bool, float64, int16, int32, int8, list, nullable, string, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** Quotas of clients that a filter matches (KIP-546). */
export const DescribeClientQuotas = api('DescribeClientQuotas', {
  components: list({ entityType: string(), matchType: int8(), match: nullable(string()) }),
  strict: bool(),
}, {
  throttleTimeMs: int32(),
  errorCode: int16(),
  errorMessage: nullable(string()),
  entries: nullable(list({
    entity: list({ entityType: string(), entityName: nullable(string()) }),
    values: list({ key: string(), value: float64() }),
  })),
})

export type DescribeClientQuotasRequest = Decoded<typeof DescribeClientQuotas.request.fields>
export type DescribeClientQuotasResponse = Encodable<typeof DescribeClientQuotas.response.fields>
