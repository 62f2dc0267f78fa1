import { bool, int16, int32, list, nullable, string, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** Raises partition counts, with an assignment or without (KIP-195). */
export const CreatePartitions = api('CreatePartitions', {
  topics: list({
    name: string(),
    count: int32(),
    assignments: nullable(list({ brokerIds: list(int32()) })),
  }),
  timeoutMs: int32(),
  validateOnly: bool(),
}, {
  throttleTimeMs: int32(),
  results: list({ name: string(), errorCode: int16(), errorMessage: string('0+', null) }),
})

export type CreatePartitionsRequest = Decoded<typeof CreatePartitions.request.fields>
export type CreatePartitionsResponse = Encodable<typeof CreatePartitions.response.fields>
