import { int16, int32, nullable, string, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** Takes a controller that is gone out of the cluster. */
export const UnregisterController = api('UnregisterController', {
  controllerId: int32(),
}, {
  throttleTimeMs: int32(),
  errorCode: int16(),
  errorMessage: nullable(string()),
})

export type UnregisterControllerRequest = Decoded<typeof UnregisterController.request.fields>
export type UnregisterControllerResponse = Encodable<typeof UnregisterController.response.fields>
