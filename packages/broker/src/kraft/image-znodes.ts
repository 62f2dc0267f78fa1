import { encodeOverrides, soleReplicaZnodes, topicConfigPath } from '../topic-znodes.ts'
import { ConfigResource } from '../configs/config-resource.ts'
import { json, type Znode } from '../znodes.ts'
import { accessControlZnodes, delegationTokenZnodes } from './access-znodes.ts'
import { CONFIG_ROOTS, SCRAM_MECHANISMS } from './config-znodes.ts'
import { addressOf, sanitize } from './entity-names.ts'
import type { ImageTopic, MetadataImage } from './metadata-image.ts'
import { mustLieHereAlone } from '../stopped-directories/sole-replica.ts'

/** What the log directories know better than the metadata, or as well. */
export interface Found {
  readonly brokerId: number
  /** The newest epoch in each partition's `leader-epoch-checkpoint`, by `<topic>-<partition>`. */
  readonly leaderEpochs: ReadonlyMap<string, number>
}

/** The image as ZooKeeper-mode Kafka lays it out (zookeeper-layout), but its features, and nothing of the roots above it. */
export function imageZnodes(image: MetadataImage, found: Found): Znode[] {
  return [
    ...[...image.topics.values()].flatMap((topic) => topicZnodes(topic, found)),
    ...configZnodes(image),
    ...accessControlZnodes(image),
    ...delegationTokenZnodes(image),
  ]
}

/** Of `/feature`. */
export function encodeFeatures({ features }: MetadataImage): Buffer {
  const levels = [...features].map(([name, level]) => [name, { max_version_level: level }] as const)
  return json({ version: 2, status: 1, features: Object.fromEntries(levels) })
}

/** The partition is led in an epoch above all that the log was written in: the start that follows enters the next one. */
function topicZnodes({ name, id, partitions }: ImageTopic, { brokerId, leaderEpochs }: Found): Znode[] {
  const assignment = Array.from(partitions.keys())
    .sort((a, b) => a - b)
    .map((partition) => partitions.get(partition)!)
  const epochs = assignment.map((state, partition) => {
    if (state.partitionId !== partition) throw new Error(`the topic ${name} has no partition ${partition}`)
    mustLieHereAlone(`${name}-${partition}`, state.replicas, brokerId)
    return Math.max(state.leaderEpoch, leaderEpochs.get(`${name}-${partition}`) ?? -1)
  })
  // after a clean stop the metadata has nobody in the ISR, and its only replica among the eligible ones (KIP-966)
  return soleReplicaZnodes(name, id, brokerId, epochs)
}

/** Configs of all kinds; quotas and SCRAM credentials are configs of users, client ids and addresses there. */
function configZnodes(image: MetadataImage): Znode[] {
  const topics = new Set([...image.topics.values()].map(({ name }) => name))
  const entities = new Map<string, Map<string, string>>()
  const entity = (path: string): Map<string, string> => {
    const values = entities.get(path) ?? new Map<string, string>()
    entities.set(path, values)
    return values
  }
  for (const topic of topics) entity(topicConfigPath(topic))
  for (const { type, name, values } of image.configs.values()) {
    const isTopic = type === ConfigResource.TOPIC
    if (isTopic && !topics.has(name)) continue
    const root = CONFIG_ROOTS.get(type)
    if (!isTopic && root === undefined) throw new Error(`the metadata has configs of a resource of type ${type}`)
    const path = isTopic ? topicConfigPath(name) : `/config/${root}/${name === '' ? '<default>' : sanitize(name)}`
    for (const [key, value] of values) entity(path).set(key, value)
  }
  for (const { entity: parts, values } of image.quotas.values()) {
    for (const [key, value] of values) entity(addressOf(parts)).set(key, String(value))
  }
  for (const { name, mechanism, salt, storedKey, serverKey, iterations } of image.credentials.values()) {
    const text = (bytes: Buffer): string => bytes.toString('base64')
    const value = `salt=${text(salt)},stored_key=${text(storedKey)},server_key=${text(serverKey)},iterations=${iterations}`
    const mechanismName = SCRAM_MECHANISMS.get(mechanism)
    if (mechanismName === undefined) throw new Error(`the metadata has a credential of mechanism ${mechanism}, which is not known`)
    entity(`/config/users/${sanitize(name)}`).set(mechanismName, value)
  }
  return withParents([...entities].map(([path, values]) => ({ path, data: encodeOverrides(values) })))
}

/** `/config/users/<u>/clients/<c>` stands below a user that may have nothing of its own. */
function withParents(znodes: readonly Znode[]): Znode[] {
  const all = new Map(znodes.map((znode) => [znode.path, znode]))
  for (const { path } of znodes) {
    const [, , root, name, clients] = path.split('/')
    if (root !== 'users' || clients === undefined) continue
    for (const parent of [`/config/users/${name}`, `/config/users/${name}/clients`]) {
      if (!all.has(parent)) all.set(parent, { path: parent, data: null })
    }
  }
  return [...all.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
}
