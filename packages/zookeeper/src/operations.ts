import type { Acl } from './acl.ts'
import { errorName, ZooKeeperError, type ErrorName } from './errors.ts'
import type { Reply } from './requests.ts'
import type { Stat } from './stat.ts'

/**
 * `ephemeral` lives as long as its session; `sequential` gets ten digits behind its name; `container` vanishes some time after
 * its last child did; `ttl` some time after it had neither children nor a write for `ttlMs`.
 */
export type CreateMode = 'persistent' | 'ephemeral' | 'persistentSequential' | 'ephemeralSequential' | 'container' | 'ttl' | 'ttlSequential'

export interface CreateOptions {
  /** `persistent` unless given. */
  readonly mode?: CreateMode
  /** OPEN_ACL unless given. */
  readonly acl?: readonly Acl[]
  /** With the ttl modes only: 1 to 2^40 - 1. */
  readonly ttlMs?: number
}

/** One step of a multi, which is carried out whole or not at all. A `version` left out, or -1, means any. */
export type Operation =
  | ({
      readonly type: 'create'
      readonly path: string
      readonly data: Buffer | null
      /** False: answered by its path alone, in the form that every server knows. */
      readonly withStat?: boolean
    } & CreateOptions)
  | { readonly type: 'delete'; readonly path: string; readonly version?: number }
  | { readonly type: 'setData'; readonly path: string; readonly data: Buffer | null; readonly version?: number }
  | { readonly type: 'check'; readonly path: string; readonly version?: number }

/** What came of one step; only a MultiError has errors in it. `stat` is null where an old server doesn't tell it. */
export type OperationResult =
  | { readonly type: 'create'; readonly path: string; readonly stat: Stat | null }
  | { readonly type: 'delete' }
  | { readonly type: 'setData'; readonly stat: Stat }
  | { readonly type: 'check' }
  | { readonly type: 'error'; readonly code: ErrorName | 'Ok' }

/** Whether a znode of this mode gets a number behind its name. */
export function isSequential(mode: CreateMode = 'persistent'): boolean {
  return mode === 'persistentSequential' || mode === 'ephemeralSequential' || mode === 'ttlSequential'
}

/** The same, from a server's reply to one step. */
export function operationResultOf(result: Reply): OperationResult {
  switch (result.type) {
    case 'create':
      return { type: 'create', path: result.path, stat: result.stat }
    case 'setData':
      return { type: 'setData', stat: result.stat }
    case 'delete':
    case 'check':
      return { type: result.type }
    case 'error':
      return { type: 'error', code: result.number === 0 ? 'Ok' : errorName(result.number) }
  }
  throw new TypeError(`a multi has no ${result.type}`)
}

/** A multi was refused: nothing of it happened. `code` and `path` are those of the operation at `index`, the first that failed. */
export class MultiError extends ZooKeeperError {
  readonly index: number
  readonly operation: Operation
  /** One a step: Ok before the failing one, its code, RuntimeInconsistency after it. */
  readonly results: readonly OperationResult[]

  constructor(operations: readonly Operation[], results: readonly OperationResult[]) {
    const index = results.findIndex((result) => result.type === 'error' && result.code !== 'Ok')
    const result = results[index]
    const operation = operations[index]
    if (result?.type !== 'error' || result.code === 'Ok' || operation === undefined) {
      throw new RangeError('no operation of the multi failed')
    }
    super(result.code, operation.path, `operation ${index} of the multi, ${operation.type}, was refused and nothing was changed`)
    this.name = 'MultiError'
    this.index = index
    this.operation = operation
    this.results = results
  }
}

export type WatchEventType = 'created' | 'deleted' | 'dataChanged' | 'childrenChanged'

/** A znode changed. It says nothing of how: read it. */
export interface WatchEvent {
  readonly type: WatchEventType
  readonly path: string
}

/**
 * `persistent`: every change of the znode and of its list of children. `persistentRecursive`: created, deleted and dataChanged of the
 * znode and of all below it, and no childrenChanged.
 */
export type WatchMode = 'persistent' | 'persistentRecursive'

export type SessionEvent = 'connected' | 'disconnected' | 'expired'
