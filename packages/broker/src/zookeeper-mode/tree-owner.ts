import type { Env } from '@ottla/env'
import type { ZooKeeper } from '@ottla/zookeeper'
import type { BrokerConfig } from '../configs/broker-config.ts'
import { clusterIdOf, dataOf } from '../znodes.ts'

/** Where the tree is of Kafka with ZooKeeper (a cluster, and no `/ottla`), makes it Ottla's (`take-over.ts`). Nearly always this is one look. */
export async function takeOverZooKeeperMode(env: Env, zooKeeper: ZooKeeper, { brokerId, logDirs }: BrokerConfig): Promise<void> {
  if (await dataOf(zooKeeper, '/ottla')) return
  const clusterId = await clusterIdOf(zooKeeper)
  if (clusterId === null) return
  const { takeOverTree } = await import('./take-over.ts')
  await takeOverTree(env, zooKeeper, { brokerId, logDirs, clusterId })
}
