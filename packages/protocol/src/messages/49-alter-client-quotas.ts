import { bool, float64, int16, int32, list, nullable, string, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** Sets or removes quotas of clients (KIP-546). */
export const AlterClientQuotas = api('AlterClientQuotas', {
  entries: list({
    entity: list({ entityType: string(), entityName: nullable(string()) }),
    ops: list({ key: string(), value: float64(), remove: bool() }),
  }),
  validateOnly: bool(),
}, {
  throttleTimeMs: int32(),
  entries: list({
    errorCode: int16(),
    errorMessage: nullable(string()),
    entity: list({ entityType: string(), entityName: nullable(string()) }),
  }),
})

export type AlterClientQuotasRequest = Decoded<typeof AlterClientQuotas.request.fields>
export type AlterClientQuotasResponse = Encodable<typeof AlterClientQuotas.response.fields>
