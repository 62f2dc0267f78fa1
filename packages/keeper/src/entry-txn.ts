import { Reader, type Writer } from '@ottla/wire'
import { readTxn, writeTxn, type Txn } from '@ottla/zookeeper'
import type { Origin } from './requests.ts'

/** A transaction and the request that it answers: what the log and the ensemble carry. */
export interface EntryTxn {
  readonly origin: Origin
  readonly txn: Txn
}

/** The payload of an entry of kind `txn`: u32 server id, u64 request number, then ZooKeeper's form of the transaction. */
export function writeEntryTxn(writer: Writer, { origin, txn }: EntryTxn): void {
  writer.uint32(origin.serverId)
  writer.int64(origin.requestNumber)
  writeTxn(writer, txn)
}

/** The inverse; the payload's memory is free for reuse. */
export function readEntryTxn(payload: Buffer): EntryTxn {
  const reader = new Reader(payload)
  return { origin: { serverId: reader.uint32(), requestNumber: reader.int64() }, txn: readTxn(reader) }
}
