import { bool, int16, int32, int64, list, string, tag, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/**
 * What the broker serves. A version that it lacks is answered in version 0 with UNSUPPORTED_VERSION (KIP-511). Features KIP-584, those
 * of minimum version 0 from version 4; the cluster and node that the client meant, checked, KIP-1242.
 */
export const ApiVersions = api('ApiVersions', {
  clientSoftwareName: string('3+', ''),
  clientSoftwareVersion: string('3+', ''),
  clusterId: string('5+', null),
  nodeId: int32('5+', -1),
}, {
  errorCode: int16(),
  apiKeys: list({ apiKey: int16(), minVersion: int16(), maxVersion: int16() }),
  throttleTimeMs: int32('1+', 0),
  supportedFeatures: tag(0, list({ name: string(), minVersion: int16(), maxVersion: int16() }, '3+')),
  finalizedFeaturesEpoch: tag(1, int64('3+', -1)),
  finalizedFeatures: tag(2, list({ name: string(), maxVersionLevel: int16(), minVersionLevel: int16() }, '3+')),
  zkMigrationReady: tag(3, bool('3+', false)),
})

export type ApiVersionsRequest = Decoded<typeof ApiVersions.request.fields>
export type ApiVersionsResponse = Encodable<typeof ApiVersions.response.fields>
