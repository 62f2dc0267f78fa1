import { DecodeError, Reader, Writer } from '@ottla/wire'
import type { Acl } from './acl.ts'
import {
  readAcl,
  readBuffer,
  readBufferCopy,
  readCount,
  readString,
  readStrings,
  writeAcl,
  writeBuffer,
  writeString,
  writeStrings,
} from './jute.ts'

/** Who did it, which of their requests it was, when: the leader decides all of it once. */
export interface TxnHeader {
  readonly sessionId: bigint
  readonly cxid: number
  readonly zxid: number
  readonly timeMs: number
}

/**
 * A resolved change: names, versions and counters are final, so that to apply it can not fail. `parentCversion` is the parent's new count
 * of creates, -1: one more than it has. `version` is the new one, but in `check`. A `multi` that was refused has nothing but errors
 * in it. `error` takes its zxid and changes nothing; 0 is Ok.
 */
export type TxnRecord =
  | {
      readonly type: 'create'
      readonly path: string
      readonly data: Buffer | null
      readonly acl: readonly Acl[]
      readonly kind: CreateKind
      readonly ttlMs: number
      readonly parentCversion: number
    }
  | { readonly type: 'delete'; readonly path: string }
  | { readonly type: 'deleteContainer'; readonly path: string }
  | { readonly type: 'setData'; readonly path: string; readonly data: Buffer | null; readonly version: number }
  | { readonly type: 'setAcl'; readonly path: string; readonly acl: readonly Acl[]; readonly version: number }
  | { readonly type: 'check'; readonly path: string; readonly version: number }
  | { readonly type: 'multi'; readonly records: readonly TxnRecord[] }
  | { readonly type: 'createSession'; readonly timeoutMs: number }
  | { readonly type: 'closeSession'; readonly paths: readonly string[] | null }
  | { readonly type: 'error'; readonly number: number }

export type CreateKind = 'persistent' | 'ephemeral' | 'container' | 'ttl'

export interface Txn {
  readonly header: TxnHeader
  readonly record: TxnRecord
}

const CREATE = 1
const DELETE = 2
const SET_DATA = 5
const SET_ACL = 7
const CHECK = 13
const MULTI = 14
const CREATE2 = 15
const RECONFIG = 16
const CREATE_CONTAINER = 19
const DELETE_CONTAINER = 20
const CREATE_TTL = 21
const CREATE_SESSION = -10
const CLOSE_SESSION = -11
const ERROR = -1

/** ZooKeeper's own form of a transaction: header and record (disk.md 2), without its digest. */
export function writeTxn(writer: Writer, txn: Txn): void {
  const { header, record } = txn
  writer.bigint64(header.sessionId)
  writer.int32(header.cxid)
  writer.int64(header.zxid)
  writer.int64(header.timeMs)
  writer.int32(typeOf(record))
  writeRecord(writer, record)
}

/** The inverse, whether ZooKeeper's digest follows or not. Data are copies, so the reader's memory is free for reuse. */
export function readTxn(reader: Reader): Txn {
  const sessionId = reader.bigint64()
  const cxid = reader.int32()
  const zxid = reader.int64()
  const timeMs = reader.int64()
  const type = reader.int32()
  return { header: { sessionId, cxid, zxid, timeMs }, record: readRecord(reader, type, false) }
}

function typeOf(record: TxnRecord): number {
  switch (record.type) {
    case 'create':
      return record.kind === 'container' ? CREATE_CONTAINER : record.kind === 'ttl' ? CREATE_TTL : CREATE
    case 'delete':
      return DELETE
    case 'deleteContainer':
      return DELETE_CONTAINER
    case 'setData':
      return SET_DATA
    case 'setAcl':
      return SET_ACL
    case 'check':
      return CHECK
    case 'multi':
      return MULTI
    case 'createSession':
      return CREATE_SESSION
    case 'closeSession':
      return CLOSE_SESSION
    case 'error':
      return ERROR
  }
}

