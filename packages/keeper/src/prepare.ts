import {
  errorNumber,
  isSequential,
  isValidPath,
  OPEN_ACL,
  parentOf,
  PERMISSIONS,
  sequenceSuffix,
  type Acl,
  type CreateKind,
  type CreateMode,
  type ErrorName,
  type Identity,
  type Operation,
  type Txn,
  type TxnRecord,
} from '@ottla/zookeeper'
import { isPermitted, resolveAcl, SUPER } from './access.ts'
import { Outstanding, type Outlook } from './outstanding.ts'
import type { Write, WriteRequest } from './requests.ts'
import { SPECIAL_PATHS, type DataTree } from './tree.ts'
import { kindOf, ownerOf, TTL_MS_MAX } from './znode.ts'

type SingleRequest = Exclude<WriteRequest, { type: 'multi' | 'createSession' | 'closeSession' }>

/** A request that can't be carried out; thrown inside this file only. */
class Refused extends Error {
  readonly code: ErrorName

  constructor(code: ErrorName) {
    super(code)
    this.code = code
  }
}

/**
 * Turns requests, one after another, into transactions that can't fail: against the tree and everything that was proposed before and
 * is not yet applied. A request that is refused becomes a transaction too: an error in its place.
 */
export class Preparer {
  readonly #outstanding: Outstanding

  constructor(tree: DataTree) {
    this.#outstanding = new Outstanding(tree)
  }

  prepare(write: Write, zxid: number, timeMs: number): Txn {
    const header = { sessionId: write.sessionId, cxid: write.cxid, zxid, timeMs }
    try {
      const record = this.#record(write, zxid)
      if (record.type === 'multi' && record.records[0]?.type === 'error') this.#outstanding.drop()
      else this.#outstanding.keep(zxid)
      return { header, record }
    } catch (error) {
      this.#outstanding.drop()
      if (!(error instanceof Refused)) throw error
      return { header, record: { type: 'error', number: errorNumber(error.code) } }
    }
  }

  /** The tree has everything up to `zxid` now. */
  applied(zxid: number): void {
    this.#outstanding.applied(zxid)
  }

  #record(write: Write, zxid: number): TxnRecord {
    const { request, sessionId, identities } = write
    if (request.type === 'createSession') {
      this.#outstanding.setOpen(sessionId, true, zxid)
      return request
    }
    // The server's own tasks have no session.
    if (sessionId !== 0n && !this.#outstanding.isOpen(sessionId)) throw new Refused('SessionExpired')
    if (request.type === 'closeSession') return this.#closeSession(sessionId, zxid)
    if (request.type !== 'multi') return this.#single(request, sessionId, identities)
    return this.#multi(request.operations, sessionId, identities)
  }

  /** Each operation sees those before it; the first that fails leaves nothing but errors. */
  #multi(operations: readonly Operation[], sessionId: bigint, identities: readonly Identity[]): TxnRecord {
    const records: TxnRecord[] = []
    for (const operation of operations) {
      try {
        records.push(this.#single(operation, sessionId, identities))
      } catch (error) {
        if (!(error instanceof Refused)) throw error
        return { type: 'multi', records: failures(operations.length, records.length, error.code) }
      }
    }
    return { type: 'multi', records }
  }

