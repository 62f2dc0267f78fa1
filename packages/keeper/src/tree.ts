import assert from 'node:assert/strict'
import {
  errorNumber,
  nameOf,
  OPEN_ACL,
  parentOf,
  READ_ACL,
  type Acl,
  type ErrorName,
  type PersistedStat,
  type Stat,
  type Txn,
  type TxnHeader,
  type TxnRecord,
  type WatchEventType,
} from '@ottla/zookeeper'
import { kindOf, ownerOf, statOf, Znode, type Content, type ContentSource } from './znode.ts'

/** A change that watches tell of. `acl` is the one that decides who may hear: of a deleted znode its last. */
export interface TreeEvent {
  readonly type: WatchEventType
  readonly path: string
  readonly acl: readonly Acl[]
}

/** What a transaction, or one record of a multi, came to. */
export type TxnResult =
  | { readonly type: 'create'; readonly path: string; readonly stat: Stat }
  | { readonly type: 'setData' | 'setAcl'; readonly stat: Stat }
  | { readonly type: 'delete' | 'check' | 'createSession' | 'closeSession' }
  | { readonly type: 'multi'; readonly results: readonly TxnResult[] }
  /** 0 is Ok: the place before the one that failed. */
  | { readonly type: 'error'; readonly number: number }

export interface Applied {
  readonly result: TxnResult
  /** In the order in which clients must hear of them. */
  readonly events: readonly TreeEvent[]
}

/** A tree as it was at one moment; it stays so while the tree goes on. */
export interface FrozenTree {
  readonly lastZxid: number
  readonly sessions: ReadonlyArray<readonly [bigint, number]>
  /** Parents before children; "/" first. */
  readonly nodes: ReadonlyArray<readonly [string, Readonly<Znode>]>
}

/** Znodes that may not be deleted: every ZooKeeper has them. */
export const SPECIAL_PATHS: ReadonlySet<string> = new Set(['/', '/zookeeper', '/zookeeper/quota', '/zookeeper/config'])

const DELETED: TxnResult = { type: 'delete' }
const CHECKED: TxnResult = { type: 'check' }
const NONE: ReadonlySet<string> = new Set()

/**
 * The replicated state: znodes and sessions. `apply` is its only way to change; it looks at no clock and no chance, so that the same
 * transactions make the same tree everywhere. A transaction that was applied before changes nothing of weight (ZooKeeper's own
 * snapshots may be newer than their name).
 */
export class DataTree {
  readonly #nodes = new Map<string, Znode>()
  readonly #sessions = new Map<bigint, number>()
  readonly #ephemerals = new Map<bigint, Set<string>>()
  /** Containers and ttl znodes: those that may vanish by themselves. */
  readonly #transients = new Set<string>()
  #events: TreeEvent[] = []
  #generation = 0
  #lastZxid = 0

  constructor() {
    this.#restoreContent('/', { data: Buffer.alloc(0), acl: OPEN_ACL, stat: emptyStat() })
    this.#completeSystemNodes()
  }

  get lastZxid(): number {
    return this.#lastZxid
  }

  get nodeCount(): number {
    return this.#nodes.size
  }

  get sessions(): ReadonlyMap<bigint, number> {
    return this.#sessions
  }

  /** Containers and ttl znodes, by path. */
  get transients(): ReadonlySet<string> {
    return this.#transients
  }

  node(path: string): Readonly<Znode> | undefined {
    return this.#nodes.get(path)
  }

  ephemeralsOf(sessionId: bigint): ReadonlySet<string> {
    return this.#ephemerals.get(sessionId) ?? NONE
  }

  /** How many znodes there are below `path`. */
  descendantCount(path: string): number {
    if (path === '/') return this.#nodes.size - 1
    let count = 0
    const below = [path]
    for (let at = below.pop(); at !== undefined; at = below.pop()) {
      const children = this.#nodes.get(at)?.children
      if (children == null) continue
      count += children.size
      for (const name of children) below.push(`${at}/${name}`)
    }
    return count
  }

