import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { test, type TestContext } from 'node:test'
import { crc32, gzipSync } from 'node:zlib'
import { nodeEnv } from '@ottla/env/node'
import { importZooKeeperData, withKeeper, type Imported, type ZooKeeperData } from '@ottla/keeper'
import { Reader } from '@ottla/wire'
import { readTxn, ZooKeeperError, type ZooKeeper } from '@ottla/zookeeper'
import { decodeSnapshot, encodeSnapshot } from '../src/snapshot.ts'
import { DataTree } from '../src/tree.ts'
import { epochOf } from '../src/zxid.ts'

// Written by ZooKeeper 3.8.4 (see golden.test.ts): transactions 1 to 0x16; two sessions never ended, each with an ephemeral.
const SNAPSHOT = readFileSync(new URL('golden/zookeeper-3.8.4-snapshot.16', import.meta.url))
const LOG = readFileSync(new URL('golden/zookeeper-3.8.4-log.1', import.meta.url))
const EMPTY_SNAPSHOT = Buffer.concat([...encodeSnapshot(new DataTree().freeze())])
const LEFT_BY_A_CRASH = ['snapshot.18.meta', 'snapshot.18.tmp']
const GROWN_BY = Buffer.alloc(4096)

/** Where each of the log's entries begins, and where the last one ends. */
const ENTRIES = ((): number[] => {
  const starts = [16]
  while (starts.at(-1)! < LOG.length) starts.push(starts.at(-1)! + 13 + LOG.readInt32BE(starts.at(-1)! + 8))
  return starts
})()

/** The part of the log from the entry `from` to before `to`, as a file of its own. */
const logOf = (from: number, to: number): Buffer => Buffer.concat([LOG.subarray(0, 16), LOG.subarray(ENTRIES[from - 1], ENTRIES[to - 1])])

/** A place for ZooKeeper's directories and for a keeper. */
class Place {
  readonly directory = mkdtempSync(`${tmpdir()}/ottla-import-`)
  readonly env = nodeEnv({ logLevel: 'silent' })

  constructor(t: TestContext) {
    const alive = setInterval(() => {}, 1 << 30)
    t.after(() => {
      clearInterval(alive)
      rmSync(this.directory, { recursive: true, force: true })
    })
  }

  write(directory: string, files: Record<string, Buffer>): string {
    const path = `${this.directory}/${directory}`
    mkdirSync(path, { recursive: true })
    for (const [name, bytes] of Object.entries(files)) writeFileSync(`${path}/${name}`, bytes)
    return path
  }

  /** Into a new keeper. */
  async import(data: ZooKeeperData): Promise<Imported> {
    rmSync(this.keeper, { recursive: true, force: true })
    // as a crash leaves it in the middle
    this.write('keeper', Object.fromEntries(LEFT_BY_A_CRASH.map((name) => [name, Buffer.from('{')])))
    return importZooKeeperData(this.env, this.keeper, data)
  }

  get keeper(): string {
    return `${this.directory}/keeper`
  }

  withTree<T>(work: (zooKeeper: ZooKeeper) => Promise<T>): Promise<T> {
    return withKeeper(this.env, this.keeper, work)
  }
}

/** By path. */
async function allOf(zooKeeper: ZooKeeper, path = '/'): Promise<Map<string, unknown>> {
  const { data, stat } = await zooKeeper.getData(path)
  const found = new Map<string, unknown>([[path, { data: data?.toString('latin1') ?? null, stat }]])
  for (const child of (await zooKeeper.getChildren(path)).children.toSorted()) {
    for (const [below, what] of await allOf(zooKeeper, path === '/' ? `/${child}` : `${path}/${child}`)) found.set(below, what)
  }
  return found
}

const isMissing = (error: unknown): boolean => error instanceof ZooKeeperError && error.code === 'NoNode'

