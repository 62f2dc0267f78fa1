import type { CreateOptions, Operation, OperationResult, SessionEvent, WatchEvent, WatchMode } from './operations.ts'
import type { Stat } from './stat.ts'

/**
 * One session with ZooKeeper, whatever serves it: the keeper in this process or a server far away. Requests are carried out and
 * answered in the order in which they were made, and a watch's event comes before any answer that shows the change. They reject with
 * ZooKeeperError. Buffers that come back are to be read only: an in-process server gives its own.
 */
export interface ZooKeeper {
  /** 0n until the session is there, and another one after it expired. */
  readonly sessionId: bigint
  /** `path` is the name as made, with its digits where the mode is sequential. Rejects with NodeExists, NoNode (no parent)… */
  create(path: string, data: Buffer | null, options?: CreateOptions): Promise<{ path: string; stat: Stat }>
  /** A `version` left out, or -1, means any; else BadVersion unless the znode has it. */
  delete(path: string, version?: number): Promise<void>
  exists(path: string): Promise<Stat | null>
  getData(path: string): Promise<{ data: Buffer | null; stat: Stat }>
  setData(path: string, data: Buffer | null, version?: number): Promise<Stat>
  /** Names, not paths, in no order. */
  getChildren(path: string): Promise<{ children: string[]; stat: Stat }>
  /** All or nothing: one result a step, or a MultiError. */
  multi(operations: readonly Operation[]): Promise<OperationResult[]>
  /** What was written anywhere before this is seen by reads after it. */
  sync(path: string): Promise<void>
  /** The znode need not exist. What comes back ends the watch. A watch says nothing of what changed while the session was disconnected. */
  addWatch(path: string, mode: WatchMode, listener: (event: WatchEvent) => void): Promise<() => Promise<void>>
  onSession(listener: (event: SessionEvent) => void): void
  /** Ends the session: its ephemerals are gone when this resolves. */
  close(): Promise<void>
}

/** What of a tree can be read at rest. */
export type TreeReader = Pick<ZooKeeper, 'getData' | 'getChildren'>
