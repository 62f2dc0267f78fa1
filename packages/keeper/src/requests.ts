import type { Acl, ClientRequest, ErrorName, Identity, Operation, Reply } from '@ottla/zookeeper'
import type { TxnResult } from './tree.ts'

/** A request that changes the tree or the sessions. */
export type WriteRequest =
  | Operation
  | { readonly type: 'setAcl'; readonly path: string; readonly acl: readonly Acl[]; readonly version?: number }
  | { readonly type: 'multi'; readonly operations: readonly Operation[] }
  /** What can't be carried out, and has its place in the order all the same. */
  | { readonly type: 'refused'; readonly code: ErrorName }
  | { readonly type: 'deleteContainer'; readonly path: string }
  | { readonly type: 'createSession'; readonly timeoutMs: number }
  | { readonly type: 'closeSession' }

/** A request that a server answers from its own tree, or that concerns the connection only. */
export type ReadRequest = Extract<
  ClientRequest,
  {
    type:
      | 'exists'
      | 'getData'
      | 'getChildren'
      | 'getAcl'
      | 'getAllChildrenNumber'
      | 'getEphemerals'
      | 'multiRead'
      | 'sync'
      | 'addWatch'
      | 'removeWatches'
      | 'checkWatches'
      | 'setWatches'
      | 'whoAmI'
  }
>

export type Request = WriteRequest | ReadRequest

/** What a request came to: a result, or the number of an error. Failed ones are in it too: they take their place in the order. */
export type Result = TxnResult | Exclude<Reply, { type: 'create' | 'multi' }>

/**
 * Which request of which server a transaction answers. Request numbers are the server's own, never the client's xids, which repeat.
 * Every server applies the transaction; the one that it came from also answers.
 */
export interface Origin {
  readonly serverId: number
  readonly requestNumber: number
}

/** A write on its way to whoever puts writes in order. */
export interface Write {
  readonly origin: Origin
  readonly sessionId: bigint
  readonly cxid: number
  readonly identities: readonly Identity[]
  readonly request: WriteRequest
}

const WRITES: ReadonlySet<string> = new Set([
  'create',
  'delete',
  'setData',
  'check',
  'setAcl',
  'multi',
  'refused',
  'deleteContainer',
  'createSession',
  'closeSession',
] satisfies WriteRequest['type'][])

export function isWrite(request: Request): request is WriteRequest {
  return WRITES.has(request.type)
}
