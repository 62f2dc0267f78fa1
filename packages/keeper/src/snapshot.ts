import assert from 'node:assert/strict'
import { DecodeError, Reader, Writer } from '@ottla/wire'
import {
  OPEN_ACL,
  readAcl,
  readBuffer,
  readCount,
  readPersistedStat,
  readString,
  writeAcl,
  writeBuffer,
  writePersistedStat,
  writeString,
  type Acl,
} from '@ottla/zookeeper'
import { adler32 } from './adler32.ts'
import { DataTree, sharedAcl, type FrozenTree } from './tree.ts'
import type { Content, ContentSource } from './znode.ts'

const MAGIC = 0x5a4b534e
const VERSION = 2
/** The key that stands for the open ACL, which no table lists. */
const OPEN_ACL_KEY = -1
const CHUNK_BYTES = 256 << 10

/**
 * ZooKeeper's snapshot of a tree, byte for byte what its 3.5 and later read (disk.md 3), in chunks of some 256 KiB: so that a large tree
 * is written in slices, with other work between.
 */
export function* encodeSnapshot(tree: FrozenTree): Generator<Buffer, void, undefined> {
  let checksum = 1
  let writer = new Writer()
  const cut = (): Buffer => {
    const bytes = writer.toBuffer()
    checksum = adler32(bytes, checksum)
    writer = new Writer()
    return bytes
  }
  writer.int32(MAGIC)
  writer.int32(VERSION)
  writer.int64(-1)
  writer.int32(tree.sessions.length)
  for (const [sessionId, timeoutMs] of tree.sessions) {
    writer.bigint64(sessionId)
    writer.int32(timeoutMs)
  }
  const keys = writeAclTable(writer, tree)
  for (const [path, node] of tree.nodes) {
    writeString(writer, path === '/' ? '' : path)
    writeBuffer(writer, node.data)
    writer.int64(node.acl === OPEN_ACL ? OPEN_ACL_KEY : keys.get(keyOf(node.acl))!)
    writePersistedStat(writer, node.stat)
    if (writer.length >= CHUNK_BYTES) yield cut()
  }
  writeString(writer, '/')
  yield cut()
  // The seal, which the checksum does not cover.
  writer.int64(checksum)
  writeString(writer, '/')
  yield writer.toBuffer()
}

function writeAclTable(writer: Writer, tree: FrozenTree): Map<string, number> {
  const keys = new Map<string, number>()
  const table: (readonly Acl[])[] = []
  for (const [, node] of tree.nodes) {
    if (node.acl === OPEN_ACL || keys.has(keyOf(node.acl))) continue
    table.push(node.acl)
    keys.set(keyOf(node.acl), table.length)
  }
  writer.int32(table.length)
  for (const [at, acl] of table.entries()) {
    writer.int64(at + 1)
    writeAcl(writer, acl)
  }
  return keys
}

function keyOf(acl: readonly Acl[]): string {
  return JSON.stringify(acl.map(({ permissions, scheme, id }) => [permissions, scheme, id]))
}

/**
 * Reads a snapshot, ours or ZooKeeper's (uncompressed). Its name tells `lastZxid`. What follows the first seal (digest, last zxid) is
 * not needed. Throws DecodeError where it is not whole and unharmed.
 */
export function decodeSnapshot(bytes: Buffer, lastZxid: number): DataTree {
  const reader = new Reader(bytes)
  try {
    return decode(reader, lastZxid)
  } catch (error) {
    if (error instanceof DecodeError) throw error
    throw new DecodeError(`not a whole snapshot, at ${reader.at}`, error)
  }
}

function decode(reader: Reader, lastZxid: number): DataTree {
  if (reader.int32() !== MAGIC || reader.int32() !== VERSION) throw new DecodeError('not a snapshot of version 2')
  reader.int64()
  const tree = new DataTree()
  for (let left = readCount(reader, 12); left > 0; left--) tree.restoreSession(reader.bigint64(), reader.int32())
  const acls = new Map<number, readonly Acl[]>([[OPEN_ACL_KEY, OPEN_ACL]])
  for (let left = readCount(reader, 12); left > 0; left--) {
    const key = reader.int64()
    acls.set(key, sharedAcl(readAcl(reader)))
  }
  const stored = new StoredNodes(reader.bytes, acls)
  for (;;) {
    const path = readString(reader)
    if (path === '/') break
    const position = reader.at
    const length = reader.int32()
    reader.slice(Math.max(length, 0) + STAT_BYTES)
    tree.restore(path === '' ? '/' : path, stored.ownerBefore(reader.at), stored, position)
  }
  const checksum = adler32(reader.bytes.subarray(0, reader.at))
  if (reader.int64() !== checksum || readString(reader) !== '/') throw new DecodeError('a snapshot whose checksum does not match')
  tree.restored(lastZxid)
  return tree
}

/** The ACL's key and the stat. */
const STAT_BYTES = 68
const OWNER_BYTES_BEFORE_END = 16

/** The nodes of a snapshot, read when they are looked at. Data are views of the snapshot's memory. */
class StoredNodes implements ContentSource {
  readonly #bytes: Buffer
  readonly #acls: ReadonlyMap<number, readonly Acl[]>

  constructor(bytes: Buffer, acls: ReadonlyMap<number, readonly Acl[]>) {
    this.#bytes = bytes
    this.#acls = acls
  }

  contentAt(position: number): Content {
    const reader = new Reader(this.#bytes, position)
    const data = readBuffer(reader)
    const key = reader.int64()
    const acl = this.#acls.get(key)
    assert(acl !== undefined, `a znode in the snapshot has the ACL ${key}, which the snapshot does not list`)
    return { data, acl, stat: readPersistedStat(reader) }
  }

  /** The `ephemeralOwner` of the node that ends at `end`; for nearly all nodes there is none. */
  ownerBefore(end: number): bigint {
    const at = end - OWNER_BYTES_BEFORE_END
    if (this.#bytes.readInt32BE(at) === 0 && this.#bytes.readInt32BE(at + 4) === 0) return 0n
    return this.#bytes.readBigInt64BE(at)
  }
}
