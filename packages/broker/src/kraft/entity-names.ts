import type { ImageQuotas } from './metadata-image.ts'

const DEFAULT = '<default>'

/** A name as a znode's, so that any character may be in it: as in a URL, more strictly. */
export function sanitize(name: string): string {
  return encodeURIComponent(name).replace(/[!*'()]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
}

const named = (name: string | null): string => (name === null ? DEFAULT : sanitize(name))

/** The znode of the entity's quotas: a user, a client id, both, or an address; a null name is the default one. */
export function addressOf(entity: ImageQuotas['entity']): string {
  const names = new Map(entity.map(({ entityType, entityName }) => [entityType, entityName]))
  const user = names.get('user')
  const client = names.get('client-id')
  const ip = names.get('ip')
  const known = (user === undefined ? 0 : 1) + (client === undefined ? 0 : 1) + (ip === undefined ? 0 : 1)
  if (known === names.size && known > 0) {
    if (ip !== undefined && known === 1) return `/config/ips/${ip ?? DEFAULT}`
    if (ip === undefined && user === undefined) return `/config/clients/${named(client!)}`
    if (ip === undefined) return `/config/users/${named(user!)}${client === undefined ? '' : `/clients/${named(client)}`}`
  }
  throw new Error(`the metadata has quotas of an entity of the kinds ${entity.map(({ entityType }) => entityType).join(', ')}`)
}

/** The name that a znode stands for; null: the default. */
export function entityName(znode: string): string | null {
  return znode === DEFAULT ? null : decodeURIComponent(znode)
}