test('a keeper knows what ZooKeeper knew, by its log, by its snapshot, or by both', async (t) => {
  const place = new Place(t)
  const grown = Buffer.concat([LOG, GROWN_BY])
  const ways: Record<string, Record<string, Buffer>> = {
    'a log': { 'snapshot.0': EMPTY_SNAPSHOT, 'log.1': grown },
    'a snapshot that is newer than its name': { 'snapshot.13': SNAPSHOT, 'log.1': grown },
    'logs of which one begins before the snapshot': { 'snapshot.16': SNAPSHOT, 'log.1': logOf(1, 12), 'log.c': logOf(12, 23) },
    'a snapshot alone with an empty log': { 'snapshot.16': SNAPSHOT, 'log.17': Buffer.alloc(64) },
    'a compressed snapshot': { 'snapshot.16.gz': gzipSync(SNAPSHOT), 'log.1': grown },
    'an older snapshot in place of a damaged one': {
      'snapshot.0': EMPTY_SNAPSHOT,
      'snapshot.16': SNAPSHOT.subarray(0, 900),
      'snapshot.17.gz': Buffer.from('not it'),
      'log.1': logOf(1, 12),
      'log.c': logOf(12, 23),
    },
  }
  let first: Map<string, unknown> | undefined
  for (const [way, files] of Object.entries(ways)) {
    const dataDir = place.write(way, {})
    place.write(`${way}/version-2`, files)
    const imported = await place.import({ dataDir })
    assert.equal(imported.endedSessions, 2, way)
    // after 0x16, one for the end of each session
    assert.equal(imported.lastZxid, 0x18, way)
    const all = await place.withTree(allOf)
    assert.equal(all.size, imported.znodes)
    assert.deepEqual(all, first ?? all, way)
    first = all
  }
  const wanted = decodeSnapshot(SNAPSHOT, 0x16)
  const kept = decodeSnapshot(readFileSync(`${place.keeper}/snapshot.18`), 0x18)
  assert.equal(kept.sessions.size, 0)
  for (const [path, { data, acl, stat }] of wanted.freeze().nodes) {
    if (wanted.ephemeralsOf(stat.ephemeralOwner).has(path)) assert.equal(kept.node(path), undefined, path)
    else assert.deepEqual([kept.node(path)!.data, kept.node(path)!.acl, kept.node(path)!.stat.czxid], [data, acl, stat.czxid], path)
  }
})

test('zxids go on in the next epoch, and the keeper lives on its own log from there', async (t) => {
  const place = new Place(t)
  const dataDir = place.write('version-2', { 'snapshot.16': SNAPSHOT, 'log.1': LOG })
  await place.import({ dataDir })
  const before = await place.withTree((zooKeeper) => zooKeeper.create('/after', Buffer.from('1')).then(() => zooKeeper.exists('/after')))
  assert.ok(epochOf(before!.czxid) === 1 && before!.czxid > 0x18)
  assert.deepEqual(await place.withTree((zooKeeper) => zooKeeper.exists('/after')), before)
  assert.equal(await place.withTree(async (zooKeeper) => (await zooKeeper.getData('/plain')).data?.toString()), 'three')
  await assert.rejects(importZooKeeperData(place.env, place.keeper, { dataDir }), /has a tree already, in (?:entries|snapshot)\./)

  for (const name of readdirSync(place.keeper)) if (name.startsWith('snapshot.')) rmSync(`${place.keeper}/${name}`)
  await assert.rejects(place.withTree(allOf), /lacks the entries 1 to 1/)
})

test('an ephemeral of a session that no table lists goes too, and the next epoch is the one after the last', async (t) => {
  const place = new Place(t)
  const unlisted = { ...decodeSnapshot(SNAPSHOT, 0x16).freeze(), sessions: [] }
  const dataDir = place.write('unlisted', { 'snapshot.500000016': Buffer.concat([...encodeSnapshot(unlisted)]) })
  const imported = await place.import({ dataDir, dataLogDir: place.write('no-log', {}) })
  assert.deepEqual([imported.endedSessions, imported.lastZxid], [2, 5 * 2 ** 32 + 0x18])
  await place.withTree(async (zooKeeper) => {
    assert.equal(await zooKeeper.exists('/live'), null)
    await zooKeeper.create('/after', null)
    assert.equal(epochOf((await zooKeeper.exists('/after'))!.czxid), 6)
  })
})

test('a znode of ZooKeeper becomes the root, and what lies beside it stays behind', async (t) => {
  const place = new Place(t)
  const dataDir = place.write('data', { 'snapshot.16': SNAPSHOT, 'log.1': LOG })
  await place.import({ dataDir, chroot: '/plain' })
  await place.withTree(async (zooKeeper) => {
    assert.equal((await zooKeeper.getData('/')).data?.toString(), 'three')
    assert.equal((await zooKeeper.getData('/null')).data, null)
    await assert.rejects(zooKeeper.getData('/plain'), isMissing)
    assert.notEqual(await zooKeeper.exists('/zookeeper/quota'), null)
  })
  await assert.rejects(place.import({ dataDir, chroot: '/kafka' }), /no znode \/kafka to take as the root/)
})

