import { ErrorCode, type KafkaError } from '@ottla/protocol'
import { CreateTopics } from '@ottla/protocol/messages/19-create-topics'
import { DeleteTopics } from '@ottla/protocol/messages/20-delete-topics'
import { DescribeConfigs } from '@ottla/protocol/messages/32-describe-configs'
import { IncrementalAlterConfigs } from '@ottla/protocol/messages/44-incremental-alter-configs'
import { DescribeCluster } from '@ottla/protocol/messages/60-describe-cluster'
import { ZERO_UUID } from '@ottla/wire'
import type { Cluster } from './cluster.ts'
import type { BrokerConnection } from './connection.ts'
import { refusal } from './errors.ts'
import { GroupAdmin } from './group-admin.ts'
import type { BrokerNode, TopicMetadata } from './metadata.ts'
import { deleteRecords, type LogStart, type RecordDeletion } from './record-deletion.ts'
import { listOffsets, type FoundOffset, type IsolationLevel, type OffsetQuery } from './offsets.ts'

export interface NewTopic {
  readonly name: string
  /** The broker's default where it is left out, as the replication factor. */
  readonly partitions?: number
  readonly replicationFactor?: number
  /** Broker ids of each partition, the preferred leader first; in place of the two above. */
  readonly assignments?: readonly (readonly number[])[]
  readonly configs?: Readonly<Record<string, string | null>>
}

/** What became of one of several; `error` is null where it was done. */
export interface TopicResult {
  readonly name: string
  readonly topicId: string
  readonly error: KafkaError | null
}

export type ConfigResourceType = 'topic' | 'broker' | 'group'
export interface ConfigResource {
  readonly type: ConfigResourceType
  /** A topic's or group's name; a broker's id, or '' for all brokers. */
  readonly name: string
}

export interface ConfigEntry {
  readonly name: string
  /** Null where it is a secret. */
  readonly value: string | null
  readonly readOnly: boolean
  readonly isSensitive: boolean
  readonly source: ConfigSource
  readonly documentation: string | null
}
export type ConfigSource =
  | 'unknown'
  | 'topic'
  | 'dynamic-broker'
  | 'dynamic-default-broker'
  | 'static-broker'
  | 'default'
  | 'dynamic-broker-logger'
  | 'client-metrics'
  | 'group'

export interface ConfigChange {
  readonly name: string
  /** `append` and `subtract` are for lists. */
  readonly operation: 'set' | 'delete' | 'append' | 'subtract'
  readonly value?: string | null
}

export interface ClusterDescription {
  readonly clusterId: string
  readonly controllerId: number
  readonly brokers: readonly BrokerNode[]
}

const RESOURCE_TYPES: Readonly<Record<ConfigResourceType, number>> = { topic: 2, broker: 4, group: 32 }
const OPERATIONS: Readonly<Record<ConfigChange['operation'], number>> = { set: 0, delete: 1, append: 2, subtract: 3 }
const SOURCES: readonly ConfigSource[] = [
  'unknown',
  'topic',
  'dynamic-broker',
  'dynamic-default-broker',
  'static-broker',
  'default',
  'dynamic-broker-logger',
  'client-metrics',
  'group',
]
const DEFAULT = -1

/** Looks at and changes a cluster. Make it by `client.admin()`. What can't be done rejects with a KafkaError. */
export class Admin extends GroupAdmin {
  readonly #cluster: Cluster

  constructor(cluster: Cluster) {
    super(cluster)
    this.#cluster = cluster
  }

