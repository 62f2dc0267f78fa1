import { bool, int16, int32, int8, list, string, uuid, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** Which of its metrics a client is to push, how often (KIP-714). */
export const GetTelemetrySubscriptions = api('GetTelemetrySubscriptions', {
  clientInstanceId: uuid(),
}, {
  throttleTimeMs: int32(),
  errorCode: int16(),
  clientInstanceId: uuid(),
  subscriptionId: int32(),
  acceptedCompressionTypes: list(int8()),
  pushIntervalMs: int32(),
  telemetryMaxBytes: int32(),
  deltaTemporality: bool(),
  requestedMetrics: list(string()),
})

export type GetTelemetrySubscriptionsRequest = Decoded<typeof GetTelemetrySubscriptions.request.fields>
export type GetTelemetrySubscriptionsResponse = Encodable<typeof GetTelemetrySubscriptions.response.fields>
