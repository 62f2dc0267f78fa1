import { bool, bytes, int16, int32, int8, uuid, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** Metrics of a client, serialised as OpenTelemetry does (KIP-714). */
export const PushTelemetry = api('PushTelemetry', {
  clientInstanceId: uuid(),
  subscriptionId: int32(),
  terminating: bool(),
  compressionType: int8(),
  metrics: bytes(),
}, {
  throttleTimeMs: int32(),
  errorCode: int16(),
})

export type PushTelemetryRequest = Decoded<typeof PushTelemetry.request.fields>
export type PushTelemetryResponse = Encodable<typeof PushTelemetry.response.fields>
