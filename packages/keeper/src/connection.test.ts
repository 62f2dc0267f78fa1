import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OPEN_ACL, type Identity } from '@ottla/zookeeper'
import type { Connection } from './connection.ts'
import { Preparer } from './prepare.ts'
import type { Request, Result } from './requests.ts'
import { Server, type Sequencer } from './server.ts'
import { DataTree } from './tree.ts'
import type { EntryTxn } from './entry-txn.ts'

/** A server whose writes are applied when the test says so; `heard` is what all connections heard, in order. */
class Bench {
  readonly heard: string[] = []
  readonly server = new Server(new DataTree(), 1, 100)
  readonly #preparer = new Preparer(this.server.tree)
  readonly #pending: EntryTxn[] = []
  readonly #waiting: { count: number; done: () => void }[] = []
  #zxid = 0
  #appliedCount = 0

  constructor() {
    const sequencer: Sequencer = {
      submit: (write) => {
        const zxid = ++this.#zxid
        this.#pending.push({ origin: write.origin, txn: this.#preparer.prepare(write, zxid, zxid) })
      },
      waitForAll: (done) => {
        if (this.#pending.length === 0) done()
        else this.#waiting.push({ count: this.#appliedCount + this.#pending.length, done })
      },
    }
    this.server.start(sequencer)
  }

  /** Applies so many of the writes that wait; says what was heard meanwhile. */
  apply(count = Infinity): string[] {
    for (let left = Math.min(count, this.#pending.length); left > 0; left--) {
      const entry = this.#pending.shift()!
      this.server.apply(entry)
      this.#preparer.applied(entry.txn.header.zxid)
      this.#appliedCount++
      while (this.#waiting[0] !== undefined && this.#waiting[0].count <= this.#appliedCount) this.#waiting.shift()!.done()
    }
    return this.take()
  }

  take(): string[] {
    return this.heard.splice(0)
  }

  connect(sessionId: bigint, identities: readonly Identity[] = []): Connection {
    const name = String(sessionId)
    const connection = this.server.connect(
      sessionId,
      {
        watchFired: ({ type, path }, zxid) => void this.heard.push(`${name} ${type} ${path} @${zxid}`),
        sessionEnded: () => void this.heard.push(`${name} ended`),
        serverFailed: () => void this.heard.push(`${name} failed`),
      },
      identities,
    )
    this.server.write(sessionId, 0, [], { type: 'createSession', timeoutMs: 1000 }, () => {})
    this.apply()
    return connection
  }

  ask(connection: Connection, request: Request): void {
    connection.submit(request, (result, zxid) => void this.heard.push(`${connection.sessionId} ${textOf(result)} @${zxid}`))
  }
}

function textOf(result: Result): string {
  if (result.type === 'error') return String(result.number)
  return 'path' in result ? `${result.type} ${result.path}` : result.type
}

const CREATE = { type: 'create', path: '/a', data: null } as const

test('an event comes before the answer, and the answer before what reads after it show', () => {
  const bench = new Bench()
  const one = bench.connect(1n)
  bench.ask(one, { type: 'exists', path: '/a', watch: true })
  bench.ask(one, { type: 'getChildren', path: '/', watch: true })
  assert.deepEqual(bench.take(), ['1 -101 @1', '1 getChildren @1'])
  bench.ask(one, CREATE)
  bench.ask(one, { type: 'getData', path: '/a', watch: true })
  bench.ask(one, { type: 'setData', path: '/a', data: null })
  assert.deepEqual(bench.take(), [])
  assert.deepEqual(bench.apply(1), ['1 created /a @2', '1 childrenChanged / @2', '1 create /a @2', '1 getData @2'])
  assert.deepEqual(bench.apply(1), ['1 dataChanged /a @3', '1 setData @3'])
})

test("a read waits for its own session's writes only, a sync for everyone's", () => {
  const bench = new Bench()
  const one = bench.connect(1n)
  const two = bench.connect(2n)
  bench.ask(one, CREATE)
  bench.ask(one, { type: 'exists', path: '/a' })
  bench.ask(two, { type: 'exists', path: '/a' })
  assert.deepEqual(bench.take(), ['2 -101 @2'])
  bench.ask(two, { type: 'sync', path: '/' })
  bench.ask(two, { type: 'exists', path: '/a' })
  two.inOrder(
    () => ({ type: 'sync', path: '/' }),
    () => void bench.heard.push('2 in order'),
  )
  assert.deepEqual(bench.take(), [])
  assert.deepEqual(bench.apply(), ['1 create /a @3', '1 exists @3', '2 sync / @3', '2 exists @3', '2 in order'])
})

test('who may not read a znode hears nothing of it', () => {
  const bench = new Bench()
  const owner = bench.connect(1n, [{ scheme: 'digest', id: 'ann:x' }])
  const other = bench.connect(2n)
  const acl = [{ permissions: 31, scheme: 'auth', id: '' }]
  for (const connection of [owner, other]) bench.ask(connection, { type: 'addWatch', path: '/a', mode: 'persistent' })
  bench.take()
  bench.ask(owner, { ...CREATE, acl })
  assert.deepEqual(bench.apply(), ['1 created /a @3', '1 create /a @3'])
  for (const type of ['getData', 'getChildren', 'exists', 'getAcl'] as const) bench.ask(other, { type, path: '/a' })
  bench.ask(other, { type: 'setData', path: '/a', data: null })
  assert.deepEqual(bench.apply(), ['2 -102 @3', '2 -102 @3', '2 -102 @3', '2 -102 @3', '2 -102 @4'])
  other.addIdentity({ scheme: 'digest', id: 'ann:x' })
  bench.ask(other, { type: 'getAcl', path: '/a' })
  bench.ask(other, { type: 'setAcl', path: '/a', acl: OPEN_ACL, version: 0 })
  bench.ask(other, { type: 'setAcl', path: '/a', acl: OPEN_ACL, version: 0 })
  assert.deepEqual(bench.apply(), ['2 getAcl @4', '2 setAcl @5', '2 -103 @6'])
})

test('a session has one connection; what a lost one wrote happens all the same', () => {
  const bench = new Bench()
  const first = bench.connect(1n)
  bench.ask(first, CREATE)
  bench.ask(first, { type: 'exists', path: '/a' })
  bench.server.connect(1n, { watchFired() {}, sessionEnded() {}, serverFailed() {} }, [])
  assert.deepEqual(bench.take(), ['1 -4 @1', '1 -4 @1'])
  assert.deepEqual(bench.apply(), [])
  assert.notEqual(bench.server.tree.node('/a'), undefined)
  bench.ask(first, { type: 'exists', path: '/a' })
  assert.deepEqual(bench.take(), ['1 -4 @2'])
})

test('the end of a session is heard behind its answer', () => {
  const bench = new Bench()
  const one = bench.connect(1n)
  bench.ask(one, { ...CREATE, mode: 'ephemeral' })
  bench.ask(one, { type: 'closeSession' })
  bench.ask(one, { type: 'setData', path: '/a', data: null })
  assert.deepEqual(bench.apply(), ['1 create /a @2', '1 closeSession @3', '1 ended', '1 -4 @3'])
  assert.equal(bench.server.tree.node('/a'), undefined)
})

test('an interruption answers everything, and the server goes on with another tree', () => {
  const bench = new Bench()
  const one = bench.connect(1n)
  bench.ask(one, CREATE)
  bench.ask(one, { type: 'sync', path: '/' })
  bench.server.install(new DataTree())
  assert.deepEqual(bench.take(), ['1 failed', '1 -4 @0', '1 -4 @0'])
  bench.ask(bench.server.connect(2n, { watchFired() {}, sessionEnded() {}, serverFailed() {} }, []), { type: 'exists', path: '/' })
  assert.deepEqual(bench.take(), ['2 exists @0'])
  bench.server.fail()
  const late = bench.server.connect(3n, { watchFired() {}, sessionEnded() {}, serverFailed() {} }, [])
  bench.ask(late, { type: 'exists', path: '/' })
  assert.deepEqual(bench.take(), ['3 -4 @0'])
})
