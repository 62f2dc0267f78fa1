/** The permission bits of an ACL. `admin` is the right to change the ACL itself. */
export const PERMISSIONS = { read: 1, write: 2, create: 4, delete: 8, admin: 16, all: 31 } as const

/** Who: `world`:`anyone`, `digest`:`user:base64(sha1(user:password))`, `ip`:`address[/bits]`, `sasl`:name, `x509`:subject, `auth`:``. */
export interface Identity {
  readonly scheme: string
  readonly id: string
}

/** One entry of an ACL: `permissions` is a sum of PERMISSIONS. */
export interface Acl extends Identity {
  readonly permissions: number
}

const ANYONE = { scheme: 'world', id: 'anyone' } as const

/** Anyone may do anything: what a znode gets where no ACL is given. */
export const OPEN_ACL: readonly Acl[] = Object.freeze([Object.freeze({ permissions: PERMISSIONS.all, ...ANYONE })])

/** Anyone may read. */
export const READ_ACL: readonly Acl[] = Object.freeze([Object.freeze({ permissions: PERMISSIONS.read, ...ANYONE })])

/** Whoever creates the znode, by each identity of the connection, may do anything. */
export const CREATOR_ALL_ACL: readonly Acl[] = Object.freeze([Object.freeze({ permissions: PERMISSIONS.all, scheme: 'auth', id: '' })])
