import { parentOf, type WatchEventType, type WatchMode } from '@ottla/zookeeper'
import type { TreeEvent } from './tree.ts'

/** One-shot watches: `data` is left by exists and getData, `child` by getChildren. */
export type WatchKind = 'data' | 'child' | WatchMode

/** Who hears of changes: a connection. */
export interface Watcher {
  /** Called while the change is applied, so before any answer that shows it. */
  notify(event: TreeEvent, zxid: number): void
}

const KINDS: readonly WatchKind[] = ['data', 'child', 'persistent', 'persistentRecursive']
/** Whom an event of the znode itself concerns, first to last. */
const ONE_SHOTS: Record<WatchEventType, readonly WatchKind[]> = {
  created: ['data'],
  dataChanged: ['data'],
  deleted: ['data', 'child'],
  childrenChanged: ['child'],
}

/** The watches of a server's connections. They are the connections' and not replicated. */
export class Watches {
  readonly #byPath: Record<WatchKind, Map<string, Set<Watcher>>> = {
    data: new Map(),
    child: new Map(),
    persistent: new Map(),
    persistentRecursive: new Map(),
  }
  readonly #byWatcher = new Map<Watcher, Record<WatchKind, Set<string>>>()

  add(watcher: Watcher, kind: WatchKind, path: string): void {
    const watchers = this.#byPath[kind].get(path)
    if (watchers === undefined) this.#byPath[kind].set(path, new Set([watcher]))
    else watchers.add(watcher)
    let paths = this.#byWatcher.get(watcher)
    if (paths === undefined) {
      paths = { data: new Set(), child: new Set(), persistent: new Set(), persistentRecursive: new Set() }
      this.#byWatcher.set(watcher, paths)
    }
    paths[kind].add(path)
  }

  has(watcher: Watcher, kind: WatchKind, path: string): boolean {
    return this.#byWatcher.get(watcher)?.[kind].has(path) ?? false
  }

  /** Every path that it watches, once. */
  pathsOf(watcher: Watcher): string[] {
    const paths = this.#byWatcher.get(watcher)
    return paths === undefined ? [] : [...new Set(KINDS.flatMap((kind) => [...paths[kind]]))]
  }

  summary(): { connectionCount: number; pathCount: number; watchCount: number } {
    let connectionCount = 0
    let watchCount = 0
    for (const paths of this.#byWatcher.values()) {
      const count = KINDS.reduce((sum, kind) => sum + paths[kind].size, 0)
      if (count > 0) connectionCount++
      watchCount += count
    }
    const pathCount = new Set(KINDS.flatMap((kind) => [...this.#byPath[kind].keys()])).size
    return { connectionCount, pathCount, watchCount }
  }

  /** False where there was none. */
  remove(watcher: Watcher, kind: WatchKind, path: string): boolean {
    if (!(this.#byWatcher.get(watcher)?.[kind].delete(path) ?? false)) return false
    this.#forget(watcher, kind, path)
    return true
  }

  removeAll(watcher: Watcher): void {
    const paths = this.#byWatcher.get(watcher)
    if (paths === undefined) return
    this.#byWatcher.delete(watcher)
    for (const kind of KINDS) for (const path of paths[kind]) this.#forget(watcher, kind, path)
  }

  /** Tells each watcher once, however many of its watches match, and takes the one-shot ones away. */
  trigger(event: TreeEvent, zxid: number): void {
    const concerned = new Set<Watcher>()
    for (const kind of ONE_SHOTS[event.type]) {
      const watchers = this.#byPath[kind].get(event.path)
      if (watchers === undefined) continue
      this.#byPath[kind].delete(event.path)
      for (const watcher of watchers) {
        concerned.add(watcher)
        this.#byWatcher.get(watcher)?.[kind].delete(event.path)
      }
    }
    for (const watcher of this.#byPath.persistent.get(event.path) ?? []) concerned.add(watcher)
    if (event.type !== 'childrenChanged') this.#addRecursive(event.path, concerned)
    for (const watcher of concerned) watcher.notify(event, zxid)
  }

  #addRecursive(path: string, concerned: Set<Watcher>): void {
    const recursive = this.#byPath.persistentRecursive
    if (recursive.size === 0) return
    for (let at = path; ; at = parentOf(at)) {
      for (const watcher of recursive.get(at) ?? []) concerned.add(watcher)
      if (at === '/') return
    }
  }

  #forget(watcher: Watcher, kind: WatchKind, path: string): void {
    const watchers = this.#byPath[kind].get(path)
    watchers?.delete(watcher)
    if (watchers?.size === 0) this.#byPath[kind].delete(path)
  }
}
