import { gunzipSync } from 'node:zlib'
import type { Disk, Logger } from '@ottla/env'
import { DecodeError } from '@ottla/wire'
import { decodeSnapshot } from '../snapshot.ts'
import type { DataTree } from '../tree.ts'
import { readWhole } from '../whole-file.ts'
import { epochOf } from '../zxid.ts'
import { readTransactionFile } from './transaction-file.ts'
import { ZooKeeperDataError } from './zookeeper-data-error.ts'

/** Where a ZooKeeper server keeps what it knows. */
export interface ZooKeeperDirectories {
  /** `dataDir` of its configuration, or the `version-2` in it. */
  readonly dataDir: string
  /** `dataLogDir`, where it has one. */
  readonly dataLogDir?: string | undefined
}

interface Parts {
  readonly disk: Disk
  readonly log: Logger
}

interface ZxidFile {
  readonly path: string
  /** A snapshot's last transaction, or a log's first. */
  readonly zxid: number
}

const SNAPSHOT = /^snapshot\.([0-9a-f]{1,16})(?:\.gz)?$/
const LOG = /^log\.([0-9a-f]{1,16})$/
const VERSION_DIRECTORY = 'version-2'

/**
 * The tree of a stopped ZooKeeper server of 3.5 to 3.9: its newest whole snapshot, and the transactions after it. Throws ZooKeeperDataError
 * where there is no such, or transactions are missing in between.
 */
export async function readZooKeeperData(env: Parts, { dataDir, dataLogDir }: ZooKeeperDirectories): Promise<DataTree> {
  const snapshots = await filesOf(env.disk, dataDir, SNAPSHOT)
  const logs = await filesOf(env.disk, dataLogDir ?? dataDir, LOG)
  const tree = await newestTree(env, dataDir, snapshots)
  if (logs.length === 0 && dataLogDir === undefined && tree.lastZxid > 0) {
    throw new ZooKeeperDataError(`${dataDir} has snapshots and no transaction log: name the dataLogDir of ZooKeeper's configuration too`)
  }
  let last = tree.lastZxid
  // of those that begin before the snapshot's end only the last can go on after it
  const from = Math.max(
    0,
    logs.findLastIndex(({ zxid }) => zxid <= last + 1),
  )
  for (const { path } of logs.slice(from)) {
    await withFile(env.disk, path, (file) =>
      readTransactionFile(file, (txn) => {
        const { zxid } = txn.header
        if (zxid <= last) return
        if (zxid !== last + 1 && epochOf(zxid) === epochOf(last)) throw missing(path, last + 1, zxid - 1)
        tree.apply(txn)
        last = zxid
      }),
    )
  }
  return tree
}

async function newestTree({ disk, log }: Parts, directory: string, snapshots: readonly ZxidFile[]): Promise<DataTree> {
  for (const { path, zxid } of snapshots.toReversed()) {
    try {
      const bytes = await withFile(disk, path, readWhole)
      return decodeSnapshot(path.endsWith('.gz') ? gunzipSync(bytes) : bytes, zxid)
    } catch (error) {
      if (!(error instanceof DecodeError) && !path.endsWith('.gz')) throw error
      log.warn('A snapshot of ZooKeeper can not be read; the one before it is taken', { path, error })
    }
  }
  throw new ZooKeeperDataError(
    `${directory} has no snapshot of ZooKeeper that can be read: name the dataDir of its configuration, with a snapshot.<zxid> in ` +
      `${VERSION_DIRECTORY} that is plain or .gz`,
  )
}

/** By zxid. The files lie in `version-2`; who names that one is understood too. */
async function filesOf(disk: Disk, directory: string, pattern: RegExp): Promise<ZxidFile[]> {
  const entries = await disk.list(directory)
  const below = entries.some((entry) => entry.directory && entry.name === VERSION_DIRECTORY)
  const home = below ? `${directory}/${VERSION_DIRECTORY}` : directory
  const files: ZxidFile[] = []
  for (const { name } of below ? await disk.list(home) : entries) {
    const digits = pattern.exec(name)?.[1]
    if (digits !== undefined) files.push({ path: `${home}/${name}`, zxid: Number.parseInt(digits, 16) })
  }
  return files.sort((a, b) => a.zxid - b.zxid)
}

async function withFile<T>(disk: Disk, path: string, work: (file: ReturnType<Disk['open']>) => Promise<T>): Promise<T> {
  const file = disk.open(path, 'read')
  return work(file).finally(() => file.close())
}

function missing(path: string, from: number, to: number): ZooKeeperDataError {
  return new ZooKeeperDataError(
    `the transactions 0x${from.toString(16)} to 0x${to.toString(16)} are in no file before ${path}: a log.<zxid> is missing`,
  )
}
