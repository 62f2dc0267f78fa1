import type { Reader, Writer } from '@ottla/wire'

/** A znode's Stat as a snapshot has it: `cversion` counts creates only, and `ephemeralOwner` marks containers and ttl znodes too. */
export interface PersistedStat {
  czxid: number
  mzxid: number
  ctime: number
  mtime: number
  version: number
  cversion: number
  aversion: number
  ephemeralOwner: bigint
  pzxid: number
}

export function writePersistedStat(writer: Writer, stat: Readonly<PersistedStat>): void {
  writer.int64(stat.czxid)
  writer.int64(stat.mzxid)
  writer.int64(stat.ctime)
  writer.int64(stat.mtime)
  writer.int32(stat.version)
  writer.int32(stat.cversion)
  writer.int32(stat.aversion)
  writer.bigint64(stat.ephemeralOwner)
  writer.int64(stat.pzxid)
}

export function readPersistedStat(reader: Reader): PersistedStat {
  return {
    czxid: reader.int64(),
    mzxid: reader.int64(),
    ctime: reader.int64(),
    mtime: reader.int64(),
    version: reader.int32(),
    cversion: reader.int32(),
    aversion: reader.int32(),
    ephemeralOwner: reader.bigint64(),
    pzxid: reader.int64(),
  }
}
