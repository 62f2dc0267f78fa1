import { bool, int16, int32, list, nullable, string, uint16, uuid, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** Adds a voter to the metadata quorum (KIP-853). */
export const AddRaftVoter = api('AddRaftVoter', {
  clusterId: nullable(string()),
  timeoutMs: int32(),
  voterId: int32(),
  voterDirectoryId: uuid(),
  listeners: list({ name: string(), host: string(), port: uint16() }),
  ackWhenCommitted: bool('1+', true),
}, {
  throttleTimeMs: int32(),
  errorCode: int16(),
  errorMessage: nullable(string()),
})

export type AddRaftVoterRequest = Decoded<typeof AddRaftVoter.request.fields>
export type AddRaftVoterResponse = Encodable<typeof AddRaftVoter.response.fields>
