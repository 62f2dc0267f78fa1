import type { Clock } from '@ottla/env'
import { isValidPath } from '@ottla/zookeeper'
import { syncAncestors, type KeeperEnv } from '../keeper.ts'
import { SnapshotFiles } from '../snapshot-files.ts'
import { SPECIAL_PATHS, type DataTree, type FrozenTree } from '../tree.ts'
import { kindOf } from '../znode.ts'
import { epochOf, nextZxid } from '../zxid.ts'
import { readZooKeeperData, type ZooKeeperDirectories } from './data-directory.ts'
import { ZooKeeperDataError } from './zookeeper-data-error.ts'

/** A keeper's files. The side file of a snapshot that did not come to be is nothing. */
const TREE = /^(?:snapshot|entries)\.[0-9a-f]+$/

/** What is imported. */
export interface ZooKeeperData extends ZooKeeperDirectories {
  /** The znode that becomes the root of the new tree, such as the `/kafka` of Kafka's `zookeeper.connect`; unless told, the root itself. */
  readonly chroot?: string | undefined
}

export interface Imported {
  readonly znodes: number
  /** Of clients that had not said goodbye when ZooKeeper stopped. */
  readonly endedSessions: number
  readonly lastZxid: number
}

/**
 * Makes `directory`, which no keeper has had yet, a keeper's that knows what a stopped ZooKeeper knew: all znodes with their stats and ACLs,
 * but the ephemeral ones, whose sessions have ended. ZooKeeper's files stay as they are. The keeper goes on in the epoch after ZooKeeper's, so that
 * no zxid comes back. Is done whole or not at all; rejects with ZooKeeperDataError, or EnvError where a file can't be read.
 */
export async function importZooKeeperData(env: KeeperEnv, directory: string, data: ZooKeeperData): Promise<Imported> {
  await env.disk.createDirectory(directory)
  await syncAncestors(env.disk, directory)
  const lock = env.disk.lock(`${directory}/lock`)
  try {
    const known = (await env.disk.list(directory)).find(({ name }) => TREE.test(name))
    if (known !== undefined) {
      throw new ZooKeeperDataError(`${directory} has a tree already, in ${known.name}: name a keeper.dir that is empty, or remove it first`)
    }
    const tree = await readZooKeeperData(env, data)
    const endedSessions = endSessions(tree, env.clock)
    const frozen = rebased(tree.freeze(), data.chroot ?? '/')
    // as if it had been the log's first entry: where the snapshot is lost, the log alone is known not to be whole
    const place = { index: 1, term: epochOf(tree.lastZxid) + 1, attributes: {} }
    await new SnapshotFiles(env, directory).write(frozen, place)
    return { znodes: frozen.nodes.length, endedSessions, lastZxid: tree.lastZxid }
  } finally {
    lock.release()
  }
}

/** Those in the table, and those that only a znode of theirs tells of. */
function endSessions(tree: DataTree, clock: Clock): number {
  const sessionIds = new Set(tree.sessions.keys())
  for (const [, { stat }] of tree.freeze().nodes) if (kindOf(stat.ephemeralOwner) === 'ephemeral') sessionIds.add(stat.ephemeralOwner)
  for (const sessionId of sessionIds) {
    const zxid = nextZxid(tree.lastZxid, epochOf(tree.lastZxid))
    tree.apply({ header: { sessionId, cxid: 0, zxid, timeMs: clock.now() }, record: { type: 'closeSession', paths: null } })
  }
  return sessionIds.size
}

/** What lies beside `chroot` is other programs'. ZooKeeper's own znodes are not below it, and stay. */
function rebased(tree: FrozenTree, chroot: string): FrozenTree {
  if (chroot === '/') return tree
  if (!isValidPath(chroot) || !tree.nodes.some(([path]) => path === chroot)) {
    throw new ZooKeeperDataError(`ZooKeeper has no znode ${chroot} to take as the root`)
  }
  const nodes = tree.nodes.flatMap(([path, node]) => {
    if (path === chroot) return [['/', node] as const]
    return path.startsWith(`${chroot}/`) ? [[path.slice(chroot.length), node] as const] : []
  })
  const own = tree.nodes.filter(([path]) => path !== '/' && SPECIAL_PATHS.has(path))
  return { ...tree, nodes: [...nodes, ...own] }
}