  /** Asks the controller; one that has moved is looked for anew. */
  #askController<T>(ask: (connection: BrokerConnection) => Promise<T>): Promise<T> {
    return this.#cluster.retry(async () => {
      try {
        return await ask(await this.#cluster.controller())
      } catch (error) {
        if ((error as KafkaError).code === ErrorCode.NOT_CONTROLLER) await this.#cluster.refreshSoon([])
        throw error
      }
    })
  }

  /** Creates topics, or (`validateOnly`) only checks that it could. One result a topic, in their order. */
  createTopics(topics: readonly NewTopic[], options: { validateOnly?: boolean; timeoutMs?: number } = {}): Promise<TopicResult[]> {
    return this.#askController(async (connection) => {
      const answer = await connection.request(CreateTopics, {
        topics: topics.map(({ name, partitions = DEFAULT, replicationFactor = DEFAULT, assignments, configs = {} }) => ({
          name,
          numPartitions: assignments === undefined ? partitions : DEFAULT,
          replicationFactor: assignments === undefined ? replicationFactor : DEFAULT,
          assignments: (assignments ?? []).map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds })),
          configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
        })),
        timeoutMs: options.timeoutMs ?? this.#cluster.requestTimeoutMs,
        validateOnly: options.validateOnly ?? false,
      })
      return answer.topics.map(({ name, topicId, errorCode, errorMessage }) => {
        if (errorCode === ErrorCode.NOT_CONTROLLER) throw refusal(errorCode, `Creating topic '${name}'`)
        return { name, topicId, error: errorCode === ErrorCode.NONE ? null : refusal(errorCode, `Creating topic '${name}'`, errorMessage) }
      })
    })
  }

  /** Creates one topic; rejects where it can't be. */
  async createTopic(topic: NewTopic): Promise<void> {
    const [result] = await this.createTopics([topic])
    if (result !== undefined && result.error !== null) throw result.error
  }

  /** Deletes topics and all their records. */
  deleteTopics(names: readonly string[], options: { timeoutMs?: number } = {}): Promise<TopicResult[]> {
    return this.#askController(async (connection) => {
      const answer = await connection.request(DeleteTopics, {
        topics: names.map((name) => ({ name, topicId: ZERO_UUID })),
        topicNames: names,
        timeoutMs: options.timeoutMs ?? this.#cluster.requestTimeoutMs,
      })
      return answer.responses.map(({ name, topicId, errorCode, errorMessage }) => {
        if (errorCode === ErrorCode.NOT_CONTROLLER) throw refusal(errorCode, `Deleting topic '${name}'`)
        if (errorCode === ErrorCode.NONE && name !== null) this.#cluster.cache.forget(name)
        const error = errorCode === ErrorCode.NONE ? null : refusal(errorCode, `Deleting topic '${name}'`, errorMessage)
        return { name: name ?? '', topicId, error }
      })
    })
  }

  /** Every topic, sorted by name. */
  async listTopics(): Promise<TopicMetadata[]> {
    return (await this.#cluster.allTopics()).sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** These topics, read anew; rejects where one doesn't exist. */
  async describeTopics(names: readonly string[]): Promise<TopicMetadata[]> {
    const topics = new Map((await this.#cluster.allTopics()).map((topic) => [topic.name, topic]))
    return names.map((name) => {
      const topic = topics.get(name)
      if (topic === undefined) throw refusal(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `Describing topic '${name}'`)
      return topic
    })
  }

  async describeCluster(): Promise<ClusterDescription> {
    return this.#cluster.retry(async () => {
      const connection = await this.#cluster.any()
      if (connection.supports(DescribeCluster as never)) {
        const answer = await connection.request(DescribeCluster, { includeClusterAuthorizedOperations: false })
        if (answer.errorCode !== ErrorCode.NONE) throw refusal(answer.errorCode, 'Describing the cluster', answer.errorMessage)
        return {
          clusterId: answer.clusterId,
          controllerId: answer.controllerId,
          brokers: answer.brokers.map(({ brokerId, host, port, rack }) => ({ nodeId: brokerId, host, port, rack })),
        }
      }
      await this.#cluster.refresh()
      const { clusterId, controllerId, brokers } = this.#cluster.cache
      return { clusterId: clusterId ?? '', controllerId, brokers: [...brokers.values()] }
    })
  }

  /** All configs of resources, or those named in `keys`. One list a resource, in their order. */
  async describeConfigs(resources: readonly ConfigResource[], keys: readonly string[] | null = null): Promise<ConfigEntry[][]> {
    return Promise.all(
      resources.map((resource) =>
        this.#cluster.retry(async () => {
          const connection = await this.#forResource(resource)
          const answer = await connection.request(DescribeConfigs, {
            resources: [{ resourceType: RESOURCE_TYPES[resource.type], resourceName: resource.name, configurationKeys: keys }],
            includeDocumentation: true,
          })
          const result = answer.results[0]!
          if (result.errorCode !== ErrorCode.NONE) {
            throw refusal(result.errorCode, `Describing configs of ${resource.type} '${resource.name}'`, result.errorMessage)
          }
          return result.configs.map(({ name, value, readOnly, isSensitive, configSource, documentation }) => ({
            name,
            value,
            readOnly,
            isSensitive,
            source: SOURCES[configSource] ?? 'unknown',
            documentation,
          }))
        }),
      ),
    )
  }

  /** Changes single configs of a resource; the others stay. */
  async incrementalAlterConfigs(
    resource: ConfigResource,
    changes: readonly ConfigChange[],
    options: { validateOnly?: boolean } = {},
  ): Promise<void> {
    await this.#cluster.retry(async () => {
      const connection = await this.#forResource(resource)
      const answer = await connection.request(IncrementalAlterConfigs, {
        resources: [
          {
            resourceType: RESOURCE_TYPES[resource.type],
            resourceName: resource.name,
            configs: changes.map(({ name, operation, value = null }) => ({ name, configOperation: OPERATIONS[operation], value })),
          },
        ],
        validateOnly: options.validateOnly ?? false,
      })
      const result = answer.responses[0]!
      if (result.errorCode !== ErrorCode.NONE) {
        throw refusal(result.errorCode, `Changing configs of ${resource.type} '${resource.name}'`, result.errorMessage)
      }
    })
  }

  /** A broker's own configs are its own affair; all else any broker knows. */
  #forResource({ type, name }: ConfigResource): Promise<BrokerConnection> {
    return type === 'broker' && name !== '' ? this.#cluster.connection(Number(name)) : this.#cluster.any()
  }

  /** Deletes the records below an offset, for good, in topics whose cleanup.policy contains delete. Answers where each partition begins then. */
  deleteRecords(deletions: readonly RecordDeletion[]): Promise<LogStart[]> {
    return deleteRecords(this.#cluster, deletions)
  }

  /** Offsets by place or time, in the order of the queries. */
  listOffsets(queries: readonly OffsetQuery[], isolation: IsolationLevel = 'read_uncommitted'): Promise<FoundOffset[]> {
    return listOffsets(this.#cluster, queries, isolation)
  }
}
