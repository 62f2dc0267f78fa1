import type { WatchEvent, WatchMode } from './operations.ts'
import { parentOf } from './path.ts'

export type WatchListener = (event: WatchEvent) => void

/** Who in a client listens to what: a server tells a connection of each event once, however many of its watches match. */
export class WatchListeners {
  readonly #persistent = new Map<string, WatchListener[]>()
  readonly #recursive = new Map<string, WatchListener[]>()

  /** True where it is the first for this path and mode: the server must be told. */
  add(path: string, mode: WatchMode, listener: WatchListener): boolean {
    const table = this.#table(mode)
    const listeners = table.get(path)
    table.set(path, listeners === undefined ? [listener] : [...listeners, listener])
    return listeners === undefined
  }

  /** True where it was the last for this path and mode: the server need not watch any more. */
  remove(path: string, mode: WatchMode, listener: WatchListener): boolean {
    const table = this.#table(mode)
    const listeners = table.get(path)
    const at = listeners?.indexOf(listener) ?? -1
    if (listeners === undefined || at < 0) return false
    if (listeners.length > 1) {
      table.set(path, listeners.toSpliced(at, 1))
      return false
    }
    table.delete(path)
    return true
  }

  paths(mode: WatchMode): string[] {
    return [...this.#table(mode).keys()]
  }

  /** Calls each listener whose watch matches; `failed` gets what one of them throws, and the others are called all the same. */
  dispatch(event: WatchEvent, failed: (error: unknown) => void): void {
    call(this.#persistent.get(event.path), event, failed)
    if (event.type === 'childrenChanged' || this.#recursive.size === 0) return
    for (let path = event.path; ; path = parentOf(path)) {
      call(this.#recursive.get(path), event, failed)
      if (path === '/') return
    }
  }

  #table(mode: WatchMode): Map<string, WatchListener[]> {
    return mode === 'persistent' ? this.#persistent : this.#recursive
  }
}

function call(listeners: readonly WatchListener[] | undefined, event: WatchEvent, failed: (error: unknown) => void): void {
  if (listeners === undefined) return
  for (const listener of listeners) {
    try {
      listener(event)
    } catch (error) {
      failed(error)
    }
  }
}
