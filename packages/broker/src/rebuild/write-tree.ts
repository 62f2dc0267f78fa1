import type { Env } from '@ottla/env'
import { writePartitionMetadata } from '@ottla/log'
import type { Operation, ZooKeeper } from '@ottla/zookeeper'
import { prepareCluster } from '../cluster-membership.ts'
import { setMark } from '../kraft/kraft-directories.ts'
import { raiseProducerIds } from '../producer-ids.ts'
import { deletionsPath, encodeOverrides, soleReplicaZnodes, topicConfigPath, topicConfigsPath, topicsPath } from '../topic-znodes.ts'
import { inBatches, removeBelow } from '../znodes.ts'
import type { PlannedTopic, RebuildPlan } from './plan.ts'

/** Makes the tree, a new one or what was read of the old one, say what the plan says. Throws what the plan has problems. */
export async function writeRebuilt(env: Env, zooKeeper: ZooKeeper, plan: RebuildPlan): Promise<void> {
  if (plan.problems.length > 0) throw new Error(plan.problems.join('\n'))
  for (const { unnamed, id } of plan.topics) {
    for (const directory of unnamed) await writePartitionMetadata(env.disk, `${directory}/partition.metadata`, id)
  }
  const clusterId = await prepareCluster(env, zooKeeper, plan.clusterId)
  if (clusterId !== plan.clusterId) throw new Error(`the tree is of cluster ${clusterId}, log.dirs are of ${plan.clusterId}`)
  for (const root of [topicsPath, topicConfigsPath, deletionsPath]) await removeBelow(zooKeeper, root)
  await inBatches(
    zooKeeper,
    plan.topics.flatMap((topic) => topicOperations(topic, plan.brokerId)),
  )
  await raiseProducerIds(zooKeeper, plan.brokerId, plan.nextProducerId)
  if (plan.metadataPlace !== null) await setMark(env, zooKeeper, plan.metadataPlace)
}

function topicOperations({ name, id, leaderEpochs, overrides }: PlannedTopic, brokerId: number): Operation[] {
  const configs = { path: topicConfigPath(name), data: encodeOverrides(overrides) }
  return [configs, ...soleReplicaZnodes(name, id, brokerId, leaderEpochs)].map((znode) => ({ type: 'create', ...znode }))
}
