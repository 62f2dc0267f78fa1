import { int16, int32, string, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** Keeps a classic group's member alive, and tells it of a rebalance. Static members KIP-345. */
export const Heartbeat = api('Heartbeat', {
  groupId: string(),
  generationId: int32(),
  memberId: string(),
  groupInstanceId: string('3+', null),
}, {
  throttleTimeMs: int32('1+', 0),
  errorCode: int16(),
})

export type HeartbeatRequest = Decoded<typeof Heartbeat.request.fields>
export type HeartbeatResponse = Encodable<typeof Heartbeat.response.fields>
