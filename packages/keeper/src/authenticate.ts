import type { Identity } from '@ottla/zookeeper'
import { digestId, SUPER } from './access.ts'

/**
 * Whom the credentials of an auth packet show, or null where they show nobody. `superDigest` is the id of the administrator, who may do
 * anything. There are no secrets to check for a digest: it is the znode's ACL that names the hash.
 */
export function authenticate(scheme: string, credentials: Buffer, host: string, superDigest: string | null): Identity | null {
  switch (scheme) {
    case 'ip':
      return { scheme: 'ip', id: host }
    case 'digest': {
      const text = credentials.toString()
      const colon = text.indexOf(':')
      if (colon === -1) return null
      const id = digestId(text.slice(0, colon), text.slice(colon + 1))
      return id === superDigest ? SUPER : { scheme: 'digest', id }
    }
  }
  return null
}
