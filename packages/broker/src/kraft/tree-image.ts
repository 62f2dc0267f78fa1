import type { ZooKeeper } from '@ottla/zookeeper'
import { ConfigResource } from '../configs/config-resource.ts'
import { hasConfig, readTopic, topicsPath } from '../topic-znodes.ts'
import { childrenOf, readFields } from '../znodes.ts'
import { readTreeAccess } from './access-image.ts'
import { CONFIG_ROOTS, SCRAM_MECHANISMS } from './config-znodes.ts'
import { entityName } from './entity-names.ts'
import { configsKey, MetadataImage, type ImageQuotas } from './metadata-image.ts'
import { producerIdsEnd } from '../producer-ids.ts'

/** What a broker's directories add to the tree: which one a partition lies in, by `<topic>-<partition>`, as KIP-858's directory ids. */
export interface Homes {
  readonly directoryOf: ReadonlyMap<string, string>
  /** Of a partition that lies in none. */
  readonly firstDirectory: string
}

const MECHANISMS = new Map([...SCRAM_MECHANISMS].map(([mechanism, name]) => [name, mechanism]))
const QUOTAS = ['producer_byte_rate', 'consumer_byte_rate', 'request_percentage', 'controller_mutation_rate', 'connection_creation_rate']

/** The opposite of `imageZnodes`: what the tree says of topics, configs, quotas, features, producer ids and rights, as an image of KRaft's. */
export async function readTreeImage(zooKeeper: ZooKeeper, homes: Homes, randomId: () => string): Promise<MetadataImage> {
  const image = new MetadataImage()
  for (const [name, { max_version_level: level }] of Object.entries(
    ((await readFields(zooKeeper, '/feature'))['features'] ?? {}) as Record<string, { max_version_level: number }>,
  )) {
    image.features.set(name, level)
  }
  for (const name of (await childrenOf(zooKeeper, topicsPath)).sort()) await addTopic(image, zooKeeper, name, homes)
  for (const [type, root] of CONFIG_ROOTS) {
    for (const name of await childrenOf(zooKeeper, `/config/${root}`)) {
      setConfigs(image, type, entityName(name) ?? '', new Map(Object.entries(await configsOf(zooKeeper, `/config/${root}/${name}`))))
    }
  }
  await addQuotas(image, zooKeeper)
  await readTreeAccess(image, zooKeeper, randomId)
  image.nextProducerId = await producerIdsEnd(zooKeeper)
  return image
}

async function addTopic(image: MetadataImage, zooKeeper: ZooKeeper, name: string, homes: Homes): Promise<void> {
  const topic = await readTopic(zooKeeper, name)
  if (topic === undefined) return
  const { id, assignment, overrides } = topic
  const partitions = new Map(
    assignment.map((replicas, partitionId) => [
      partitionId,
      {
        partitionId,
        topicId: id,
        replicas: [...replicas],
        isr: [...(topic.partitions[partitionId]?.isr ?? replicas)],
        removingReplicas: [],
        addingReplicas: [],
        leader: topic.partitions[partitionId]?.leader ?? replicas[0] ?? -1,
        leaderRecoveryState: 0,
        leaderEpoch: topic.partitions[partitionId]?.leaderEpoch ?? 0,
        partitionEpoch: 0,
        directories: replicas.map(() => homes.directoryOf.get(`${name}-${partitionId}`) ?? homes.firstDirectory),
        eligibleLeaderReplicas: null,
        lastKnownElr: null,
      },
    ]),
  )
  image.topics.set(id, { name, id, partitions })
  setConfigs(image, ConfigResource.TOPIC, name, overrides)
}

function setConfigs(image: MetadataImage, type: number, name: string, values: ReadonlyMap<string, string>): void {
  if (values.size > 0) image.configs.set(configsKey(type, name), { type, name, values: new Map(values) })
}

/** Of users, of client ids, of client ids of users, and of addresses; and the credentials that stand among the users' configs. */
async function addQuotas(image: MetadataImage, zooKeeper: ZooKeeper): Promise<void> {
  const add = async (path: string, entity: ImageQuotas['entity']): Promise<void> => {
    for (const [key, text] of Object.entries(await configsOf(zooKeeper, path))) {
      const mechanism = MECHANISMS.get(key)
      if (mechanism !== undefined) addCredential(image, entity[0]!.entityName!, mechanism, text)
      else if (QUOTAS.includes(key)) {
        const name = JSON.stringify(entity)
        const quotas = image.quotas.get(name) ?? { entity, values: new Map<string, number>() }
        quotas.values.set(key, Number(text))
        image.quotas.set(name, quotas)
      }
    }
  }
  for (const [root, entityType] of [
    ['clients', 'client-id'],
    ['ips', 'ip'],
    ['users', 'user'],
  ] as const) {
    for (const name of await childrenOf(zooKeeper, `/config/${root}`)) {
      const path = `/config/${root}/${name}`
      const entity = { entityType, entityName: entityName(name) }
      await add(path, [entity])
      if (root !== 'users') continue
      for (const client of await childrenOf(zooKeeper, `${path}/clients`)) {
        await add(`${path}/clients/${client}`, [entity, { entityType: 'client-id', entityName: entityName(client) }])
      }
    }
  }
}

function addCredential(image: MetadataImage, name: string, mechanism: number, text: string): void {
  const parts = new Map(text.split(',').map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]))
  const bytesOf = (key: string): Buffer => Buffer.from(parts.get(key) ?? '', 'base64')
  image.credentials.set(`${mechanism}:${name}`, {
    name,
    mechanism,
    salt: bytesOf('salt'),
    storedKey: bytesOf('stored_key'),
    serverKey: bytesOf('server_key'),
    iterations: Number(parts.get('iterations')),
  })
}

async function configsOf(zooKeeper: ZooKeeper, path: string): Promise<Record<string, string>> {
  return (await readFields<{ config?: Record<string, string> }>(zooKeeper, path, hasConfig)).config ?? {}
}
