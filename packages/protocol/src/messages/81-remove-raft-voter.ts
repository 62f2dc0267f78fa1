import { int16, int32, nullable, string, uuid, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** Removes a voter from the metadata quorum (KIP-853). */
export const RemoveRaftVoter = api('RemoveRaftVoter', {
  clusterId: nullable(string()),
  voterId: int32(),
  voterDirectoryId: uuid(),
}, {
  throttleTimeMs: int32(),
  errorCode: int16(),
  errorMessage: nullable(string()),
})

export type RemoveRaftVoterRequest = Decoded<typeof RemoveRaftVoter.request.fields>
export type RemoveRaftVoterResponse = Encodable<typeof RemoveRaftVoter.response.fields>
