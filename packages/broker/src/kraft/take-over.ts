import type { Env } from '@ottla/env'
import { settleLogStarts } from '@ottla/log'
import type { Operation, ZooKeeper } from '@ottla/zookeeper'
import { prepareCluster } from '../cluster-membership.ts'
import { deletionsPath, topicConfigsPath, topicsPath } from '../topic-znodes.ts'
import { clusterIdOf, inBatches, putData, removeBelow, type Znode } from '../znodes.ts'
import { raiseProducerIds } from '../producer-ids.ts'
import { scanDirectories } from '../stopped-directories/directory-scan.ts'
import { checkFeatureLevels } from '../stopped-directories/feature-levels.ts'
import { encodeFeatures, imageZnodes } from './image-znodes.ts'
import { withLocks } from '../stopped-directories/locked-directories.ts'
import { readMetadata } from './metadata-log.ts'
import { mustBeOnlyVoter } from './quorum-voters.ts'

/** Who takes over what. */
export interface TakeOver {
  readonly brokerId: number
  readonly logDirs: readonly string[]
  /** The `__cluster_metadata-0` in one of them. */
  readonly metadataLog: string
}

/** What the metadata says has one place in the tree; all below it is the take-over's. */
const PLACES = [
  topicsPath,
  topicConfigsPath,
  '/config/clients',
  '/config/users',
  '/config/brokers',
  '/config/ips',
  '/config/groups',
  '/config/client-metrics',
  deletionsPath,
  '/kafka-acl',
  '/kafka-acl-extended',
  '/delegation_token/tokens',
]
const PARENTS = ['/config/groups', '/config/client-metrics']

/**
 * Makes the tree say what a KRaft cluster's metadata says, in place of all that it said of topics, configs, quotas, features and rights.
 * May be cut short anywhere and begun again. Rejects with a sentence for the operator, before anything is written, where the directories
 * are in use, or of another broker or cluster, a feature is at a level that isn't
 * understood, several controllers voted, or a partition lies on other brokers.
 */
export async function takeOver(env: Env, zooKeeper: ZooKeeper, asked: TakeOver): Promise<void> {
  await withLocks(env, asked.logDirs, () => takeOverLocked(env, zooKeeper, asked))
}

async function takeOverLocked(env: Env, zooKeeper: ZooKeeper, { brokerId, logDirs, metadataLog }: TakeOver): Promise<void> {
  const scanned = await scanDirectories(env, logDirs)
  const { clusterId, nodeId } = scanned
  if (nodeId !== brokerId) throw new Error(`log.dirs belong to node ${nodeId}, not ${brokerId}: set node.id=${nodeId}`)
  const knownId = (await clusterIdOf(zooKeeper)) ?? clusterId
  if (knownId !== clusterId) {
    throw new Error(
      `${metadataLog}: this directory belongs to cluster ${clusterId}, and the keeper's tree to cluster ${knownId}: use another keeper.dir, ` +
        `or another log.dirs`,
    )
  }
  const { image, voters } = await readMetadata(env, metadataLog)
  await mustBeOnlyVoter(env.disk, metadataLog, voters)
  checkFeatureLevels(image.features)
  const found = { ...scanned, brokerId }
  const znodes = imageZnodes(image, found)
  for (const path of logDirs) await settleLogStarts(env, path)
  await prepareCluster(env, zooKeeper, clusterId)
  for (const path of PLACES) await removeBelow(zooKeeper, path)
  for (const path of PARENTS) await putData(zooKeeper, path, null)
  await createAll(zooKeeper, znodes)
  await putData(zooKeeper, '/feature', encodeFeatures(image))
  await raiseProducerIds(zooKeeper, brokerId, Math.max(image.nextProducerId, scanned.nextProducerId))
  const counts = { topics: image.topics.size, offset: image.endOffset, metadata: metadataLog }
  env.log.info(`took over cluster ${clusterId} from Kafka's own metadata`, counts)
}

/** The roots of rights may be there from an earlier time. */
async function createAll(zooKeeper: ZooKeeper, znodes: readonly Znode[]): Promise<void> {
  const operations: Operation[] = []
  for (const { path, data } of znodes) {
    if (data === null && (await zooKeeper.exists(path)) !== null) continue
    operations.push({ type: 'create', path, data })
  }
  await inBatches(zooKeeper, operations)
}
