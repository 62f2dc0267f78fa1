import type { MetadataRecordToWrite } from '@ottla/protocol/data/metadata-records'
import type { PartitionRecord } from '@ottla/protocol/data/metadata-topics'
import type { MetadataImage } from './metadata-image.ts'

/** A record and the version that it is written in. */
export type VersionedRecord = readonly [record: MetadataRecordToWrite, version: number]

/** With directories (KIP-858), and with the eligible leader replicas where the cluster has them (KIP-966). */
const PARTITION_VERSION = 1
const PARTITION_VERSION_WITH_ELR = 2
const REGISTER_BROKER_VERSION = 3

/** The records of a checkpoint of this image, in the order in which Kafka writes them. All partitions are as a clean stop leaves them. */
export function imageRecords(image: MetadataImage): VersionedRecord[] {
  const records: VersionedRecord[] = []
  const add = (record: MetadataRecordToWrite, version = 0): void => void records.push([record, version])
  const features = [...image.features].sort(([a], [b]) => (a === 'metadata.version' ? -1 : b === 'metadata.version' ? 1 : a < b ? -1 : 1))
  for (const [name, featureLevel] of features) add({ type: 'FeatureLevel', value: { name, featureLevel } })
  for (const value of image.brokers.values()) add({ type: 'RegisterBroker', value }, REGISTER_BROKER_VERSION)
  const withElr = (image.features.get('eligible.leader.replicas.version') ?? 0) > 0
  for (const { name, id: topicId, partitions } of image.topics.values()) {
    add({ type: 'Topic', value: { name, topicId } })
    for (const partition of partitions.values()) {
      add({ type: 'Partition', value: atRest(partition, withElr) }, withElr ? PARTITION_VERSION_WITH_ELR : PARTITION_VERSION)
    }
  }
  for (const { type, name, values } of image.configs.values()) {
    for (const [key, value] of values) add({ type: 'Config', value: { resourceType: type, resourceName: name, name: key, value } })
  }
  for (const { entity, values } of image.quotas.values()) {
    for (const [key, value] of values) add({ type: 'ClientQuota', value: { entity, key, value, remove: false } })
  }
  add({ type: 'ProducerIds', value: { brokerId: -1, brokerEpoch: -1, nextProducerId: image.nextProducerId } })
  for (const value of image.accessControlEntries.values()) add({ type: 'AccessControlEntry', value })
  for (const value of image.credentials.values()) add({ type: 'UserScramCredential', value })
  for (const value of image.delegationTokens.values()) add({ type: 'DelegationToken', value })
  return records
}

/** Nobody leads; who was in sync is eligible. The first broker that is unfenced leads in the next epoch. */
function atRest(partition: PartitionRecord, withElr: boolean): PartitionRecord {
  if (!withElr) return { ...partition, leader: -1 }
  return { ...partition, leader: -1, isr: [], eligibleLeaderReplicas: partition.isr, lastKnownElr: partition.isr.slice(0, 1) }
}
