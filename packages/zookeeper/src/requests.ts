import type { Acl, Identity } from './acl.ts'
import type { Operation, WatchMode } from './operations.ts'
import type { Stat } from './stat.ts'

/** One member for each type: so that a type picks its member out of a union. */
type Each<T extends string, Fields = unknown> = T extends string ? { readonly type: T } & Fields : never

/** A read inside a multiRead. */
export type ReadOperation = { readonly type: 'getData' | 'getChildren'; readonly path: string }

/** Which watches of a path are meant: `child` and `data` are the one-shot ones, `any` is all of them. */
export type WatchSelection = 'child' | 'data' | 'any' | WatchMode

/** What a session had watched before its connection was lost: paths by the call that left the watch. */
export interface HeldWatches {
  readonly data: readonly string[]
  readonly exist: readonly string[]
  readonly child: readonly string[]
  readonly persistent: readonly string[]
  readonly persistentRecursive: readonly string[]
}

/** All that a client may ask, as it goes over a socket (protocol.md 4). `watch` asks for a one-shot watch. */
export type ClientRequest =
  | Operation
  | { readonly type: 'setAcl'; readonly path: string; readonly acl: readonly Acl[]; readonly version?: number }
  | { readonly type: 'multi'; readonly operations: readonly Operation[] }
  | { readonly type: 'multiRead'; readonly operations: readonly ReadOperation[] }
  | Each<'exists' | 'getData', { readonly path: string; readonly watch?: boolean }>
  | { readonly type: 'getChildren'; readonly path: string; readonly watch?: boolean; readonly withStat?: boolean }
  | Each<'getAcl' | 'sync' | 'getAllChildrenNumber', { readonly path: string }>
  | { readonly type: 'getEphemerals'; readonly prefix: string }
  | { readonly type: 'addWatch'; readonly path: string; readonly mode: WatchMode }
  | Each<'removeWatches' | 'checkWatches', { readonly path: string; readonly watches: WatchSelection }>
  /** What changed after `relativeZxid` is told at once; the other paths are watched again. */
  | { readonly type: 'setWatches'; readonly relativeZxid: number; readonly watches: HeldWatches }
  | { readonly type: 'auth'; readonly scheme: string; readonly credentials: Buffer | null }
  | { readonly type: 'sasl'; readonly token: Buffer | null }
  | Each<'reconfig' | 'whoAmI' | 'ping' | 'closeSession'>

/** What a request came to. */
export type Reply =
  /** `stat` is null where the operation, or an old server, does not tell it. */
  | { readonly type: 'create'; readonly path: string; readonly stat: Stat | null }
  | Each<'setData' | 'setAcl' | 'exists', { readonly stat: Stat }>
  | { readonly type: 'getData'; readonly data: Buffer | null; readonly stat: Stat }
  | { readonly type: 'getChildren'; readonly children: readonly string[]; readonly stat: Stat | null }
  | { readonly type: 'getAcl'; readonly acl: readonly Acl[]; readonly stat: Stat }
  | Each<'multi' | 'multiRead', { readonly results: readonly Reply[] }>
  | { readonly type: 'sync'; readonly path: string }
  | { readonly type: 'getEphemerals'; readonly paths: readonly string[] }
  | { readonly type: 'getAllChildrenNumber'; readonly count: number }
  | { readonly type: 'whoAmI'; readonly identities: readonly Identity[] }
  | { readonly type: 'sasl'; readonly token: Buffer | null }
  | Each<'delete' | 'check' | 'addWatch' | 'removeWatches' | 'checkWatches' | 'setWatches'>
  | Each<'auth' | 'reconfig' | 'ping' | 'closeSession'>
  /** 0 is Ok: in a multi, the place before the one that failed. */
  | { readonly type: 'error'; readonly number: number }
