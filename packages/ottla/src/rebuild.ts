import { basename, dirname, isAbsolute, relative, sep } from 'node:path'
import type { Disk, Env } from '@ottla/env'
import { listIfThere } from '@ottla/env/files'
import { clusterIdOf, rebuildTree, type BrokerConfig, type RebuildAsked, type RebuildPlan } from '@ottla/broker'
import { hasTree, salvage, withKeeper, type Salvaged } from '@ottla/keeper'
import type { ZooKeeper } from '@ottla/zookeeper'

export interface RebuildOptions extends Omit<RebuildAsked, 'from'> {
  /** What the old tree still gives counts, beside log.dirs. */
  readonly fromKeeper: boolean
  /** Else it is only planned. */
  readonly write: boolean
}

/** Behind the name of what is moved aside, before the time. */
const ASIDE = '.aside-'

/** What a rebuild came to, or would. */
export interface Rebuilt {
  readonly plan: RebuildPlan
  /** What can be read of the old tree; null: there is none. */
  readonly old: Pick<Salvaged, 'damage' | 'lastZxid' | 'lostZxid'> | null
  /** The tree was written. */
  readonly written: boolean
  /** Where the old directory lies now; null: there was nothing in it. */
  readonly aside: string | null
  /** What earlier rebuilds moved aside. */
  readonly earlier: readonly string[]
}

/**
 * Makes a new tree for the logs in `log.dirs` of a stopped broker, and moves the old `keeper.dir` aside, whatever it holds. May be cut short
 * anywhere and begun again. Rejects with a sentence for the operator where it must not be, or the old tree is whole and needs none.
 */
export async function rebuild(env: Env, config: BrokerConfig, options: RebuildOptions): Promise<Rebuilt> {
  const keeperDir = config.keeperDir.replace(/(?<=.)\/+$/, '')
  refuseOverlap(keeperDir, config.logDirs)
  await refuseFile(env.disk, keeperDir)
  const isThere = await hasTree(env, keeperDir)
  const lock = isThere ? env.disk.lock(`${keeperDir}/lock`) : null
  try {
    const old = isThere ? await salvage(env, keeperDir) : null
    const oldId = old === null ? null : await clusterIdOf(old)
    if (options.fromKeeper && oldId === null) throw new Error(`nothing can be read in ${keeperDir}: leave out --from-keeper`)
    const earlier = await earlierAsides(env.disk, keeperDir)
    let rebuilt: Rebuilt | undefined
    await rebuildTree(env, config, { ...options, from: options.fromKeeper ? old : null }, async (plan, write) => {
      checkOld(keeperDir, old, oldId, plan, options)
      const isWritten = options.write && plan.problems.length === 0
      const aside = isWritten ? await replace(env, keeperDir, options.fromKeeper ? old : null, write) : null
      rebuilt = { plan, old, written: isWritten, aside, earlier }
    })
    return rebuilt!
  } finally {
    lock?.release()
  }
}

function checkOld(keeperDir: string, old: Salvaged | null, oldId: string | null, plan: RebuildPlan, { fromKeeper }: RebuildOptions): void {
  if (old === null) return
  if (fromKeeper && oldId !== plan.clusterId) {
    throw new Error(`${keeperDir} holds the tree of cluster ${oldId}, log.dirs are of ${plan.clusterId}: leave out --from-keeper`)
  }
  if (fromKeeper || old.damage !== null || oldId !== plan.clusterId) return
  throw new Error(
    `${keeperDir} holds the whole tree of cluster ${oldId}, so nothing needs to be rebuilt. With --from-keeper it is kept and made to say ` +
      `what log.dirs have; for a tree from log.dirs alone move it away first`,
  )
}

/** The new tree is whole on the disk before it gets its name; without one a start is refused. */
async function replace(
  env: Env,
  keeperDir: string,
  from: Salvaged | null,
  write: (zooKeeper: ZooKeeper) => Promise<void>,
): Promise<string | null> {
  const { disk } = env
  const made = `${keeperDir}.rebuilding`
  await disk.remove(made)
  await disk.createDirectory(made)
  await from?.writeTo(made)
  await withKeeper(env, made, write)
  const isEmpty = ((await listIfThere(disk, keeperDir)) ?? []).length === 0
  const aside = isEmpty ? null : `${keeperDir}${ASIDE}${env.clock.now()}`
  if (aside === null) await disk.remove(keeperDir)
  else await disk.rename(keeperDir, aside)
  await disk.rename(made, keeperDir)
  await disk.syncDirectory(dirname(keeperDir))
  return aside
}

async function earlierAsides(disk: Disk, keeperDir: string): Promise<string[]> {
  const prefix = basename(keeperDir) + ASIDE
  const entries = await disk.list(dirname(keeperDir)).catch(() => [])
  return entries.flatMap(({ name }) => (name.startsWith(prefix) ? [`${keeperDir}${name.slice(prefix.length - ASIDE.length)}`] : [])).sort()
}

/** The old directory is moved aside whole, so no records may lie in it; and beside a partition's directory its new name looks like another's. */
function refuseOverlap(keeperDir: string, logDirs: readonly string[]): void {
  for (const path of logDirs) {
    if (!isWithin(keeperDir, path) && !isWithin(path, keeperDir)) continue
    throw new Error(
      `keeper.dir=${keeperDir} and ${path} of log.dirs lie one within the other: move one of them out, or set keeper.dir to another directory`,
    )
  }
}

/** Also where they are the same. */
function isWithin(path: string, directory: string): boolean {
  const way = relative(directory, path)
  return way.split(sep)[0] !== '..' && !isAbsolute(way)
}

/** To a listing a file is as good as nothing, and nothing is what may be removed. */
async function refuseFile(disk: Disk, keeperDir: string): Promise<void> {
  const entries = await disk.list(dirname(keeperDir)).catch(() => [])
  if (!entries.some(({ name, directory }) => name === basename(keeperDir) && !directory)) return
  throw new Error(`keeper.dir=${keeperDir} is a file: it must be a directory, or nothing yet`)
}
