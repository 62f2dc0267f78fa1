import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DecodeError, Reader, Writer } from '@ottla/wire'
import { OPEN_ACL } from './acl.ts'
import { readStat, writeStat } from './stat.ts'
import { readTxn, writeTxn, type TxnRecord } from './txns.ts'

const HEADER = { sessionId: -0x7edcba9876543210n, cxid: 7, zxid: 0x1234500000007, timeMs: 1_700_000_000_000 }
const CREATE = { type: 'create', path: '/a', acl: OPEN_ACL, ttlMs: 0, parentCversion: 3 } as const
const RECORDS: TxnRecord[] = [
  { ...CREATE, data: null, kind: 'persistent' },
  { ...CREATE, data: Buffer.alloc(0), kind: 'ephemeral' },
  { ...CREATE, data: Buffer.alloc(2000, 1), kind: 'container' },
  { ...CREATE, data: Buffer.from('x'), kind: 'ttl', ttlMs: 2 ** 40 - 1 },
  { type: 'delete', path: '/a' },
  { type: 'deleteContainer', path: '/a' },
  { type: 'setData', path: '/größe', data: Buffer.from('ü'), version: 1 },
  { type: 'setAcl', path: '/a', acl: OPEN_ACL, version: 2 },
  { type: 'check', path: '/a', version: -1 },
  {
    type: 'multi',
    records: [
      { type: 'delete', path: '/a' },
      { ...CREATE, data: Buffer.alloc(600), kind: 'persistent' },
    ],
  },
  {
    type: 'multi',
    records: [
      { type: 'error', number: 0 },
      { type: 'error', number: -101 },
    ],
  },
  { type: 'createSession', timeoutMs: 30_000 },
  { type: 'closeSession', paths: ['/a', '/b'] },
  { type: 'closeSession', paths: null },
  { type: 'error', number: -110 },
]

function bytesOf(record: TxnRecord): Buffer {
  const writer = new Writer()
  writeTxn(writer, { header: HEADER, record })
  return writer.toBuffer()
}

test('transactions come back as they were written, with or without a digest behind them', () => {
  for (const record of RECORDS) {
    const bytes = bytesOf(record)
    assert.deepEqual(readTxn(new Reader(bytes)), { header: HEADER, record })
    if (record.type === 'closeSession' && record.paths === null) continue
    assert.deepEqual(readTxn(new Reader(Buffer.concat([bytes, Buffer.alloc(12, 2)]))).record, record)
  }
})

test('a transaction that is cut short, or of no known type, is refused', () => {
  for (const record of RECORDS) {
    const bytes = bytesOf(record)
    // An old log's create ends before the parent's cversion, an old closeSession before its list.
    for (let length = 0; length < bytes.length - 13; length++) {
      try {
        readTxn(new Reader(bytes.subarray(0, length)))
        assert.ok(record.type === 'closeSession' || record.type === 'create', `${record.type} cut to ${length}`)
      } catch (error) {
        assert.ok(error instanceof DecodeError || error instanceof RangeError, String(error))
      }
    }
  }
  const unknown = bytesOf(RECORDS[4]!)
  unknown.writeInt32BE(99, 28)
  assert.throws(() => readTxn(new Reader(unknown)), DecodeError)
})

test('a Stat has 68 bytes', () => {
  const stat = {
    czxid: 0x1000000001,
    mzxid: 2,
    ctime: 1_700_000_000_000,
    mtime: 4,
    version: 5,
    cversion: -1,
    aversion: 7,
    ephemeralOwner: -8n,
    dataLength: 9,
    numChildren: 10,
    pzxid: 11,
  }
  const writer = new Writer()
  writeStat(writer, stat)
  const bytes = writer.toBuffer()
  assert.equal(bytes.length, 68)
  assert.deepEqual(readStat(new Reader(bytes)), stat)
})
