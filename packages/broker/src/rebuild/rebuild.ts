import type { Env } from '@ottla/env'
import type { ZooKeeper } from '@ottla/zookeeper'
import type { BrokerConfig } from '../configs/broker-config.ts'
import { metadataPlaces } from '../kraft/kraft-directories.ts'
import type { RebuildAsked, RebuildPlan } from './plan.ts'

export type { PlannedTopic, RebuildAsked, RebuildPlan } from './plan.ts'

/**
 * Plans the tree that belongs to `log.dirs`, and gives the plan to `act`, whose `write` makes a tree say it: a new one, or one that has what
 * was read of the old one. Meanwhile the directories are locked: rejects where a broker runs on them, or they are not one broker's.
 */
export async function rebuildTree(
  env: Env,
  config: BrokerConfig,
  asked: RebuildAsked,
  act: (plan: RebuildPlan, write: (zooKeeper: ZooKeeper) => Promise<void>) => Promise<void>,
): Promise<void> {
  const [{ planRebuild }, { writeRebuilt }, { withLocks }] = await Promise.all([
    import('./plan.ts'),
    import('./write-tree.ts'),
    import('../stopped-directories/locked-directories.ts'),
  ])
  await withLocks(env, metadataPlaces(config), async () => {
    const plan = await planRebuild(env, config, asked)
    await act(plan, (zooKeeper) => writeRebuilt(env, zooKeeper, plan))
  })
}
