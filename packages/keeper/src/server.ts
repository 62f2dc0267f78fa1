import type { Identity } from '@ottla/zookeeper'
import { Connection, type Answer, type ConnectionOwner } from './connection.ts'
import type { EntryTxn } from './entry-txn.ts'
import { failure } from './reads.ts'
import type { Write, WriteRequest } from './requests.ts'
import type { DataTree, TxnResult } from './tree.ts'
import { Watches } from './watches.ts'

/** Puts writes in order and makes them last: alone, or with a quorum. */
export interface Sequencer {
  /** In the end `Server.apply` is called with it, or `Server.fail`. Never from inside this call. */
  submit(write: Write): void
  /** Calls `done` once everything is applied here that was answered anywhere before this. */
  waitForAll(done: () => void): void
}

/**
 * A member's own part: its tree, its connections and their watches. It hands writes to the sequencer, applies what comes back in order,
 * and answers those of its own connections.
 */
export class Server {
  readonly watches = new Watches()
  readonly serverId: number
  readonly #connections = new Map<bigint, Connection>()
  readonly #unanswered = new Map<number, Answer>()
  readonly #sessionEndListeners: ((sessionId: bigint) => void)[] = []
  #sequencer: Sequencer | null = null
  #tree: DataTree
  #requestNumber: number
  #failed = false

  /** `requestNumber`: where to begin; chosen by chance, so that no entry of a former life looks like an answer to this one. */
  constructor(tree: DataTree, serverId: number, requestNumber: number) {
    this.#tree = tree
    this.serverId = serverId
    this.#requestNumber = requestNumber
  }

  get tree(): DataTree {
    return this.#tree
  }

  /** How many of its clients' writes are not answered yet. */
  get outstandingCount(): number {
    return this.#unanswered.size
  }

  /** Another tree takes the place of this one: a snapshot from elsewhere. What clients wait for may be in it or not. */
  install(tree: DataTree): void {
    this.#tree = tree
    this.interrupt()
  }

  start(sequencer: Sequencer): void {
    this.#sequencer = sequencer
  }

  /** Calls `listener` of each session that is closed or has expired, whose client it ever was. */
  onSessionEnd(listener: (sessionId: bigint) => void): void {
    this.#sessionEndListeners.push(listener)
  }

  /** The session's line; an older connection of the same session is closed. */
  connect(sessionId: bigint, owner: ConnectionOwner, identities: readonly Identity[]): Connection {
    this.#connections.get(sessionId)?.close()
    const connection = new Connection(this, sessionId, owner, identities)
    if (this.#failed) connection.close()
    else this.#connections.set(sessionId, connection)
    return connection
  }

  detach(connection: Connection): void {
    this.watches.removeAll(connection)
    if (this.#connections.get(connection.sessionId) === connection) this.#connections.delete(connection.sessionId)
  }

  /** A write that is no connection's (a session's end, a container's) goes here directly. */
  write(sessionId: bigint, cxid: number, identities: readonly Identity[], request: WriteRequest, answer: Answer): void {
    if (this.#failed || this.#sequencer === null) {
      answer(failure('ConnectionLoss'), this.tree.lastZxid)
      return
    }
    const requestNumber = this.#requestNumber++
    this.#unanswered.set(requestNumber, answer)
    this.#sequencer.submit({ origin: { serverId: this.serverId, requestNumber }, sessionId, cxid, identities, request })
  }

  waitForAll(done: () => void): void {
    if (!this.#failed) this.#sequencer?.waitForAll(done)
  }

  /** Applies what is committed: first the tree, then the watches, then the answer. */
  apply({ origin, txn }: EntryTxn): TxnResult {
    const { result, events } = this.#tree.apply(txn)
    const { zxid, sessionId } = txn.header
    for (const event of events) this.watches.trigger(event, zxid)
    if (origin.serverId === this.serverId) {
      const answer = this.#unanswered.get(origin.requestNumber)
      this.#unanswered.delete(origin.requestNumber)
      answer?.(result, zxid)
    }
    if (result.type === 'closeSession') {
      for (const listener of this.#sessionEndListeners) listener(sessionId)
      const connection = this.#connections.get(sessionId)
      connection?.sessionEnded()
      connection?.close()
    }
    return result
  }

  /** Nothing can be written any more. */
  fail(): void {
    this.#failed = true
    this.interrupt()
  }

  /** All connections are closed, and everything unanswered is answered with ConnectionLoss: nobody knows what became of it. */
  interrupt(): void {
    // Who hears of it may connect again at once.
    const connections = [...this.#connections.values()]
    for (const connection of connections) connection.serverFailed()
    const unanswered = [...this.#unanswered.values()]
    this.#unanswered.clear()
    for (const answer of unanswered) answer(failure('ConnectionLoss'), this.tree.lastZxid)
  }
}
