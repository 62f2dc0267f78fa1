import type { Identity } from '@ottla/zookeeper'
import { digestId, SUPER } from './access.ts'

/**
 * Whom the credentials of an auth packet show, or null where they show nobody. `superDigest` is the id of the administrator, who may do
 * anything. There are no secrets to check for a digest: it is the znode's ACL that names the hash.
 */
export function authenticate(
  scheme: string,
  credentials: Buffer | null,
  host: string,
  superDigest: string | null,
): readonly Identity[] | null {
  switch (scheme) {
    case 'ip':
      return [{ scheme: 'ip', id: host }]
    case 'digest': {
      if (credentials === null) return null
      const user = { scheme: 'digest', id: digestId(credentials.toString()) }
      return user.id === superDigest ? [user, SUPER] : [user]
    }
  }
  return null
}
