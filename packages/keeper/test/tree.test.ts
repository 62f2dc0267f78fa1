import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Reader, Writer } from '@ottla/wire'
import { errorName, parentOf, readTxn, writeTxn, type CreateMode, type ErrorName, type Operation, type Txn } from '@ottla/zookeeper'
import { SUPER } from '../src/access.ts'
import { Preparer } from '../src/prepare.ts'
import type { WriteRequest } from '../src/requests.ts'
import { encodeSnapshot } from '../src/snapshot.ts'
import { DataTree, type TxnResult } from '../src/tree.ts'
import { kindOf, statOf } from '../src/znode.ts'
import { attempt, type Attempt, type Change, type Values } from './model.ts'

const PATHS = ['/a', '/b', '/a/c', '/a/d', '/a/c/e', '/b/f']
const path = fc.constantFrom(...PATHS)
const version = fc.integer({ min: -1, max: 2 })
const data = fc.option(fc.uint8Array({ maxLength: 3 }).map((bytes) => Buffer.from(bytes)))
const create = fc.record({
  type: fc.constant('create' as const),
  path,
  data,
  mode: fc.constantFrom<CreateMode>('persistent', 'persistentSequential', 'ephemeral', 'ephemeralSequential', 'container'),
})
const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 4, arbitrary: create },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('delete' as const), path, version }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('setData' as const), path, data, version }) },
  fc.record({ type: fc.constant('check' as const), path, version }),
)
const request: fc.Arbitrary<WriteRequest> = fc.oneof(
  { weight: 8, arbitrary: operation },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('multi' as const), operations: fc.array(operation, { maxLength: 4 }) }) },
  fc.constant({ type: 'createSession' as const, timeoutMs: 1000 }),
  fc.constant({ type: 'closeSession' as const }),
  fc.record({ type: fc.constant('deleteContainer' as const), path }),
)
const requests = fc.array(fc.record({ sessionId: fc.bigInt(1n, 3n), request, lag: fc.nat(5) }), { maxLength: 60 })

/** A tree whose transactions are applied some time after they are prepared, as they are while the disk is at work. */
class Laggard {
  readonly tree = new DataTree()
  readonly results: TxnResult[] = []
  readonly #preparer = new Preparer(this.tree)
  readonly #pending: Txn[] = []
  #zxid = 0

  constructor() {
    for (const sessionId of [1n, 2n, 3n]) this.submit(sessionId, { type: 'createSession', timeoutMs: 1000 }, 0)
  }

  submit(sessionId: bigint, wanted: WriteRequest, lag: number): Txn {
    const zxid = ++this.#zxid
    const write = { origin: { serverId: 0, requestNumber: zxid }, sessionId, cxid: zxid, identities: [SUPER], request: wanted }
    const txn = this.#preparer.prepare(write, zxid, zxid * 10)
    this.#pending.push(txn)
    this.catchUp(lag)
    return txn
  }

  catchUp(lag: number): void {
    while (this.#pending.length > lag) {
      const txn = this.#pending.shift()!
      this.results.push(this.tree.apply(txn).result)
      this.#preparer.applied(txn.header.zxid)
    }
  }
}

test('what is prepared does not depend on how far the tree has come', () => {
  fc.assert(
    fc.property(requests, (steps) => {
      const prompt = new Laggard()
      const late = new Laggard()
      for (const { sessionId, request: wanted, lag } of steps) {
        assert.deepEqual(late.submit(sessionId, wanted, lag), prompt.submit(sessionId, wanted, 0))
      }
      late.catchUp(0)
      assert.deepEqual(late.results, prompt.results)
      assert.deepEqual(bytesOf(late.tree), bytesOf(prompt.tree))
    }),
    { numRuns: 300 },
  )
})

test('a transaction as prepared never fails, and the tree holds together', () => {
  fc.assert(
    fc.property(requests, (steps) => {
      const { tree, submit, results } = bound(new Laggard())
      for (const { sessionId, request: wanted } of steps) {
        const { record } = submit(sessionId, wanted, 0)
        assert.equal(results.at(-1)!.type === 'error', record.type === 'error')
        checkTree(tree)
      }
    }),
    { numRuns: 200 },
  )
})

test('the transactions as files have them make the same tree', () => {
  fc.assert(
    fc.property(requests, (steps) => {
      const source = new Laggard()
      const copy = new Laggard().tree
      for (const { sessionId, request: wanted, lag } of steps) {
        const txn = source.submit(sessionId, wanted, lag)
        const writer = new Writer()
        writeTxn(writer, txn)
        const read = readTxn(new Reader(writer.toBuffer()))
        assert.deepEqual(read.header, txn.header)
        copy.apply(read)
      }
      source.catchUp(0)
      assert.deepEqual(bytesOf(copy), bytesOf(source.tree))
    }),
    { numRuns: 200 },
  )
})

