import type { Env } from '@ottla/env'
import { listIfThere, writeWhole } from '@ottla/env/files'
import { CLEAN_MARKER, METADATA_LOG, readMetaProperties, readWhole, writeMetaProperties } from '@ottla/log'
import type { ZooKeeper } from '@ottla/zookeeper'
import type { BrokerConfig } from '../configs/broker-config.ts'
import { ConfigResource } from '../configs/config-resource.ts'
import { brokerRow } from '../configs/broker-configs.ts'
import type { ConfigRow } from '../configs/config-row.ts'
import { topicRow } from '../configs/topic-configs.ts'
import { randomId } from '../random-id.ts'
import { clusterIdOf } from '../znodes.ts'
import { writeCheckpoint } from './checkpoint-file.ts'
import { controllerOf, type ControllerEndpoint } from './controller-endpoint.ts'
import { FINALISED } from '../stopped-directories/feature-levels.ts'
import { imageRecords } from './image-records.ts'
import { metadataPlaces, setMark } from './kraft-directories.ts'
import { partitionsOf } from '../stopped-directories/directory-names.ts'
import { withLocks } from '../stopped-directories/locked-directories.ts'
import type { MetadataImage } from './metadata-image.ts'
import { readMetadata } from './metadata-log.ts'
import { readTreeImage } from './tree-image.ts'

/** What an export came to. */
export interface Exported {
  readonly checkpoint: string
  readonly topics: number
  readonly clusterId: string
  readonly controller: ControllerEndpoint
}

const KRAFT_VERSIONS = { minSupportedVersion: 0, maxSupportedVersion: 1 }

/**
 * Makes the stopped broker's log directories such that a KRaft broker serves them: `meta.properties` of version 1 in each, and in one the
 * metadata as a checkpoint after all that its log has, in the next epoch, so that Kafka begins there. Rejects with a sentence where a broker
 * runs on them, or they are not the tree's; nothing is written then.
 */
export async function exportMetadata(
  env: Env,
  zooKeeper: ZooKeeper,
  config: BrokerConfig,
  controller: ControllerEndpoint | null,
): Promise<Exported> {
  const clusterId = await clusterIdOf(zooKeeper)
  if (clusterId === null) throw new Error('the keeper knows no cluster: has a broker ever started on this keeper.dir?')
  return await withLocks(env, metadataPlaces(config), () => exportLocked(env, zooKeeper, config, clusterId, controller))
}

async function exportLocked(
  env: Env,
  zooKeeper: ZooKeeper,
  config: BrokerConfig,
  clusterId: string,
  wanted: ControllerEndpoint | null,
): Promise<Exported> {
  const { brokerId } = config
  const { directoryIds, directoryOf, home } = await homesOf(env, config, clusterId)
  const homeId = directoryIds.get(home)!
  const image = await readTreeImage(zooKeeper, { directoryOf, firstDirectory: homeId }, () => randomId(env))
  checkLogs(config, image, directoryOf)
  const metadataLog = `${home}/${METADATA_LOG}`
  await env.disk.createDirectory(metadataLog)
  const { image: before, voters } = await readMetadata(env, metadataLog)
  // a broker's epoch is the offset of its registration: here the last one before the checkpoint's end
  const brokerEpoch = before.endOffset + 1
  leaveOutOurs(image)
  if (image.features.size === 0) for (const [name, { max }] of FINALISED) image.features.set(name, max)
  const logDirs = config.logDirs.map((path) => directoryIds.get(path)!)
  image.brokers.set(brokerId, registration(config, before, { brokerEpoch, incarnationId: randomId(env), logDirs }))
  const controller = wanted ?? controllerOf(config.layers.file, voters)
  const { name, host, port } = controller
  const voter = { voterId: brokerId, voterDirectoryId: homeId, endpoints: [{ name, host, port }], kRaftVersionFeature: KRAFT_VERSIONS }
  for (const [path, directoryId] of directoryIds) {
    await env.disk.createDirectory(path)
    await writeMetaProperties(env.disk, path, { version: 1, brokerId, clusterId, directoryId })
  }
  const checkpoint = await writeCheckpoint(env.disk, metadataLog, {
    endOffset: brokerEpoch + 1,
    epoch: before.epoch + 1,
    timestamp: env.clock.now(),
    voters: [voter],
    records: imageRecords(image),
  })
  for (const path of config.logDirs) await sayWhoStopped(env, path, brokerEpoch)
  await env.disk.syncDirectory(home)
  await setMark(env, zooKeeper, home)
  return { checkpoint: `${metadataLog}/${checkpoint}`, topics: image.topics.size, clusterId, controller }
}