  #single(request: SingleRequest, sessionId: bigint, identities: readonly Identity[]): TxnRecord {
    switch (request.type) {
      case 'refused':
        throw new Refused(request.code)
      case 'create':
        return this.#create(request, sessionId, identities)
      case 'delete':
        return this.#delete(request.path, request.version ?? -1, identities)
      case 'deleteContainer':
        return this.#deleteContainer(request.path)
      case 'setData': {
        const before = this.#present(request.path, PERMISSIONS.write, identities)
        const version = nextVersion(before.version, request.version)
        this.#outstanding.change(request.path, { ...before, version })
        return { type: 'setData', path: request.path, data: request.data, version }
      }
      case 'setAcl': {
        const acl = wellFormedAcl(request.acl, identities)
        const before = this.#present(request.path, PERMISSIONS.admin, identities)
        const aversion = nextVersion(before.aversion, request.version)
        this.#outstanding.change(request.path, { ...before, aversion, acl })
        return { type: 'setAcl', path: request.path, acl, version: aversion }
      }
      case 'check': {
        const { version } = this.#present(request.path, PERMISSIONS.read, identities)
        nextVersion(version, request.version)
        return { type: 'check', path: request.path, version: request.version ?? -1 }
      }
    }
  }

  #create(request: Operation & { type: 'create' }, sessionId: bigint, identities: readonly Identity[]): TxnRecord {
    const mode = request.mode ?? 'persistent'
    const kind = kindOfMode(mode)
    const ttlMs = kind === 'ttl' ? (request.ttlMs ?? 0) : 0
    if (kind === 'ttl' && !(Number.isInteger(ttlMs) && ttlMs > 0 && ttlMs <= TTL_MS_MAX)) throw new Refused('BadArguments')
    if (!request.path.startsWith('/') || request.path.includes('\0')) throw new Refused('BadArguments')
    const acl = wellFormedAcl(request.acl ?? OPEN_ACL, identities)
    const parentPath = parentOf(request.path)
    const parent = this.#found(parentPath, PERMISSIONS.create, identities)
    const path = isSequential(mode) ? request.path + sequenceSuffix(parent.cversion) : request.path
    if (!isValidPath(path)) throw new Refused('BadArguments')
    if (this.#outstanding.outlook(path).exists) throw new Refused('NodeExists')
    if (kindOf(parent.owner) === 'ephemeral') throw new Refused('NoChildrenForEphemerals')
    const parentCversion = (parent.cversion + 1) | 0
    this.#outstanding.change(parentPath, { ...parent, cversion: parentCversion, childCount: parent.childCount + 1 })
    const owner = ownerOf(kind, sessionId, ttlMs)
    this.#outstanding.change(path, { exists: true, owner, version: 0, cversion: 0, aversion: 0, childCount: 0, acl })
    return { type: 'create', path, data: request.data, acl, kind, ttlMs, parentCversion }
  }

  #delete(path: string, version: number, identities: readonly Identity[]): TxnRecord {
    if (!path.includes('/') || path.includes('\0') || SPECIAL_PATHS.has(path)) throw new Refused('BadArguments')
    this.#found(parentOf(path), PERMISSIONS.delete, identities)
    const node = this.#found(path, 0, identities)
    nextVersion(node.version, version)
    if (node.childCount > 0) throw new Refused('NotEmpty')
    this.#forget(path)
    return { type: 'delete', path }
  }

  /** Looks again whether it is still one, and empty: much may have been proposed since the server saw it. */
  #deleteContainer(path: string): TxnRecord {
    const node = this.#present(path, 0, [SUPER])
    const kind = kindOf(node.owner)
    if (kind !== 'container' && kind !== 'ttl') throw new Refused('BadArguments')
    if (node.childCount > 0) throw new Refused('NotEmpty')
    this.#forget(path)
    return { type: 'deleteContainer', path }
  }

  #closeSession(sessionId: bigint, zxid: number): TxnRecord {
    const paths = this.#outstanding.ephemeralsOf(sessionId)
    for (const path of paths) this.#forget(path)
    this.#outstanding.setOpen(sessionId, false, zxid)
    return { type: 'closeSession', paths }
  }

  #forget(path: string): void {
    const parentPath = parentOf(path)
    const parent = this.#outstanding.outlook(parentPath)
    this.#outstanding.change(parentPath, { ...parent, childCount: parent.childCount - 1 })
    this.#outstanding.remove(path)
  }

  #present(path: string, permission: number, identities: readonly Identity[]): Outlook {
    if (!isValidPath(path)) throw new Refused('BadArguments')
    return this.#found(path, permission, identities)
  }

  #found(path: string, permission: number, identities: readonly Identity[]): Outlook {
    const outlook = this.#outstanding.outlook(path)
    if (!outlook.exists) throw new Refused('NoNode')
    if (permission !== 0 && !isPermitted(outlook.acl, permission, identities)) throw new Refused('NoAuth')
    return outlook
  }
}

function failures(count: number, failed: number, code: ErrorName): TxnRecord[] {
  return Array.from({ length: count }, (_, at) => ({
    type: 'error',
    number: at < failed ? 0 : errorNumber(at === failed ? code : 'RuntimeInconsistency'),
  }))
}

/** The version after a write that expects `expected`; -1 or none: any. */
function nextVersion(version: number, expected = -1): number {
  if (expected !== -1 && expected !== version) throw new Refused('BadVersion')
  return (version + 1) | 0
}

function wellFormedAcl(acl: readonly Acl[], identities: readonly Identity[]): readonly Acl[] {
  const resolved = resolveAcl(acl, identities)
  if (resolved === null) throw new Refused('InvalidACL')
  return resolved
}

function kindOfMode(mode: CreateMode): CreateKind {
  switch (mode) {
    case 'persistent':
    case 'persistentSequential':
      return 'persistent'
    case 'ephemeral':
    case 'ephemeralSequential':
      return 'ephemeral'
    case 'container':
      return 'container'
    case 'ttl':
    case 'ttlSequential':
      return 'ttl'
  }
}
