import type { Env } from '@ottla/env'
import { listIfThere } from '@ottla/env/files'
import { METADATA_LOG, readMetaProperties } from '@ottla/log'
import type { BrokerConfig } from '../configs/broker-config.ts'
import { isTakenOver, metadataPlaces } from '../kraft/kraft-directories.ts'
import { directoriesIn, partitionsOf } from '../stopped-directories/directory-names.ts'

const NAMED_COUNT_MAX = 3

/**
 * For a start whose keeper has no tree: rejects, with nothing written, where `log.dirs` have served a cluster, for a new tree would know none
 * of its topics. New directories pass, and those of a KRaft broker that ran last, which bring their metadata along.
 */
export async function refuseWithoutTree(env: Env, config: BrokerConfig): Promise<void> {
  const { disk } = env
  for (const path of metadataPlaces(config)) {
    if ((await directoriesIn(disk, path)).includes(METADATA_LOG) && !(await isTakenOver(env, path))) return
  }
  const topics = new Set<string>()
  let owner: string | undefined
  for (const path of config.logDirs) {
    const properties = await readMetaProperties(disk, path)
    if (properties?.clusterId) owner ??= `cluster ${properties.clusterId}, broker ${properties.brokerId} (${path}/meta.properties)`
    for (const { topic } of partitionsOf(path, (await listIfThere(disk, path)) ?? [])) topics.add(topic)
  }
  if (owner === undefined) return
  const { zookeeperConnect, keeperDir } = config
  const [key, place] = zookeeperConnect ? ['zookeeper.connect', zookeeperConnect] : ['keeper.dir', keeperDir]
  const elsewhere = zookeeperConnect
    ? ''
    : ` If it is in the ZooKeeper of Apache Kafka 3.9 or earlier, 'ottla import --zookeeper-data DIR' copies it. If it is lost, ` +
      `'ottla rebuild' makes a new one from log.dirs.`
  throw new Error(
    `log.dirs hold the logs of ${owner} with ${named([...topics].sort())}, but ${key}=${place} holds no tree ` +
      `that tells of them; nothing was written. If the tree lies elsewhere, set ${key} to it.${elsewhere} To begin anew, use another log.dirs`,
  )
}

function named(topics: readonly string[]): string {
  if (topics.length === 0) return 'no topics'
  const rest = topics.length - NAMED_COUNT_MAX
  return `${topics.length} topic(s): ${topics.slice(0, NAMED_COUNT_MAX).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`
}
