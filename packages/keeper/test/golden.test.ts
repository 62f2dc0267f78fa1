import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Reader } from '@ottla/wire'
import { readTxn, type Txn } from '@ottla/zookeeper'
import { adler32 } from '../src/adler32.ts'
import { decodeSnapshot, encodeSnapshot } from '../src/snapshot.ts'
import { DataTree } from '../src/tree.ts'
import { statOf } from '../src/znode.ts'

// Written by ZooKeeper 3.8.4: znodes of every kind but ttl, ACLs, null data, sequential names, two sessions with an ephemeral each.
const SNAPSHOT = readFileSync(new URL('golden/zookeeper-3.8.4-snapshot.16', import.meta.url))
const LOG = readFileSync(new URL('golden/zookeeper-3.8.4-log.1', import.meta.url))
const LAST_ZXID = 0x16

/** The transactions of ZooKeeper's own log: a header of 16 bytes, then checksum, length, transaction and a byte 'B' each. */
function* txnsOf(log: Buffer): Generator<Txn, void, undefined> {
  for (let at = 16; at < log.length;) {
    const length = log.readInt32BE(at + 8)
    const bytes = log.subarray(at + 12, at + 12 + length)
    assert.equal(log.readBigInt64BE(at), BigInt(adler32(bytes)))
    yield readTxn(new Reader(bytes))
    at += 13 + length
  }
}

function contentOf(tree: DataTree): unknown {
  const { nodes, sessions } = tree.freeze()
  const entries = nodes.map(([path, { data, acl, stat }]) => ({ path, data: data?.toString('latin1') ?? null, acl, stat }))
  return { sessions, nodes: entries.toSorted((a, b) => (a.path < b.path ? -1 : 1)) }
}

test('a snapshot of ZooKeeper is read', () => {
  const tree = decodeSnapshot(SNAPSHOT, LAST_ZXID)
  assert.equal(tree.nodeCount, 17)
  assert.equal(tree.lastZxid, LAST_ZXID)
  assert.equal(tree.node('/plain')?.data?.toString(), 'three')
  assert.equal(tree.node('/plain/null')?.data, null)
  assert.deepEqual(tree.node('/acl2')?.acl, [
    { permissions: 31, scheme: 'digest', id: 'bob:abc=' },
    { permissions: 1, scheme: 'world', id: 'anyone' },
  ])
  // As its own client showed it.
  const { version, cversion, numChildren, pzxid, czxid, mzxid } = statOf(tree.node('/plain')!)
  assert.deepEqual({ version, cversion, numChildren }, { version: 2, cversion: 7, numChildren: 3 })
  assert.deepEqual({ pzxid, czxid, mzxid }, { pzxid: 17, czxid: 2, mzxid: 14 })
  assert.deepEqual([...tree.ephemeralsOf(72057761881063425n)], ['/live'])
  assert.deepEqual([...tree.transients].toSorted(), ['/box', '/full'])
})

test("ZooKeeper's transactions make the tree that ZooKeeper made", () => {
  const tree = new DataTree()
  for (const txn of txnsOf(LOG)) tree.apply(txn)
  assert.deepEqual(contentOf(tree), contentOf(decodeSnapshot(SNAPSHOT, LAST_ZXID)))
})

test('to apply once more what a snapshot has already changes nothing', () => {
  const tree = decodeSnapshot(SNAPSHOT, LAST_ZXID)
  const before = contentOf(tree)
  for (const txn of txnsOf(LOG)) if (txn.header.zxid > 0x13) tree.apply(txn)
  assert.deepEqual(contentOf(tree), before)
})

test('a snapshot comes back as it was written, byte for byte', () => {
  const bytes = Buffer.concat([...encodeSnapshot(decodeSnapshot(SNAPSHOT, LAST_ZXID).freeze())])
  assert.deepEqual(contentOf(decodeSnapshot(bytes, LAST_ZXID)), contentOf(decodeSnapshot(SNAPSHOT, LAST_ZXID)))
  assert.deepEqual(Buffer.concat([...encodeSnapshot(decodeSnapshot(bytes, LAST_ZXID).freeze())]), bytes)
  // Theirs and ours have the same head and table of sessions.
  assert.deepEqual(bytes.subarray(0, 44), SNAPSHOT.subarray(0, 44))
})

test('a snapshot that is not whole is refused', () => {
  for (const length of [0, 10, 40, 500, 1600]) {
    assert.throws(() => decodeSnapshot(SNAPSHOT.subarray(0, length), LAST_ZXID), { name: 'DecodeError' })
  }
  for (const at of [3, 100, 900]) {
    const damaged = Buffer.from(SNAPSHOT)
    damaged[at]! ^= 1
    assert.throws(() => decodeSnapshot(damaged, LAST_ZXID), { name: 'DecodeError' })
  }
})

test('the checksum is Adler-32', () => {
  assert.equal(adler32(Buffer.from('Wikipedia')), 0x11e60398)
  const long = Buffer.alloc(3_000_000, 255)
  let byPieces = 1
  for (let at = 0; at < long.length; at += 8000) byPieces = adler32(long.subarray(at, at + 8000), byPieces)
  assert.equal(adler32(long), byPieces)
  assert.equal(adler32(long.subarray(70_000), adler32(long.subarray(0, 70_000))), byPieces)
})
