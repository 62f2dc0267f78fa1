import { PERMISSIONS, type Identity } from '@ottla/zookeeper'
import { isPermitted } from './access.ts'
import { failure, Reads, type Reading } from './reads.ts'
import { isWrite, type ReadRequest, type Request, type Result, type WriteRequest } from './requests.ts'
import type { Server } from './server.ts'
import type { TreeEvent } from './tree.ts'

/** Who uses a connection: a client in this process, or a socket's end. */
export interface ConnectionOwner {
  /** A watch fired. Comes before any answer that shows the change. */
  watchFired(event: TreeEvent, zxid: number): void
  /** The session is over, closed or expired. */
  sessionEnded(): void
  /** The server can serve no more; what was not answered may or may not have happened. */
  serverFailed(): void
}

/** The answer to a request, and how far the server's tree has come. */
export type Answer = (result: Result, zxid: number) => void

interface Item {
  readonly answer: Answer
  /** A read waits until it is first in the line: then everything that the session wrote before it is applied. */
  readonly read: (() => Result) | null
  result: Result | null
  zxid: number
}

/** One session's line to a server: requests are answered in the order of their coming. */
export class Connection implements Reading {
  readonly sessionId: bigint
  readonly #server: Server
  readonly #owner: ConnectionOwner
  #identities: readonly Identity[]
  #line: Item[] = []
  #closed = false

  constructor(server: Server, sessionId: bigint, owner: ConnectionOwner, identities: readonly Identity[]) {
    this.#server = server
    this.sessionId = sessionId
    this.#owner = owner
    this.#identities = identities
  }

  get identities(): readonly Identity[] {
    return this.#identities
  }

  /** Authenticated as one more; counts for the requests that come later. */
  addIdentity({ scheme, id }: Identity): void {
    if (this.#identities.some((known) => known.scheme === scheme && known.id === id)) return
    this.#identities = [...this.#identities, { scheme, id }]
  }

  /** `cxid` is the client's own number of the request, kept in the log for people to see. */
  submit(request: Request, answer: Answer, cxid = 0): void {
    if (this.#closed) {
      answer(failure('ConnectionLoss'), this.#server.tree.lastZxid)
      return
    }
    if (isWrite(request)) this.#write(request, answer, cxid)
    else if (request.type === 'sync') this.#sync(request.path, answer)
    else this.#read(request, answer)
  }

  /** Anything else that must keep its place in the line: `run` is called when all before it is answered. */
  inOrder(run: () => Result, answer: Answer): void {
    this.#join(answer, run)
    this.#advance()
  }

  /** The connection ends, not the session. What is not answered yet gets ConnectionLoss. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#server.detach(this)
    const line = this.#line
    this.#line = []
    const zxid = this.#server.tree.lastZxid
    for (const item of line) item.answer(item.result ?? failure('ConnectionLoss'), item.zxid === 0 ? zxid : item.zxid)
  }

  notify(event: TreeEvent, zxid: number): void {
    if (isPermitted(event.acl, PERMISSIONS.read, this.#identities)) this.#owner.watchFired(event, zxid)
  }

  sessionEnded(): void {
    this.#owner.sessionEnded()
  }

  serverFailed(): void {
    this.#owner.serverFailed()
    this.close()
  }

  /** Has its place in the line, and is answered once everything is applied that anyone wrote before. */
  #sync(path: string, answer: Answer): void {
    const item = this.#join(answer, null)
    this.#server.waitForAll(() => this.#complete(item, { type: 'sync', path }, this.#server.tree.lastZxid))
  }

  #write(request: WriteRequest, answer: Answer, cxid: number): void {
    const item = this.#join(answer, null)
    this.#server.write(this.sessionId, cxid, this.#identities, request, (result, zxid) => this.#complete(item, result, zxid))
  }

  #read(request: Exclude<ReadRequest, { type: 'sync' }>, answer: Answer): void {
    const server = this.#server
    this.inOrder(() => new Reads(server.tree, server.watches).answer(this, request), answer)
  }

  #join(answer: Answer, run: (() => Result) | null): Item {
    const item: Item = { answer, read: run, result: null, zxid: 0 }
    this.#line.push(item)
    return item
  }

  #complete(item: Item, result: Result, zxid: number): void {
    if (this.#closed) return
    item.result = result
    item.zxid = zxid
    this.#advance()
  }

  /** Answers from the front as far as it can. An answer may bring new requests: the line is looked at afresh each time. */
  #advance(): void {
    for (let item = this.#line[0]; item !== undefined; item = this.#line[0]) {
      if (item.result === null) {
        if (item.read === null) return
        item.result = item.read()
        item.zxid = this.#server.tree.lastZxid
      }
      this.#line.shift()
      item.answer(item.result, item.zxid)
      // nothing is served behind it
      if (item.result.type === 'closeSession') return
    }
  }
}
