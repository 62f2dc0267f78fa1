import type { Env } from '@ottla/env'
import { settleLogStarts } from '@ottla/log'
import type { Operation, ZooKeeper } from '@ottla/zookeeper'
import { prepareCluster } from '../cluster-membership.ts'
import { scanDirectories, type Scanned } from '../stopped-directories/directory-scan.ts'
import { checkFeatureLevels } from '../stopped-directories/feature-levels.ts'
import { withLocks } from '../stopped-directories/locked-directories.ts'
import { mustLieHereAlone } from '../stopped-directories/sole-replica.ts'
import { raiseProducerIds } from '../producer-ids.ts'
import { randomId } from '../random-id.ts'
import {
  encodeState,
  encodeTopic,
  hasPartitions,
  partitionPath,
  partitionsPath,
  statePath,
  topicPath,
  topicsPath,
} from '../topic-znodes.ts'
import { childrenOf, inBatches, readFields } from '../znodes.ts'

/** Who takes over whose tree. */
export interface TreeTakeOver {
  readonly brokerId: number
  readonly logDirs: readonly string[]
  readonly clusterId: string
}

/** What of a topic's znodes is to be written anew. */
interface FoundTopic {
  readonly name: string
  readonly operations: readonly Operation[]
  readonly missing: readonly string[]
}

/**
 * Makes the tree of a stopped broker of Kafka 3.9 with ZooKeeper this broker's: nearly all of it is read as it is (topics, configs, quotas,
 * rights, tokens, offsets in /consumers), so only what the log directories know better is raised. `/ottla` comes last: cut short, it begins
 * again. Rejects with a sentence for the operator, before anything is written, where the directories are in use, or of another broker or
 * cluster, a broker is still registered, a feature isn't understood, or a partition lies on other brokers.
 */
export async function takeOverTree(env: Env, zooKeeper: ZooKeeper, asked: TreeTakeOver): Promise<void> {
  await withLocks(env, asked.logDirs, () => takeOverLocked(env, zooKeeper, asked))
}

async function takeOverLocked(env: Env, zooKeeper: ZooKeeper, { brokerId, logDirs, clusterId }: TreeTakeOver): Promise<void> {
  const scanned = await scanDirectories(env, logDirs)
  if (scanned.clusterId !== clusterId) {
    throw new Error(
      `log.dirs belong to cluster ${scanned.clusterId}, and the tree is of Kafka's cluster ${clusterId}: they are not each other's`,
    )
  }
  if (scanned.nodeId !== brokerId)
    throw new Error(`log.dirs belong to broker ${scanned.nodeId}, not ${brokerId}: set broker.id=${scanned.nodeId}`)
  await checkNobodyRuns(zooKeeper)
  checkFeatureLevels(await featuresOf(zooKeeper))
  const topics: FoundTopic[] = []
  for (const name of await childrenOf(zooKeeper, topicsPath)) topics.push(await readFound(env, zooKeeper, name, brokerId, scanned))

  for (const path of logDirs) await settleLogStarts(env, path)
  await inBatches(
    zooKeeper,
    topics.flatMap(({ operations }) => operations),
  )
  await raiseProducerIds(zooKeeper, brokerId, scanned.nextProducerId)
  await prepareCluster(env, zooKeeper)
  const missing = topics.flatMap((topic) => topic.missing)
  if (missing.length > 0) {
    const names = missing.slice(0, 10).join(', ')
    env.log.warn('partitions of the tree have no directory in log.dirs, and begin empty', { count: missing.length, names })
  }
  env.log.info(`took over cluster ${clusterId} from Kafka's tree`, { topics: topics.length })
}

async function checkNobodyRuns(zooKeeper: ZooKeeper): Promise<void> {
  const registered = await childrenOf(zooKeeper, '/brokers/ids')
  if (registered.length > 0) throw new Error(`the tree has Kafka's brokers ${registered.join(', ')} registered: stop them first`)
  const { kraft_controller_id: controller = -1 } = await readFields(zooKeeper, '/migration')
  if (controller !== -1) {
    throw new Error(
      `the tree says in /migration that its cluster moves to KRaft, under controller ${String(controller)}: end the move and take over the ` +
        `directory with its __cluster_metadata-0, or take it back`,
    )
  }
}

/** None where `/feature` is not there, or says that features are off (`status` 0). */
async function featuresOf(zooKeeper: ZooKeeper): Promise<Map<string, number>> {
  const { status, features = {} } = await readFields(zooKeeper, '/feature')
  const levels = Object.entries(features as Record<string, { max_version_level: number }>)
  return new Map(status === 0 ? [] : levels.map(([name, level]) => [name, level.max_version_level]))
}

/** The partition is led in an epoch above all that the log was written in: the start that follows enters the next one. */
async function readFound(
  env: Env,
  zooKeeper: ZooKeeper,
  name: string,
  brokerId: number,
  { leaderEpochs, topicIds }: Scanned,
): Promise<FoundTopic> {
  const { topic_id: id, partitions } = await readFields<{
    topic_id?: string
    partitions: Record<string, number[]>
  }>(zooKeeper, topicPath(name), hasPartitions)
  const assignment = Object.keys(partitions).map((_, partition) => partitions[partition])
  const operations: Operation[] = []
  const create = async (path: string, data: Buffer | null): Promise<void> => {
    if ((await zooKeeper.exists(path)) === null) operations.push({ type: 'create', path, data })
    else if (data !== null) operations.push({ type: 'setData', path, data, version: -1 })
  }
  const missing: string[] = []
  await create(partitionsPath(name), null)
  for (const [partition, replicas] of assignment.entries()) {
    if (replicas === undefined) throw new Error(`the topic ${name} has no partition ${partition}`)
    mustLieHereAlone(`${name}-${partition}`, replicas, brokerId)
    const path = statePath(name, partition)
    const { leader_epoch: known = 0 } = await readFields<{ leader_epoch?: number }>(zooKeeper, path)
    const leaderEpoch = Math.max(known, leaderEpochs.get(`${name}-${partition}`) ?? -1)
    if (!leaderEpochs.has(`${name}-${partition}`)) missing.push(`${name}-${partition}`)
    await create(partitionPath(name, partition), null)
    await create(path, encodeState({ leader: brokerId, leaderEpoch, isr: [brokerId] }, 0))
  }
  // with inter.broker.protocol.version below 2.8 topics have no ids in the tree (KIP-516)
  if (id === undefined) await create(topicPath(name), encodeTopic(topicIds.get(name) ?? randomId(env), assignment as number[][]))
  return { name, operations, missing }
}
