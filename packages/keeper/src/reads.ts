import { errorNumber, PERMISSIONS, type Acl, type ErrorName, type HeldWatches, type Identity, type Reply } from '@ottla/zookeeper'
import { isPermitted } from './access.ts'
import type { ReadRequest, Result } from './requests.ts'
import type { DataTree, TreeEvent } from './tree.ts'
import type { Watcher, WatchKind, Watches } from './watches.ts'
import { statOf, type Znode } from './znode.ts'

/** Who asks: its session, as whom it is authenticated, and who hears of its watches. */
export interface Reading extends Watcher {
  readonly sessionId: bigint
  readonly identities: readonly Identity[]
}

/** Answers requests from the tree as it is, and leaves the watches that they ask for. */
export class Reads {
  readonly #tree: DataTree
  readonly #watches: Watches

  constructor(tree: DataTree, watches: Watches) {
    this.#tree = tree
    this.#watches = watches
  }

  answer(reading: Reading, request: Exclude<ReadRequest, { type: 'sync' }>): Result {
    switch (request.type) {
      case 'multiRead':
        return { type: 'multiRead', results: request.operations.map((operation) => this.answer(reading, operation) as Reply) }
      case 'whoAmI':
        return { type: 'whoAmI', identities: reading.identities.map(withoutPassword) }
      case 'getEphemerals':
        return { type: 'getEphemerals', paths: this.#ephemerals(reading.sessionId, request.prefix) }
      case 'setWatches':
        this.#watchAgain(reading, request.relativeZxid, request.watches)
        return { type: 'setWatches' }
    }
    switch (request.type) {
      case 'addWatch':
        this.#watches.add(reading, request.mode, request.path)
        return { type: 'addWatch' }
      case 'removeWatches':
      case 'checkWatches': {
        const kinds = request.watches === 'any' ? WATCH_KINDS : [request.watches]
        const held = kinds.filter((kind) => this.#watches.has(reading, kind, request.path))
        if (held.length === 0) return failure('NoWatcher')
        if (request.type === 'removeWatches') for (const kind of held) this.#watches.remove(reading, kind, request.path)
        return { type: request.type }
      }
    }
    if (request.type === 'exists' && request.path.includes('\0')) return failure('BadArguments')
    // Any other path that no znode can have is just one that none has.
    const node = this.#tree.node(request.path === '' ? '/' : request.path)
    return node === undefined ? this.#ofNothing(reading, request) : this.#ofNode(reading, request, node)
  }

  /** Whoever asks whether it exists waits for it. */
  #ofNothing(reading: Reading, request: NodeRequest): Result {
    if (request.type === 'exists' && request.watch === true) this.#watches.add(reading, 'data', request.path)
    return failure('NoNode')
  }

  #ofNode(reading: Reading, request: NodeRequest, node: Readonly<Znode>): Result {
    const permission = request.type === 'getAcl' ? PERMISSIONS.read | PERMISSIONS.admin : PERMISSIONS.read
    if (!isPermitted(node.acl, permission, reading.identities)) return failure('NoAuth')
    if ('watch' in request && request.watch === true) {
      this.#watches.add(reading, request.type === 'getChildren' ? 'child' : 'data', request.path)
    }
    switch (request.type) {
      case 'exists':
        return { type: 'exists', stat: statOf(node) }
      case 'getData':
        return { type: 'getData', data: node.data, stat: statOf(node) }
      case 'getChildren':
        return { type: 'getChildren', children: node.children === null ? [] : [...node.children], stat: statOf(node) }
      case 'getAllChildrenNumber':
        return { type: 'getAllChildrenNumber', count: this.#tree.descendantCount(request.path === '' ? '/' : request.path) }
      case 'getAcl': {
        const mayChange = isPermitted(node.acl, PERMISSIONS.admin, reading.identities)
        return { type: 'getAcl', acl: mayChange ? node.acl : node.acl.map(withoutHash), stat: statOf(node) }
      }
    }
  }

  #ephemerals(sessionId: bigint, prefix: string): string[] {
    return [...this.#tree.ephemeralsOf(sessionId)].filter((path) => path.startsWith(prefix))
  }

  /** A connection that takes the place of another: what it missed is told, the rest is watched as before (protocol.md 9). */
  #watchAgain(reading: Reading, sinceZxid: number, held: HeldWatches): void {
    const tell = (type: TreeEvent['type'], path: string, acl: readonly Acl[] | undefined): void =>
      reading.notify({ type, path, acl: acl ?? [ANYONE_READS] }, NO_ZXID)
    for (const path of held.data) {
      const node = this.#tree.node(path)
      if (node === undefined) tell('deleted', path, undefined)
      else if (node.stat.mzxid > sinceZxid) tell('dataChanged', path, node.acl)
      else this.#watches.add(reading, 'data', path)
    }
    for (const path of held.exist) {
      const node = this.#tree.node(path)
      if (node === undefined) this.#watches.add(reading, 'data', path)
      else tell('created', path, node.acl)
    }
    for (const path of held.child) {
      const node = this.#tree.node(path)
      if (node === undefined) tell('deleted', path, undefined)
      else if (node.stat.pzxid > sinceZxid) tell('childrenChanged', path, node.acl)
      else this.#watches.add(reading, 'child', path)
    }
    for (const mode of ['persistent', 'persistentRecursive'] as const) for (const path of held[mode]) this.#watches.add(reading, mode, path)
  }
}

type NodeRequest = Extract<ReadRequest, { type: 'exists' | 'getData' | 'getChildren' | 'getAllChildrenNumber' | 'getAcl' }>

const WATCH_KINDS: readonly WatchKind[] = ['data', 'child', 'persistent', 'persistentRecursive']
const ANYONE_READS: Acl = { permissions: PERMISSIONS.read, scheme: 'world', id: 'anyone' }
/** Of an event that is told late, nobody knows the transaction. */
const NO_ZXID = -1

/** Who may not change an ACL does not see the hashes of passwords in it. */
function withoutHash(entry: Acl): Acl {
  return entry.scheme === 'digest' ? { ...entry, id: `${userOf(entry.id)}:x` } : entry
}

function withoutPassword(identity: Identity): Identity {
  return identity.scheme === 'digest' ? { scheme: 'digest', id: userOf(identity.id) } : identity
}

function userOf(digestId: string): string {
  return digestId.slice(0, digestId.indexOf(':'))
}

export function failure(code: ErrorName): Result {
  return { type: 'error', number: errorNumber(code) }
}
