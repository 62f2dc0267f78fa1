import type { Acl, CreateKind, PersistedStat, Stat } from '@ottla/zookeeper'

/** How a container's `ephemeralOwner` looks in files. */
const CONTAINER_OWNER = -0x8000000000000000n
/** A ttl znode has its ttl in the low 40 bits below a top byte of ones. */
const TTL_MARK = -0x0100000000000000n
const TTL_MASK = 0xffffffffffn

/** The longest ttl of a znode, in milliseconds. */
export const TTL_MS_MAX = 2 ** 40 - 1

/** What a node holds. `stat` is as in files: there `cversion` counts creates only. */
export interface Content {
  readonly data: Buffer | null
  readonly acl: readonly Acl[]
  readonly stat: PersistedStat
}

/** Where nodes lie that nobody has looked at yet: a loaded snapshot. */
export interface ContentSource {
  contentAt(position: number): Content
}

/** One node of the tree. What it holds may still lie in the snapshot that it came with: most nodes are not looked at for long. */
export class Znode {
  /** Names; null while it never had one. */
  children: Set<string> | null = null
  /** A frozen view may hold nodes of an older generation than the tree's: those are copied before they change. */
  readonly generation: number
  #content: Content | null
  #source: ContentSource | null
  readonly #position: number

  private constructor(generation: number, content: Content | null, source: ContentSource | null, position: number) {
    this.generation = generation
    this.#content = content
    this.#source = source
    this.#position = position
  }

  static of(generation: number, content: Content): Znode {
    return new Znode(generation, content, null, 0)
  }

  static stored(generation: number, source: ContentSource, position: number): Znode {
    return new Znode(generation, null, source, position)
  }

  get data(): Buffer | null {
    return this.#loaded().data
  }

  get acl(): readonly Acl[] {
    return this.#loaded().acl
  }

  get stat(): PersistedStat {
    return this.#loaded().stat
  }

  setData(data: Buffer | null): void {
    const { acl, stat } = this.#loaded()
    this.#content = { data, acl, stat }
  }

  setAcl(acl: readonly Acl[]): void {
    const { data, stat } = this.#loaded()
    this.#content = { data, acl, stat }
  }

  /** For changes. The children are the same set: a frozen view doesn't read those. */
  copy(generation: number): Znode {
    const { data, acl, stat } = this.#loaded()
    const node = Znode.of(generation, { data, acl, stat: { ...stat } })
    node.children = this.children
    return node
  }

  #loaded(): Content {
    if (this.#content !== null) return this.#content
    this.#content = this.#source!.contentAt(this.#position)
    this.#source = null
    return this.#content
  }
}

export function ownerOf(kind: CreateKind, sessionId: bigint, ttlMs: number): bigint {
  switch (kind) {
    case 'persistent':
      return 0n
    case 'ephemeral':
      return sessionId
    case 'container':
      return CONTAINER_OWNER
    case 'ttl':
      return TTL_MARK | BigInt(ttlMs)
  }
}

export function kindOf(owner: bigint): CreateKind {
  if (owner === 0n) return 'persistent'
  if (owner === CONTAINER_OWNER) return 'container'
  return owner < 0n && owner >= TTL_MARK ? 'ttl' : 'ephemeral'
}

export function ttlMsOf(owner: bigint): number {
  return Number(owner & TTL_MASK)
}

/** What clients see: creates and deletes of children together, and an owner for ephemerals only. */
export function statOf(node: Readonly<Znode>): Stat {
  const stat = node.stat
  const numChildren = node.children === null ? 0 : node.children.size
  return {
    czxid: stat.czxid,
    mzxid: stat.mzxid,
    ctime: stat.ctime,
    mtime: stat.mtime,
    version: stat.version,
    cversion: (stat.cversion * 2 - numChildren) | 0,
    aversion: stat.aversion,
    ephemeralOwner: kindOf(stat.ephemeralOwner) === 'ephemeral' ? stat.ephemeralOwner : 0n,
    dataLength: node.data === null ? 0 : node.data.length,
    numChildren,
    pzxid: stat.pzxid,
  }
}
