/**
 * ApiVersions: what this broker serves, from the one API table.
 * - May come first, and any number of times. A version that isn't known is answered by the session, in version 0 (KIP-511).
 * - From version 3 the client says its name and version, in a form that can be a metric's label, else INVALID_REQUEST.
 */
import { ErrorCode } from '@ottla/protocol'
import { ApiVersions } from '@ottla/protocol/messages/18-api-versions'
import { handler } from '../handler.ts'

const SOFTWARE = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/

export const apiVersions = handler(ApiVersions, (request, { broker, session, version }) => {
  if (version >= 3) {
    const { clientSoftwareName: name, clientSoftwareVersion: release } = request
    if (!SOFTWARE.test(name) || !SOFTWARE.test(release)) return { errorCode: ErrorCode.INVALID_REQUEST, apiKeys: [] }
    session.client = `${name} ${release}`
  }
  return { errorCode: 0, apiKeys: broker.handlers.served }
})