function writeRecord(writer: Writer, record: TxnRecord): void {
  switch (record.type) {
    case 'create':
      writeString(writer, record.path)
      writeBuffer(writer, record.data)
      writeAcl(writer, record.acl)
      if (record.kind === 'persistent' || record.kind === 'ephemeral') writer.bool(record.kind === 'ephemeral')
      writer.int32(record.parentCversion)
      if (record.kind === 'ttl') writer.int64(record.ttlMs)
      return
    case 'delete':
    case 'deleteContainer':
      writeString(writer, record.path)
      return
    case 'setData':
      writeString(writer, record.path)
      writeBuffer(writer, record.data)
      writer.int32(record.version)
      return
    case 'setAcl':
      writeString(writer, record.path)
      writeAcl(writer, record.acl)
      writer.int32(record.version)
      return
    case 'check':
      writeString(writer, record.path)
      writer.int32(record.version)
      return
    case 'multi':
      writer.int32(record.records.length)
      for (const item of record.records) {
        writer.int32(typeOf(item))
        const inner = new Writer()
        writeRecord(inner, item)
        writer.int32(inner.length)
        writer.append(inner)
      }
      return
    case 'createSession':
      writer.int32(record.timeoutMs)
      return
    case 'closeSession':
      if (record.paths !== null) writeStrings(writer, record.paths)
      return
    case 'error':
      writer.int32(record.number)
  }
}

function readRecord(reader: Reader, type: number, insideMulti: boolean): TxnRecord {
  switch (type) {
    case CREATE:
    case CREATE2:
      return readCreate(reader, 'persistent')
    case CREATE_CONTAINER:
      return readCreate(reader, 'container')
    case CREATE_TTL:
      return readCreate(reader, 'ttl')
    case DELETE:
      return { type: 'delete', path: readString(reader) }
    case DELETE_CONTAINER:
      return { type: 'deleteContainer', path: readString(reader) }
    case SET_DATA:
    case RECONFIG:
      return { type: 'setData', path: readString(reader), data: readBufferCopy(reader), version: reader.int32() }
    case SET_ACL:
      return { type: 'setAcl', path: readString(reader), acl: readAcl(reader), version: reader.int32() }
    case CHECK:
      return { type: 'check', path: readString(reader), version: reader.int32() }
    case ERROR:
      return { type: 'error', number: reader.int32() }
  }
  if (insideMulti) throw new DecodeError(`a multi has an operation of type ${type}`)
  switch (type) {
    case MULTI:
      return readMulti(reader)
    case CREATE_SESSION:
      return { type: 'createSession', timeoutMs: reader.int32() }
    case CLOSE_SESSION:
      // Before 3.6 the record was empty: then whoever applies it knows the session's ephemerals.
      return { type: 'closeSession', paths: reader.left === 0 ? null : readStrings(reader) }
  }
  throw new DecodeError(`a transaction of unknown type ${type}`)
}

function readCreate(reader: Reader, kind: CreateKind): TxnRecord {
  const path = readString(reader)
  const data = readBufferCopy(reader)
  const acl = readAcl(reader)
  if (kind === 'persistent' && reader.bool()) kind = 'ephemeral'
  // Very old logs lack it.
  const parentCversion = reader.left === 0 ? -1 : reader.int32()
  const ttlMs = kind === 'ttl' ? reader.int64() : 0
  return { type: 'create', path, data, acl, kind, ttlMs, parentCversion }
}

function readMulti(reader: Reader): TxnRecord {
  const records: TxnRecord[] = []
  for (let left = readCount(reader, 8); left > 0; left--) {
    const type = reader.int32()
    const bytes = readBuffer(reader)
    if (bytes === null) throw new DecodeError('an operation of a multi is null')
    records.push(readRecord(new Reader(bytes), type, true))
  }
  return { type: 'multi', records }
}