  apply(txn: Txn): Applied {
    const { header, record } = txn
    this.#events = []
    const result =
      record.type === 'multi'
        ? { type: 'multi' as const, results: record.records.map((item) => this.#applyRecord(header, item)) }
        : this.#applyRecord(header, record)
    if (header.zxid > this.#lastZxid) this.#lastZxid = header.zxid
    return { result, events: this.#events }
  }

  #applyRecord(header: TxnHeader, record: TxnRecord): TxnResult {
    switch (record.type) {
      case 'create':
        return this.#create(header, record)
      case 'delete':
      case 'deleteContainer':
        return this.#delete(header, record.path) ? DELETED : errorResult('NoNode')
      case 'setData':
        return this.#setData(header, record.path, record.data, record.version)
      case 'setAcl':
        return this.#setAcl(record.path, record.acl, record.version)
      case 'check':
        return CHECKED
      case 'error':
        return { type: 'error', number: record.number }
      case 'createSession':
        this.#sessions.set(header.sessionId, record.timeoutMs)
        return { type: 'createSession' }
      case 'closeSession':
        this.#closeSession(header, record.paths)
        return { type: 'closeSession' }
      case 'multi':
        assert.fail('a multi inside a multi')
    }
  }

  #create(header: TxnHeader, record: TxnRecord & { type: 'create' }): TxnResult {
    const path = record.path
    const parentPath = parentOf(path)
    const parent = this.#nodes.has(parentPath) ? this.#writable(parentPath) : undefined
    if (parent === undefined) return errorResult('NoNode')
    const cversion = record.parentCversion === -1 ? parent.stat.cversion + 1 : record.parentCversion
    if (cversion > parent.stat.cversion || cversion < 0) {
      parent.stat.cversion = cversion | 0
      parent.stat.pzxid = Math.max(parent.stat.pzxid, header.zxid)
    }
    if (this.#nodes.has(path)) return errorResult('NodeExists')
    const stat = emptyStat()
    stat.czxid = stat.mzxid = stat.pzxid = header.zxid
    stat.ctime = stat.mtime = header.timeMs
    stat.ephemeralOwner = ownerOf(record.kind, header.sessionId, record.ttlMs)
    const node = Znode.of(this.#generation, { data: record.data, acl: sharedAcl(record.acl), stat })
    this.#nodes.set(path, node)
    ;(parent.children ??= new Set()).add(nameOf(path))
    this.#register(path, stat.ephemeralOwner)
    this.#events.push({ type: 'created', path, acl: node.acl }, { type: 'childrenChanged', path: parentPath, acl: parent.acl })
    return { type: 'create', path, stat: statOf(node) }
  }

  #delete(header: TxnHeader, path: string): boolean {
    const node = this.#nodes.get(path)
    if (node === undefined || path === '/') return false
    this.#nodes.delete(path)
    this.#unregister(path, node.stat.ephemeralOwner)
    const parentPath = parentOf(path)
    const parent = this.#writable(parentPath)
    parent.children?.delete(nameOf(path))
    parent.stat.pzxid = Math.max(parent.stat.pzxid, header.zxid)
    this.#events.push({ type: 'deleted', path, acl: node.acl }, { type: 'childrenChanged', path: parentPath, acl: parent.acl })
    return true
  }

  #setData(header: TxnHeader, path: string, data: Buffer | null, version: number): TxnResult {
    if (!this.#nodes.has(path)) return errorResult('NoNode')
    const node = this.#writable(path)
    node.setData(data)
    node.stat.version = version
    node.stat.mzxid = header.zxid
    node.stat.mtime = header.timeMs
    this.#events.push({ type: 'dataChanged', path, acl: node.acl })
    return { type: 'setData', stat: statOf(node) }
  }

  #setAcl(path: string, acl: readonly Acl[], version: number): TxnResult {
    if (!this.#nodes.has(path)) return errorResult('NoNode')
    const node = this.#writable(path)
    node.setAcl(sharedAcl(acl))
    node.stat.aversion = version
    return { type: 'setAcl', stat: statOf(node) }
  }

  #closeSession(header: TxnHeader, paths: readonly string[] | null): void {
    this.#sessions.delete(header.sessionId)
    const left = this.#ephemerals.get(header.sessionId)
    if (paths !== null) for (const path of paths) this.#delete(header, path)
    // What the list doesn't name; in this order everywhere.
    if (left !== undefined && left.size > 0) for (const path of [...left].toSorted()) this.#delete(header, path)
  }

  #register(path: string, owner: bigint): void {
    const kind = kindOf(owner)
    if (kind === 'persistent') return
    if (kind !== 'ephemeral') {
      this.#transients.add(path)
      return
    }
    const paths = this.#ephemerals.get(owner)
    if (paths === undefined) this.#ephemerals.set(owner, new Set([path]))
    else paths.add(path)
  }

  #unregister(path: string, owner: bigint): void {
    const kind = kindOf(owner)
    if (kind === 'persistent') return
    if (kind !== 'ephemeral') {
      this.#transients.delete(path)
      return
    }
    const paths = this.#ephemerals.get(owner)
    paths?.delete(path)
    if (paths?.size === 0) this.#ephemerals.delete(owner)
  }

