import { createHash } from 'node:crypto'
import type { Acl, Identity } from '@ottla/zookeeper'

/** Whoever has this identity may do anything: the process itself, or an administrator. */
export const SUPER: Identity = { scheme: 'super', id: '' }

/** Does the ACL give `permission`, a bit of PERMISSIONS, to a connection with these identities? */
export function isPermitted(acl: readonly Acl[], permission: number, identities: readonly Identity[]): boolean {
  for (const { scheme } of identities) if (scheme === 'super') return true
  for (const entry of acl) {
    if ((entry.permissions & permission) === 0) continue
    if (entry.scheme === 'world' && entry.id === 'anyone') return true
    for (const identity of identities) {
      if (identity.scheme !== entry.scheme) continue
      if (identity.id === entry.id || (entry.scheme === 'ip' && isInNetwork(identity.id, entry.id))) return true
    }
  }
  return false
}

/**
 * The ACL as it is kept: `auth` entries become the connection's own identities, what is twice there is dropped. null where it is
 * empty, malformed, of an unknown scheme, or asks for identities of which there are none.
 */
export function resolveAcl(acl: readonly Acl[], identities: readonly Identity[]): readonly Acl[] | null {
  const resolved: Acl[] = []
  for (const entry of acl) {
    if (entry.scheme !== 'auth') {
      if (!isWellFormed(entry)) return null
      add(resolved, entry)
      continue
    }
    const users = identities.filter(({ scheme }) => scheme !== 'ip' && scheme !== 'super')
    // The znode of this process itself is nobody else's.
    const own = users.length > 0 ? users : identities.filter(({ scheme }) => scheme === 'super')
    if (own.length === 0) return null
    for (const { scheme, id } of own) add(resolved, { permissions: entry.permissions, scheme, id })
  }
  return resolved.length === 0 ? null : resolved
}

/** The digest scheme's id of `user:password`: `user:base64(sha1(user:password))`. A password may be missing, and have colons. */
export function digestId(credentials: string): string {
  const [user = ''] = credentials.split(':')
  return `${user}:${createHash('sha1').update(credentials).digest('base64')}`
}

function add(acl: Acl[], entry: Acl): void {
  const { permissions, scheme, id } = entry
  if (acl.some((other) => other.permissions === permissions && other.scheme === scheme && other.id === id)) return
  acl.push({ permissions, scheme, id })
}

/** Of `sasl` and `x509` there is nobody while no connection can be either. */
function isWellFormed({ scheme, id }: Acl): boolean {
  switch (scheme) {
    case 'world':
      return id === 'anyone'
    case 'digest':
      return /^[^:]*:[^:]+$/.test(id)
    case 'ip': {
      const [address = '', bits, more] = id.split('/')
      const bytes = addressBytes(address)
      if (bytes === null || more !== undefined) return false
      return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= bytes.length * 8)
    }
  }
  return false
}

function isInNetwork(address: string, network: string): boolean {
  const [base = '', bits] = network.split('/')
  const left = addressBytes(address)
  const right = addressBytes(base)
  if (left === null || right === null || left.length !== right.length) return false
  const count = bits === undefined ? left.length * 8 : Number(bits)
  return bitsOf(left).slice(0, count) === bitsOf(right).slice(0, count)
}

function bitsOf(bytes: readonly number[]): string {
  return bytes.map((byte) => byte.toString(2).padStart(8, '0')).join('')
}

/** 4 or 16 bytes; null where it is no address. The zone of a link-local address does not count. */
function addressBytes(text: string): number[] | null {
  if (!text.includes(':')) return v4Bytes(text)
  const [head = '', tail, more] = text.replace(/%.*$/, '').split('::')
  const first = v6Bytes(head)
  const last = tail === undefined ? [] : v6Bytes(tail)
  if (first === null || last === null || more !== undefined) return null
  const missing = 16 - first.length - last.length
  if (tail === undefined ? missing !== 0 : missing < 2) return null
  return [...first, ...Array<number>(missing).fill(0), ...last]
}

function v4Bytes(text: string): number[] | null {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) return null
  return parts.map(Number)
}

/** Groups of 16 bits; the last may be an IPv4 address. */
function v6Bytes(text: string): number[] | null {
  const bytes: number[] = []
  const groups = text === '' ? [] : text.split(':')
  for (const [at, group] of groups.entries()) {
    const v4 = at === groups.length - 1 && group.includes('.') ? v4Bytes(group) : null
    if (v4 !== null) bytes.push(...v4)
    else if (/^[0-9a-f]{1,4}$/i.test(group)) bytes.push(Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255)
    else return null
  }
  return bytes
}
