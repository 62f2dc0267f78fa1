import type { Env } from '@ottla/env'
import { writePartitionMetadata } from '@ottla/log'
import type { Operation, ZooKeeper } from '@ottla/zookeeper'
import { prepareCluster } from '../cluster-membership.ts'
import { setMark } from '../kraft/kraft-directories.ts'
import { raiseProducerIds } from '../producer-ids.ts'
import {
  deletionPath,
  encodeOverrides,
  encodeState,
  encodeTopic,
  statePath,
  topicConfigPath,
  topicPath,
  topicsPath,
} from '../topic-znodes.ts'
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
  const roots = [topicsPath, topicConfigPath('').slice(0, -1), deletionPath('').slice(0, -1)]
  for (const root of roots) await removeBelow(zooKeeper, root)
  await inBatches(
    zooKeeper,
    plan.topics.flatMap((topic) => topicOperations(topic, plan.brokerId)),
  )
  await raiseProducerIds(zooKeeper, plan.brokerId, plan.nextProducerId)
  if (plan.metadataPlace !== null) await setMark(env, zooKeeper, plan.metadataPlace)
}

function topicOperations({ name, id, leaderEpochs, overrides }: PlannedTopic, brokerId: number): Operation[] {
  const operations: Operation[] = [
    {
      type: 'create',
      path: topicPath(name),
      data: encodeTopic(
        id,
        leaderEpochs.map(() => [brokerId]),
      ),
    },
    { type: 'create', path: `${topicPath(name)}/partitions`, data: null },
    { type: 'create', path: topicConfigPath(name), data: encodeOverrides(overrides) },
  ]
  leaderEpochs.forEach((leaderEpoch, partition) => {
    const path = statePath(name, partition)
    operations.push({ type: 'create', path: path.slice(0, -'/state'.length), data: null })
    operations.push({ type: 'create', path, data: encodeState({ leader: brokerId, leaderEpoch, isr: [brokerId] }, 0) })
  })
  return operations
}