  /** The node, or its copy where a frozen view may look at it. */
  #writable(path: string): Znode {
    const node = this.#nodes.get(path)
    assert(node !== undefined, `the tree has no ${path}`)
    if (node.generation === this.#generation) return node
    const copy = node.copy(this.#generation)
    this.#nodes.set(path, copy)
    return copy
  }

  /**
   * The tree as it is now, for a snapshot; costs an array of its nodes. A map keeps the order of insertion, and a parent is put in before
   * its children.
   */
  freeze(): FrozenTree {
    this.#generation++
    return { lastZxid: this.#lastZxid, sessions: [...this.#sessions], nodes: [...this.#nodes] }
  }

  /** Puts in a node of a snapshot, whose parent is there already. `owner` is its `ephemeralOwner`. */
  restore(path: string, owner: bigint, source: ContentSource, position: number): void {
    this.#restore(path, Znode.stored(this.#generation, source, position))
    if (owner !== 0n) this.#register(path, owner)
  }

  #restoreContent(path: string, content: Content): void {
    this.#restore(path, Znode.of(this.#generation, content))
  }

  #restore(path: string, node: Znode): void {
    node.children = this.#nodes.get(path)?.children ?? null
    this.#nodes.set(path, node)
    if (path === '/') return
    const parent = this.#nodes.get(parentOf(path))
    assert(parent !== undefined, `a snapshot has ${path} before its parent`)
    ;(parent.children ??= new Set()).add(nameOf(path))
  }

  restoreSession(sessionId: bigint, timeoutMs: number): void {
    this.#sessions.set(sessionId, timeoutMs)
  }

  /** Ends a restore. */
  restored(lastZxid: number): void {
    this.#lastZxid = lastZxid
    this.#completeSystemNodes()
  }

  #completeSystemNodes(): void {
    for (const path of SPECIAL_PATHS) {
      if (this.#nodes.has(path)) continue
      const stat = emptyStat()
      // ZooKeeper makes the one that holds its membership read-only, and that leaves this mark.
      const isConfig = path === '/zookeeper/config'
      if (isConfig) stat.aversion = -1
      this.#restoreContent(path, { data: Buffer.alloc(0), acl: isConfig ? READ_ACL : OPEN_ACL, stat })
    }
  }
}

function errorResult(name: ErrorName): TxnResult {
  return { type: 'error', number: errorNumber(name) }
}

/** Nearly every znode has the open ACL: one array for all of them. */
export function sharedAcl(acl: readonly Acl[]): readonly Acl[] {
  const only = acl.length === 1 ? acl[0] : undefined
  return only !== undefined && only.permissions === 31 && only.scheme === 'world' && only.id === 'anyone' ? OPEN_ACL : acl
}

function emptyStat(): PersistedStat {
  return { czxid: 0, mzxid: 0, ctime: 0, mtime: 0, version: 0, cversion: 0, aversion: 0, ephemeralOwner: 0n, pzxid: 0 }
}
