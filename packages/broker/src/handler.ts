import type { Api } from '@ottla/protocol'
import type { Decoded, Encodable, Fields, Slab } from '@ottla/wire'
import type { Broker } from './broker.ts'
import type { Later } from './later.ts'
import type { Session } from './session.ts'

/** What a handler knows of a request beside its body. */
export interface RequestContext {
  readonly broker: Broker
  /** The connection that it came by. */
  readonly session: Session
  readonly version: number
  readonly clientId: string | null
  /** The memory that the body's `bytes` and `records` lie in, until the turn ends: hold it, or copy, to keep them. */
  readonly slab: Slab
}

/** Which of the connection's next requests may start before this one is answered (decision 0002). */
export type Pipelined = 'no' | 'alike' | 'all'

/** Null: no answer at all. */
export type Response<P extends Fields> = Encodable<P> | null

/**
 * One API of the broker: a file in `handlers/`, a line in the handler table. It answers now or later, with null for no answer at all
 * (acks 0). What it throws closes the connection with a line in the log: errors that Kafka has a code for belong in the answer.
 */
export interface Handler<Q extends Fields = Fields, P extends Fields = Fields> {
  readonly api: Api<Q, P>
  readonly pipelined: Pipelined
  /** Null: it can be handled now. Else that, and all that comes after it, waits until this resolves. It is asked once. */
  readonly ready: ((request: Decoded<Q>, broker: Broker) => Promise<void> | null) | null
  handle(request: Decoded<Q>, context: RequestContext): Response<P> | Promise<Response<P>> | Later<Response<P>>
}

export function handler<Q extends Fields, P extends Fields>(
  api: Api<Q, P>,
  handle: Handler<Q, P>['handle'],
  options: { pipelined?: Pipelined; ready?: (request: Decoded<Q>, broker: Broker) => Promise<void> | null } = {},
): Handler<Q, P> {
  return { api, handle, pipelined: options.pipelined ?? 'no', ready: options.ready ?? null }
}
