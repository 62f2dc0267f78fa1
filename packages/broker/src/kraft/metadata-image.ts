import type { BrokerRegistrationChangeRecord, RegisterBrokerRecord } from '@ottla/protocol/data/metadata-brokers'
import type {
  AccessControlEntryRecord,
  ClientQuotaRecord,
  DelegationTokenRecord,
  UserScramCredentialRecord,
} from '@ottla/protocol/data/metadata-configs'
import type { PartitionChangeRecord, PartitionRecord } from '@ottla/protocol/data/metadata-topics'
import type { MetadataRecord } from '@ottla/protocol/data/metadata-records'
import { ConfigResource } from '../configs/config-resource.ts'

/** A topic of a KRaft cluster. */
export interface ImageTopic {
  readonly name: string
  readonly id: string
  /** By partition. */
  readonly partitions: Map<number, PartitionRecord>
}

/** The configs of one resource; its type is one of `ConfigResource`. */
export interface ImageConfigs {
  readonly type: number
  /** Empty: the default of all brokers. */
  readonly name: string
  readonly values: Map<string, string>
}

/** The quotas of one entity of users, client ids or addresses. */
export interface ImageQuotas {
  readonly entity: ClientQuotaRecord['entity']
  readonly values: Map<string, number>
}

const NO_LEADER_CHANGE = -2
const NO_STATE_CHANGE = -1

/** What the records of a KRaft cluster's metadata come to, one after the other (formats: records.json, type metadata). */
export class MetadataImage {
  /** The offset after the last record. */
  endOffset = 0
  /** The epoch of the quorum's leader that wrote last. */
  epoch = 0
  /** Producer ids below it are given away. */
  nextProducerId = 0
  readonly features = new Map<string, number>()
  readonly brokers = new Map<number, RegisterBrokerRecord>()
  /** By topic id. */
  readonly topics = new Map<string, ImageTopic>()
  readonly configs = new Map<string, ImageConfigs>()
  readonly quotas = new Map<string, ImageQuotas>()
  readonly credentials = new Map<string, UserScramCredentialRecord>()
  /** By the entry's id. */
  readonly accessControlEntries = new Map<string, AccessControlEntryRecord>()
  readonly delegationTokens = new Map<string, DelegationTokenRecord>()
  /** What was read since the beginning of a transaction that has not ended (KIP-868); null outside one. */
  #pending: MetadataRecord[] | null = null

  /** Whether a transaction is open: what it wrote so far doesn't count. */
  get inTransaction(): boolean {
    return this.#pending !== null
  }

