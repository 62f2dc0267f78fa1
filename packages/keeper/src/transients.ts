import type { DataTree } from './tree.ts'
import { kindOf, ttlMsOf } from './znode.ts'

/** No more at once, so that requests of clients get their turn. */
const AT_ONCE_MAX = 1_000

/** Containers that had children and have none now, and ttl znodes without children whose time is up. */
export function vanishing(tree: DataTree, nowMs: number): string[] {
  const paths: string[] = []
  for (const path of tree.transients) {
    const node = tree.node(path)
    if (node === undefined || (node.children !== null && node.children.size > 0)) continue
    const { ephemeralOwner, cversion, mtime } = node.stat
    const isOver = kindOf(ephemeralOwner) === 'container' ? cversion > 0 : nowMs - mtime > ttlMsOf(ephemeralOwner)
    if (isOver) paths.push(path)
    if (paths.length === AT_ONCE_MAX) break
  }
  return paths
}
