import type { Env } from '@ottla/env'
import { CorruptFileError, readLeaderEpochs, readMetaProperties, readPartitionMetadata, readProducerSnapshot } from '@ottla/log'
import { partitionsOf } from './directory-names.ts'

/** What the log directories of a stopped broker say of themselves. */
export interface Scanned {
  readonly clusterId: string
  readonly nodeId: number
  /** The newest epoch in each partition's `leader-epoch-checkpoint`, by `<topic>-<partition>`. */
  readonly leaderEpochs: ReadonlyMap<string, number>
  /** By topic, of the first of its partitions that tells it. */
  readonly topicIds: ReadonlyMap<string, string>
  /** Above every producer id in a `.snapshot`; 0: there is none. */
  readonly nextProducerId: number
}

/** Reads all of `log.dirs`. Rejects with a sentence where they belong to several clusters or nodes. */
export async function scanDirectories(env: Env, logDirs: readonly string[]): Promise<Scanned> {
  let owner: { path: string; clusterId: string; nodeId: number } | undefined
  const leaderEpochs = new Map<string, number>()
  const topicIds = new Map<string, string>()
  let nextProducerId = 0
  for (const path of logDirs) {
    const properties = await readMetaProperties(env.disk, path)
    if (properties === null) continue
    const { clusterId, brokerId: nodeId } = properties
    if (clusterId === null || nodeId === null) throw new Error(`${path}/meta.properties lacks its cluster.id or its node.id`)
    owner ??= { path, clusterId, nodeId }
    if (owner.clusterId !== clusterId || owner.nodeId !== nodeId) {
      throw new Error(
        `log.dirs are of two brokers: ${owner.path} of node ${owner.nodeId} of cluster ${owner.clusterId}, ${path} of node ${nodeId} of ${clusterId}`,
      )
    }
    for (const { name, directory, topic } of partitionsOf(path, await env.disk.list(path))) {
      const epochs = await readLeaderEpochs(env.disk, `${directory}/leader-epoch-checkpoint`)
      leaderEpochs.set(name, Math.max(leaderEpochs.get(name) ?? -1, epochs.at(-1)?.epoch ?? -1))
      const topicId = topicIds.get(topic) ?? (await topicIdIn(env, directory)).topicId
      if (topicId !== null) topicIds.set(topic, topicId)
      nextProducerId = Math.max(nextProducerId, await producersEnd(env, directory))
    }
  }
  if (owner === undefined) throw new Error(`none of log.dirs has a meta.properties: ${logDirs.join(', ')}`)
  return { clusterId: owner.clusterId, nodeId: owner.nodeId, leaderEpochs, topicIds, nextProducerId }
}

/** What a partition's `partition.metadata` tells of its topic. */
export interface ToldTopic {
  /** Null: nothing. */
  readonly topicId: string | null
  /** Why not, where the file is there and damaged. */
  readonly metadataDamage: string | null
}

export async function topicIdIn({ disk }: Pick<Env, 'disk'>, directory: string): Promise<ToldTopic> {
  try {
    return { topicId: await readPartitionMetadata(disk, `${directory}/partition.metadata`), metadataDamage: null }
  } catch (error) {
    if (!(error instanceof CorruptFileError)) throw error
    return { topicId: null, metadataDamage: error.message }
  }
}

/** Above every producer id in a partition's snapshots; one that is damaged is passed over, as it is by the log. */
async function producersEnd(env: Env, directory: string): Promise<number> {
  let end = 0
  for (const { name } of await env.disk.list(directory)) {
    if (!name.endsWith('.snapshot')) continue
    try {
      for (const { producerId } of await readProducerSnapshot(env.disk, `${directory}/${name}`)) end = Math.max(end, producerId + 1)
    } catch (error) {
      if (!(error instanceof CorruptFileError)) throw error
      env.log.warn(`${error.message}; it is passed over`)
    }
  }
  return end
}
