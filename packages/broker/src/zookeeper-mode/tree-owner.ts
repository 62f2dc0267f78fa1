import type { Env } from '@ottla/env'
import type { ZooKeeper } from '@ottla/zookeeper'
import type { BrokerConfig } from '../configs/broker-config.ts'
import { dataOf } from '../znodes.ts'

/** Where the tree is of Kafka with ZooKeeper (a cluster, and no `/ottla`), makes it Ottla's (`take-over.ts`). Nearly always this is one look. */
export async function takeOverZooKeeperMode(env: Env, zooKeeper: ZooKeeper, { brokerId, logDirs }: BrokerConfig): Promise<void> {
  if (await dataOf(zooKeeper, '/ottla')) return
  const cluster = await dataOf(zooKeeper, '/cluster/id')
  if (!cluster) return
  const { takeOverTree } = await import('./take-over.ts')
  const { id: clusterId } = JSON.parse(cluster.toString()) as { id: string }
  await takeOverTree(env, zooKeeper, { brokerId, logDirs, clusterId })
}