test('data of which something is missing are refused, and no keeper is made', async (t) => {
  const place = new Place(t)
  const damaged = Buffer.from(LOG)
  damaged[ENTRIES[10]! + 20]! ^= 1
  const refused: [Record<string, Buffer>, RegExp][] = [
    [{}, /has no snapshot of ZooKeeper that can be read/],
    [{ 'log.1': LOG }, /has no snapshot of ZooKeeper that can be read/],
    [{ 'snapshot.16': SNAPSHOT.subarray(0, 900), 'log.1': LOG }, /has no snapshot of ZooKeeper that can be read/],
    [{ 'snapshot.16': SNAPSHOT }, /no transaction log: name the dataLogDir/],
    [{ 'snapshot.0': EMPTY_SNAPSHOT, 'log.5': logOf(5, 23) }, /transactions 0x1 to 0x4 are in no file before .*log\.5/],
    [{ 'snapshot.0': EMPTY_SNAPSHOT, 'log.1': logOf(1, 8), 'log.a': logOf(10, 23) }, /transactions 0x8 to 0x9 are in no file/],
    [{ 'snapshot.0': EMPTY_SNAPSHOT, 'log.1': damaged }, /log\.1 is damaged at \d+/],
    [{ 'snapshot.0': EMPTY_SNAPSHOT, 'log.1': SNAPSHOT }, /log\.1 is not a transaction log of ZooKeeper/],
  ]
  for (const [index, [files, why]] of refused.entries()) {
    await assert.rejects(place.import({ dataDir: place.write(`refused-${index}`, files) }), why)
    assert.deepEqual(readdirSync(place.keeper), ['lock', ...LEFT_BY_A_CRASH], String(why))
  }
  const dataDir = place.write('snapshots', { 'snapshot.0': EMPTY_SNAPSHOT })
  const dataLogDir = place.write('logs', { 'log.1': LOG })
  assert.equal((await place.import({ dataDir, dataLogDir })).lastZxid, 0x18)
})

test('a log ends where its last entry was cut', async (t) => {
  const place = new Place(t)
  const cut = LOG.subarray(0, ENTRIES[10]! + 30)
  const dataDir = place.write('cut', { 'snapshot.0': EMPTY_SNAPSHOT, 'log.1': cut })
  const { lastZxid, endedSessions } = await place.import({ dataDir })
  assert.equal(lastZxid, 10 + endedSessions)
})

/** ZooKeeper's own digest of a tree (disk.md 3). */
function digestOf(tree: DataTree): bigint {
  let sum = 0n
  for (const [path, { data, stat }] of tree.freeze().nodes) {
    if (path.startsWith('/zookeeper/')) continue
    const packed = Buffer.alloc(60)
    for (const [at, value] of [stat.czxid, stat.mzxid, stat.pzxid, stat.ctime, stat.mtime].entries())
      packed.writeBigInt64BE(BigInt(value), 8 * at)
    for (const [at, value] of [stat.version, stat.cversion, stat.aversion].entries()) packed.writeInt32BE(value, 40 + 4 * at)
    packed.writeBigInt64BE(stat.ephemeralOwner, 52)
    sum += BigInt(crc32(packed, crc32(data ?? Buffer.alloc(0), crc32(path === '/' ? '' : path))))
  }
  return BigInt.asIntN(64, sum)
}

test('after each transaction the tree has the digest that ZooKeeper wrote behind it', () => {
  const tree = new DataTree()
  let digests = 0
  for (const [index, start] of ENTRIES.slice(0, -1).entries()) {
    const bytes = LOG.subarray(start + 12, ENTRIES[index + 1]! - 1)
    const txn = readTxn(new Reader(bytes))
    tree.apply(txn)
    // none is behind what failed
    if (txn.record.type === 'error') continue
    digests++
    assert.equal(digestOf(tree), bytes.readBigInt64BE(bytes.length - 8), `transaction ${index + 1}`)
  }
  assert.ok(digests > 15)
})