  /** Follows one record. Throws where it speaks of what there isn't: records are missing then. */
  apply(record: MetadataRecord): void {
    if (record.type === 'BeginTransaction') this.#pending = []
    else if (record.type === 'AbortTransaction') this.#pending = null
    else if (record.type === 'EndTransaction') {
      const records = this.#pending ?? []
      this.#pending = null
      for (const one of records) this.#apply(one)
    } else if (this.#pending !== null) this.#pending.push(record)
    else this.#apply(record)
  }

  #apply({ type, value }: MetadataRecord): void {
    switch (type) {
      case 'FeatureLevel':
        if (value.featureLevel === 0) this.features.delete(value.name)
        else this.features.set(value.name, value.featureLevel)
        return
      case 'RegisterBroker':
        this.brokers.set(value.brokerId, value)
        return
      case 'UnregisterBroker':
        this.brokers.delete(value.brokerId)
        return
      case 'FenceBroker':
        this.#broker(value.id).fenced = true
        return
      case 'UnfenceBroker':
        this.#broker(value.id).fenced = false
        return
      case 'BrokerRegistrationChange':
        changeBroker(this.#broker(value.brokerId), value)
        return
      case 'Topic':
        this.topics.set(value.topicId, { name: value.name, id: value.topicId, partitions: new Map() })
        return
      case 'RemoveTopic':
        this.configs.delete(configsKey(ConfigResource.TOPIC, this.#topic(value.topicId).name))
        this.topics.delete(value.topicId)
        return
      case 'Partition':
        this.#topic(value.topicId).partitions.set(value.partitionId, value)
        return
      case 'PartitionChange':
        change(this.#partition(value.topicId, value.partitionId), value)
        return
      case 'ClearElr':
        this.#clearElr(value.topicName)
        return
      case 'ProducerIds':
        this.nextProducerId = value.nextProducerId
        return
      case 'Config':
        put(this.configs, configsKey(value.resourceType, value.resourceName), value.name, value.value, () => ({
          type: value.resourceType,
          name: value.resourceName,
          values: new Map<string, string>(),
        }))
        return
      case 'ClientQuota':
        put(this.quotas, quotasKey(value.entity), value.key, value.remove ? null : value.value, () => ({
          entity: value.entity,
          values: new Map<string, number>(),
        }))
        return
      case 'UserScramCredential':
        this.credentials.set(`${value.mechanism}:${value.name}`, value)
        return
      case 'RemoveUserScramCredential':
        this.credentials.delete(`${value.mechanism}:${value.name}`)
        return
      case 'AccessControlEntry':
        this.accessControlEntries.set(value.id, value)
        return
      case 'RemoveAccessControlEntry':
        this.accessControlEntries.delete(value.id)
        return
      case 'DelegationToken':
        this.delegationTokens.set(value.tokenId, value)
        return
      case 'RemoveDelegationToken':
        this.delegationTokens.delete(value.tokenId)
        return
      default:
        // the quorum's controllers, its pulse and its way from ZooKeeper end with the cluster
        return
    }
  }

  #broker(id: number): RegisterBrokerRecord {
    const broker = this.brokers.get(id)
    if (broker === undefined) throw new Error(`a record speaks of broker ${id}, which is not registered`)
    return broker
  }

  #topic(id: string): ImageTopic {
    const topic = this.topics.get(id)
    if (topic === undefined) throw new Error(`a record speaks of topic id ${id}, which is not known`)
    return topic
  }

  #partition(topicId: string, partition: number): PartitionRecord {
    const found = this.#topic(topicId).partitions.get(partition)
    if (found === undefined)
      throw new Error(`a record speaks of partition ${partition} of ${this.#topic(topicId).name}, which is not known`)
    return found
  }

  #clearElr(topicName: string): void {
    for (const { name, partitions } of this.topics.values()) {
      if (topicName !== '' && topicName !== name) continue
      for (const partition of partitions.values()) {
        partition.eligibleLeaderReplicas = null
        partition.lastKnownElr = null
      }
    }
  }
}

/** -1 and 1 are no and yes, 0 and nothing as before. */
function changeBroker(broker: RegisterBrokerRecord, record: BrokerRegistrationChangeRecord): void {
  if (record.fenced !== 0) broker.fenced = record.fenced > 0
  if (record.inControlledShutdown !== 0) broker.inControlledShutdown = record.inControlledShutdown > 0
  if (record.logDirs.length > 0) broker.logDirs = record.logDirs
  broker.cordonedLogDirs = record.cordonedLogDirs ?? broker.cordonedLogDirs
}

/** A change of leader, even to the same one, is a new leader epoch; every change is a new partition epoch. */
function change(partition: PartitionRecord, record: PartitionChangeRecord): void {
  partition.partitionEpoch++
  if (record.leader !== NO_LEADER_CHANGE) {
    partition.leader = record.leader
    partition.leaderEpoch++
  }
  if (record.leaderRecoveryState !== NO_STATE_CHANGE) partition.leaderRecoveryState = record.leaderRecoveryState
  partition.isr = record.isr ?? partition.isr
  partition.replicas = record.replicas ?? partition.replicas
  partition.removingReplicas = record.removingReplicas ?? partition.removingReplicas
  partition.addingReplicas = record.addingReplicas ?? partition.addingReplicas
  partition.directories = record.directories ?? partition.directories
  partition.eligibleLeaderReplicas = record.eligibleLeaderReplicas ?? partition.eligibleLeaderReplicas
  partition.lastKnownElr = record.lastKnownElr ?? partition.lastKnownElr
}

/** Sets a value in the entry of `map`, which is made where there is none; null takes it away, and the last one its entry. */
function put<V, E extends { readonly values: Map<string, V> }>(
  map: Map<string, E>,
  key: string,
  name: string,
  value: V | null,
  make: () => E,
): void {
  const entry = map.get(key) ?? make()
  if (value === null) entry.values.delete(name)
  else entry.values.set(name, value)
  if (entry.values.size === 0) map.delete(key)
  else map.set(key, entry)
}

export const configsKey = (type: number, name: string): string => `${type}:${name}`

const quotasKey = (entity: ClientQuotaRecord['entity']): string =>
  JSON.stringify(entity.map(({ entityType, entityName }) => [entityType, entityName]).sort())
