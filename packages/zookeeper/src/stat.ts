import type { Reader, Writer } from '@ottla/wire'

/**
 * What ZooKeeper tells about a znode. Zxids are numbers: epoch * 2^32 + counter, exact while the epoch is below 2^21, which no
 * ensemble reaches by electing leaders. Times are milliseconds since 1970. `cversion` counts the creates and deletes of children.
 */
export interface Stat {
  readonly czxid: number
  readonly mzxid: number
  readonly ctime: number
  readonly mtime: number
  readonly version: number
  readonly cversion: number
  readonly aversion: number
  /** The session that owns an ephemeral; 0n for every other znode. A bigint: session ids have the server in their top byte. */
  readonly ephemeralOwner: bigint
  readonly dataLength: number
  readonly numChildren: number
  readonly pzxid: number
}

/** The 68 bytes of a Stat in a reply. */
export function writeStat(writer: Writer, stat: Stat): void {
  writer.int64(stat.czxid)
  writer.int64(stat.mzxid)
  writer.int64(stat.ctime)
  writer.int64(stat.mtime)
  writer.int32(stat.version)
  writer.int32(stat.cversion)
  writer.int32(stat.aversion)
  writer.bigint64(stat.ephemeralOwner)
  writer.int32(stat.dataLength)
  writer.int32(stat.numChildren)
  writer.int64(stat.pzxid)
}

/** The inverse of `writeStat`. */
export function readStat(reader: Reader): Stat {
  return {
    czxid: reader.int64(),
    mzxid: reader.int64(),
    ctime: reader.int64(),
    mtime: reader.int64(),
    version: reader.int32(),
    cversion: reader.int32(),
    aversion: reader.int32(),
    ephemeralOwner: reader.bigint64(),
    dataLength: reader.int32(),
    numChildren: reader.int32(),
    pzxid: reader.int64(),
  }
}
