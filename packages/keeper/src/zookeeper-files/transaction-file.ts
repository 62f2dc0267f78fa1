import type { File } from '@ottla/env'
import { DecodeError, Reader } from '@ottla/wire'
import { readTxn, type Txn } from '@ottla/zookeeper'
import { adler32 } from '../adler32.ts'
import { ENTRY_BYTES_MAX } from '../log-entry.ts'
import { ZooKeeperDataError } from './zookeeper-data-error.ts'

const MAGIC = 0x5a4b4c47
const VERSION = 2
const HEADER_BYTES = 16
/** The checksum and the length. */
const ENTRY_HEAD_BYTES = 12
const ENTRY_END = 0x42
const WINDOW_BYTES = 1 << 20

/**
 * Reads a `log.<zxid>` of ZooKeeper (disk.md 2) in order. It ends where ZooKeeper takes it to end: at the zeros that it was grown by, or
 * where the file does. Throws ZooKeeperDataError where an entry is damaged, as ZooKeeper would not start on it either.
 */
export async function readTransactionFile(file: File, visit: (txn: Txn) => void): Promise<void> {
  const window = new Window(file)
  const header = await window.take(HEADER_BYTES)
  // ZooKeeper had not come to write it
  if (header === null || header.every((byte) => byte === 0)) return
  if (header.readUInt32BE(0) !== MAGIC || header.readInt32BE(4) !== VERSION) {
    throw new ZooKeeperDataError(`${file.path} is not a transaction log of ZooKeeper, version ${VERSION}`)
  }
  for (;;) {
    const start = window.position
    const head = await window.take(ENTRY_HEAD_BYTES)
    if (head === null) return
    const checksum = head.readBigInt64BE(0)
    const length = head.readInt32BE(8)
    if (length === 0) return
    if (length < 0 || length > ENTRY_BYTES_MAX) throw damaged(file, start)
    const entry = await window.take(length + 1)
    if (entry === null) return
    const bytes = entry.subarray(0, length)
    if (entry[length] !== ENTRY_END || BigInt(adler32(bytes)) !== checksum) throw damaged(file, start)
    visit(decode(file, start, bytes))
  }
}

function decode(file: File, at: number, bytes: Buffer): Txn {
  try {
    return readTxn(new Reader(bytes))
  } catch (error) {
    if (!(error instanceof DecodeError) && !(error instanceof RangeError)) throw error
    throw new ZooKeeperDataError(`${file.path} has a transaction at ${at} that can not be understood: ${error.message}`, error)
  }
}

function damaged(file: File, at: number): ZooKeeperDataError {
  return new ZooKeeperDataError(`${file.path} is damaged at ${at}; take the data of another server of the ensemble, or a backup`)
}

/** A file from its beginning to its end, of which little more than the entry at hand is in memory. */
class Window {
  readonly #file: File
  readonly #sizeBytes: number
  #bytes = Buffer.alloc(0)
  #at = 0
  /** Where in the file `#bytes` ends. */
  #end = 0

  constructor(file: File) {
    this.#file = file
    this.#sizeBytes = file.sizeBytes()
  }

  get position(): number {
    return this.#end - (this.#bytes.length - this.#at)
  }

  /** The next bytes, which are good until the next call; null where there are fewer. */
  async take(count: number): Promise<Buffer | null> {
    const left = this.#bytes.length - this.#at
    if (left < count && !(await this.#fill(left, count))) return null
    this.#at += count
    return this.#bytes.subarray(this.#at - count, this.#at)
  }

  async #fill(left: number, count: number): Promise<boolean> {
    if (this.#sizeBytes - this.#end < count - left) return false
    const bytes = Buffer.allocUnsafe(Math.min(Math.max(count, WINDOW_BYTES), left + this.#sizeBytes - this.#end))
    this.#bytes.copy(bytes, 0, this.#at)
    const got = await this.#file.readLater(this.#end, bytes.subarray(left))
    this.#bytes = bytes.subarray(0, left + got)
    this.#at = 0
    this.#end += got
    return left + got >= count
  }
}
