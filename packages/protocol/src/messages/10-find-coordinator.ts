import { int16, int32, int8, list, nullable, string, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** Which broker coordinates a group, a transactional id (KIP-98) or a share partition (KIP-932); many keys from version 4 (KIP-699). */
export const FindCoordinator = api('FindCoordinator', {
  key: string('0-3', ''),
  keyType: int8('1+', 0),
  coordinatorKeys: list(string(), '4+'),
}, {
  throttleTimeMs: int32('1+', 0),
  errorCode: int16('0-3', 0),
  errorMessage: nullable(string('1-3', '')),
  nodeId: int32('0-3', 0),
  host: string('0-3', ''),
  port: int32('0-3', 0),
  coordinators: list({
    key: string(),
    nodeId: int32(),
    host: string(),
    port: int32(),
    errorCode: int16(),
    errorMessage: nullable(string()),
  }, '4+'),
})

export type FindCoordinatorRequest = Decoded<typeof FindCoordinator.request.fields>
export type FindCoordinatorResponse = Encodable<typeof FindCoordinator.response.fields>
