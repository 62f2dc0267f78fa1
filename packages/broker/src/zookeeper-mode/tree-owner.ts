import type { Env } from '@ottla/env'
import { readMetaProperties } from '@ottla/log'
import type { ZooKeeper } from '@ottla/zookeeper'
import type { BrokerConfig } from '../configs/broker-config.ts'
import { clusterIdOf, dataOf } from '../znodes.ts'

/** Where the tree is of Kafka with ZooKeeper (a cluster, and no `/ottla`), makes it Ottla's (`take-over.ts`). Nearly always this is one look. */
export async function takeOverZooKeeperMode(env: Env, zooKeeper: ZooKeeper, { brokerId, logDirs }: BrokerConfig): Promise<void> {
  if (await dataOf(zooKeeper, '/ottla')) return
  const clusterId = await clusterIdOf(zooKeeper)
  if (clusterId === null) return
  const owners = await Promise.all(logDirs.map((path) => readMetaProperties(env.disk, path)))
  if (owners.every((owner) => owner === null)) {
    throw new Error(
      `the tree is of Kafka's cluster ${clusterId}, and log.dirs (${logDirs.join(', ')}) are of none: to take it over, name the directories of ` +
        `its stopped broker; else use another tree, such as another chroot`,
    )
  }
  const { takeOverTree } = await import('./take-over.ts')
  await takeOverTree(env, zooKeeper, { brokerId, logDirs, clusterId })
}
