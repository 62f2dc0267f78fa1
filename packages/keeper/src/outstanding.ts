import type { Acl } from '@ottla/zookeeper'
import type { DataTree } from './tree.ts'

/** What a later request must know of a znode: as it will be once everything proposed is applied. Never changed in place. */
export interface Outlook {
  readonly exists: boolean
  readonly owner: bigint
  readonly version: number
  readonly cversion: number
  readonly aversion: number
  readonly childCount: number
  readonly acl: readonly Acl[]
}

const ABSENT: Outlook = { exists: false, owner: 0n, version: -1, cversion: 0, aversion: 0, childCount: 0, acl: [] }

/** The changes that are proposed and not yet applied, on top of the tree. */
export class Outstanding {
  readonly #tree: DataTree
  readonly #outlooks = new Map<string, { zxid: number; outlook: Outlook }>()
  readonly #order: { zxid: number; paths: string[] }[] = []
  readonly #sessions = new Map<bigint, { zxid: number; open: boolean }>()
  /** What the request in hand changes; dropped where it fails. */
  #draft = new Map<string, Outlook>()

  constructor(tree: DataTree) {
    this.#tree = tree
  }

  outlook(path: string): Outlook {
    const known = this.#draft.get(path) ?? this.#outlooks.get(path)?.outlook
    if (known !== undefined) return known
    const node = this.#tree.node(path)
    if (node === undefined) return ABSENT
    return {
      exists: true,
      owner: node.stat.ephemeralOwner,
      version: node.stat.version,
      cversion: node.stat.cversion,
      aversion: node.stat.aversion,
      childCount: node.children === null ? 0 : node.children.size,
      acl: node.acl,
    }
  }

  change(path: string, outlook: Outlook): void {
    this.#draft.set(path, outlook)
  }

  remove(path: string): void {
    this.#draft.set(path, ABSENT)
  }

  /** The request in hand failed: what it changed is forgotten. */
  drop(): void {
    this.#draft.clear()
  }

  /** The request in hand was proposed as `zxid`. */
  keep(zxid: number): void {
    if (this.#draft.size === 0) return
    for (const [path, outlook] of this.#draft) this.#outlooks.set(path, { zxid, outlook })
    this.#order.push({ zxid, paths: [...this.#draft.keys()] })
    this.#draft = new Map()
  }

  isOpen(sessionId: bigint): boolean {
    return this.#sessions.get(sessionId)?.open ?? this.#tree.sessions.has(sessionId)
  }

  setOpen(sessionId: bigint, open: boolean, zxid: number): void {
    this.#sessions.set(sessionId, { zxid, open })
  }

  /** All ephemerals that the session will own, in order. */
  ephemeralsOf(sessionId: bigint): string[] {
    const paths = new Set(this.#tree.ephemeralsOf(sessionId))
    for (const [path, { outlook }] of this.#outlooks) {
      if (outlook.exists && outlook.owner === sessionId) paths.add(path)
      else paths.delete(path)
    }
    return [...paths].toSorted()
  }

  /** The tree has everything up to `zxid` now. */
  applied(zxid: number): void {
    let count = 0
    for (const entry of this.#order) {
      if (entry.zxid > zxid) break
      count++
      for (const path of entry.paths) if (this.#outlooks.get(path)!.zxid <= zxid) this.#outlooks.delete(path)
    }
    this.#order.splice(0, count)
    for (const [sessionId, session] of this.#sessions) if (session.zxid <= zxid) this.#sessions.delete(sessionId)
  }
}