interface Homes {
  /** By path. */
  readonly directoryIds: ReadonlyMap<string, string>
  /** By `<topic>-<partition>`. */
  readonly directoryOf: ReadonlyMap<string, string>
  /** The path of the directory that has, or gets, the metadata. */
  readonly home: string
}

async function homesOf(env: Env, config: BrokerConfig, clusterId: string): Promise<Homes> {
  const directoryIds = new Map<string, string>()
  const directoryOf = new Map<string, string>()
  const places = metadataPlaces(config)
  let home = places.at(config.logDirs.length) ?? config.logDirs[0]!
  for (const path of places) {
    const entries = await listIfThere(env.disk, path)
    // that of metadata.log.dir may be new
    if (entries === null && config.logDirs.includes(path)) throw new Error(`log.dirs: there is no directory ${path}; nothing was written`)
    const properties = await readMetaProperties(env.disk, path)
    if ((properties?.clusterId ?? clusterId) !== clusterId || (properties?.brokerId ?? config.brokerId) !== config.brokerId) {
      throw new Error(
        `${path} belongs to broker ${properties?.brokerId} of cluster ${properties?.clusterId}, not to ${config.brokerId} of ${clusterId}`,
      )
    }
    const id = properties?.directoryId ?? randomId(env)
    directoryIds.set(path, id)
    if (entries?.some(({ name, directory }) => directory && name === METADATA_LOG)) home = path
    for (const { name } of partitionsOf(path, entries ?? [])) directoryOf.set(name, id)
  }
  return { directoryIds, directoryOf, home }
}

/** Throws where the tree has partitions on this broker, and none of them lies in `log.dirs`: those are not the broker's. */
function checkLogs({ brokerId, logDirs }: BrokerConfig, image: MetadataImage, directoryOf: Homes['directoryOf']): void {
  const names = [...image.topics.values()].flatMap(({ name, partitions }) =>
    [...partitions.values()].flatMap(({ partitionId, replicas }) => (replicas.includes(brokerId) ? [`${name}-${partitionId}`] : [])),
  )
  if (names.length === 0 || names.some((name) => directoryOf.has(name))) return
  throw new Error(
    `the keeper knows ${names.length} partition(s) of broker ${brokerId}, ${names[0]} for one, and none lies in log.dirs=${logDirs.join(',')}: ` +
      `set log.dirs to where they are; nothing was written`,
  )
}

/** Kafka knows no keys of ours. */
function leaveOutOurs(image: MetadataImage): void {
  for (const [key, { type, values }] of image.configs) {
    for (const name of values.keys()) {
      const row: ConfigRow | undefined =
        type === ConfigResource.TOPIC ? topicRow(name) : type === ConfigResource.BROKER ? brokerRow(name) : undefined
      if (row?.ottla === true) values.delete(name)
    }
    if (values.size === 0) image.configs.delete(key)
  }
}

type Registration = ReturnType<MetadataImage['brokers']['get']> & object

/** As its last stop left it; where it listens, it says itself when it starts. */
function registration(
  { brokerId, brokerRack, listeners }: BrokerConfig,
  before: MetadataImage,
  now: Pick<Registration, 'brokerEpoch' | 'incarnationId' | 'logDirs'>,
): Registration {
  const endPoints = listeners.map(({ name, host, port }) => ({ name, host: host || 'localhost', port, securityProtocol: 0 }))
  const features = FINALISED.map(([name, { min, max }]) => ({ name, minSupportedVersion: min, maxSupportedVersion: max }))
  const made = { brokerId, isMigratingZkBroker: false, endPoints, features, rack: brokerRack, cordonedLogDirs: null }
  return { ...(before.brokers.get(brokerId) ?? made), fenced: true, inControlledShutdown: true, ...now }
}

/** A clean stop counts for Kafka where its mark names the broker epoch of the registration (KIP-966). */
async function sayWhoStopped({ disk }: Env, path: string, brokerEpoch: number): Promise<void> {
  const marker = `${path}/${CLEAN_MARKER}`
  if ((await readWhole(disk, marker)) !== null) await writeWhole(disk, marker, Buffer.from(JSON.stringify({ version: 0, brokerEpoch })))
}