test('the tree does as the model does', () => {
  const value = fc.nat(1000)
  const change: fc.Arbitrary<Change> = fc.oneof(
    fc.record({ type: fc.constant('create' as const), path, value }),
    fc.record({ type: fc.constant('setData' as const), path, value }),
    fc.record({ type: fc.constant('delete' as const), path }),
  )
  const wanted: fc.Arbitrary<Attempt> = fc.oneof(
    { weight: 3, arbitrary: change },
    fc.record({ type: fc.constant('multi' as const), changes: fc.array(change, { minLength: 1, maxLength: 4 }) }),
  )
  fc.assert(
    fc.property(fc.array(fc.record({ wanted, lag: fc.nat(4) }), { maxLength: 60 }), (steps) => {
      const keeper = new Laggard()
      const values: Values = new Map()
      const codes: (ErrorName | 'Ok')[] = ['Ok', 'Ok', 'Ok']
      for (const step of steps) {
        codes.push(attempt(values, step.wanted))
        keeper.submit(1n, requestOf(step.wanted), step.lag)
      }
      keeper.catchUp(0)
      assert.deepEqual(keeper.results.map(codeOf), codes)
      const seen: Values = new Map()
      for (const at of PATHS) {
        const node = keeper.tree.node(at)
        if (node !== undefined) seen.set(at, Number(node.data!.toString()))
      }
      assert.deepEqual(seen, values)
    }),
    { numRuns: 300 },
  )
})

test('a frozen tree stays as it was', () => {
  fc.assert(
    fc.property(requests, fc.nat(60), (steps, moment) => {
      const keeper = new Laggard()
      let frozen = keeper.tree.freeze()
      let before = Buffer.concat([...encodeSnapshot(frozen)])
      for (const [at, { sessionId, request: wanted }] of steps.entries()) {
        keeper.submit(sessionId, wanted, 0)
        if (at !== moment % steps.length) continue
        frozen = keeper.tree.freeze()
        before = Buffer.concat([...encodeSnapshot(frozen)])
      }
      assert.deepEqual(Buffer.concat([...encodeSnapshot(frozen)]), before)
    }),
    { numRuns: 100 },
  )
})

function bound(laggard: Laggard): { tree: DataTree; results: TxnResult[]; submit: Laggard['submit'] } {
  return { tree: laggard.tree, results: laggard.results, submit: laggard.submit.bind(laggard) }
}

function bytesOf(tree: DataTree): Buffer {
  return Buffer.concat([...encodeSnapshot(tree.freeze())])
}

function requestOf(wanted: Attempt): WriteRequest {
  const one = (item: Change): Operation =>
    item.type === 'delete' ? item : { type: item.type, path: item.path, data: Buffer.from(String(item.value)) }
  return wanted.type === 'multi' ? { type: 'multi', operations: wanted.changes.map(one) } : one(wanted)
}

function codeOf(result: TxnResult): ErrorName | 'Ok' {
  if (result.type === 'error') return result.number === 0 ? 'Ok' : errorName(result.number)
  if (result.type !== 'multi') return 'Ok'
  const first = result.results.map(codeOf).find((code) => code !== 'Ok')
  if (first !== undefined)
    assert.ok(
      result.results.every((item) => item.type === 'error'),
      'a refused multi has nothing but errors',
    )
  return first ?? 'Ok'
}

/** What must hold after every transaction (replication.md 6). */
function checkTree(tree: DataTree): void {
  let childCount = 0
  const { nodes } = tree.freeze()
  for (const [at, node] of nodes) {
    const stat = statOf(node)
    childCount += stat.numChildren
    if (at !== '/') assert.ok(tree.node(parentOf(at))?.children?.has(at.slice(at.lastIndexOf('/') + 1)), `${at} is its parent's child`)
    if (kindOf(node.stat.ephemeralOwner) === 'ephemeral') {
      assert.equal(stat.numChildren, 0)
      assert.ok(tree.sessions.has(stat.ephemeralOwner), `${at} has a living owner`)
      assert.ok(tree.ephemeralsOf(stat.ephemeralOwner).has(at))
    }
    assert.ok(stat.pzxid >= stat.czxid && stat.mzxid >= stat.czxid)
  }
  assert.equal(childCount, nodes.length - 1)
}
