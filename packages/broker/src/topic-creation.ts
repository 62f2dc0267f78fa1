import { ErrorCode, KafkaError } from '@ottla/protocol'
import type { Broker } from './broker.ts'
import { checkTopicConfigs } from './configs/topic-config.ts'
import { topicNameProblem } from './topic.ts'
import type { NewTopic } from './topics.ts'

/** What a client may say of a topic that it wants; -1 or nothing: the broker's default. */
export interface AskedTopic {
  readonly name: string
  readonly numPartitions?: number
  readonly replicationFactor?: number
  readonly assignments?: readonly { readonly partitionIndex: number; readonly brokerIds: readonly number[] }[]
  readonly configs?: readonly { readonly name: string; readonly value: string | null }[]
}

/** Above this many partitions in one topic a number was mistyped. */
const PARTITIONS_MAX = 100_000

/** Checks what was asked for and places the replicas. Throws KafkaError with a sentence for the client. */
export function planTopic(broker: Broker, asked: AskedTopic): NewTopic {
  const { name } = asked
  const problem = topicNameProblem(name) ?? collision(broker, name)
  if (problem !== undefined) throw new KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION, problem)
  return { name, assignment: assign(broker, asked), overrides: checkTopicConfigs(broker.config, asked.configs ?? []) }
}

/** '.' and '_' are one character in the names of metrics. */
function collision(broker: Broker, name: string): string | undefined {
  if (!/[._]/.test(name)) return undefined
  const alike = (other: string): string => other.replaceAll('.', '_')
  for (const topic of broker.topics.all()) {
    if (topic.name !== name && alike(topic.name) === alike(name))
      return `'${name}' collides with the topic '${topic.name}': '.' and '_' count as the same`
  }
  return undefined
}

function assign(broker: Broker, asked: AskedTopic): number[][] {
  const { brokerId, numPartitions, defaultReplicationFactor } = broker.config
  const { assignments = [] } = asked
  if (assignments.length > 0) return byHand(brokerId, asked, assignments)
  const count = asked.numPartitions === undefined || asked.numPartitions === -1 ? numPartitions : asked.numPartitions
  if (count < 1 || count > PARTITIONS_MAX)
    throw new KafkaError(ErrorCode.INVALID_PARTITIONS, `a topic has 1 to ${PARTITIONS_MAX} partitions, not ${count}`)
  const factor =
    asked.replicationFactor === undefined || asked.replicationFactor === -1 ? defaultReplicationFactor : asked.replicationFactor
  if (factor !== 1)
    throw new KafkaError(ErrorCode.INVALID_REPLICATION_FACTOR, `there is 1 broker, so the replication factor is 1, not ${factor}`)
  return Array.from({ length: count }, () => [brokerId])
}

function byHand(brokerId: number, asked: AskedTopic, assignments: NonNullable<AskedTopic['assignments']>): number[][] {
  if ((asked.numPartitions ?? -1) !== -1 || (asked.replicationFactor ?? -1) !== -1) {
    throw new KafkaError(ErrorCode.INVALID_REQUEST, 'with an assignment the partition count and the replication factor are -1')
  }
  const replicas: number[][] = []
  for (const { partitionIndex, brokerIds } of assignments) {
    if (replicas[partitionIndex] !== undefined) throw invalidAssignment(`partition ${partitionIndex} is assigned twice`)
    if (brokerIds.length !== 1 || brokerIds[0] !== brokerId)
      throw invalidAssignment(`the only broker is ${brokerId}, not ${brokerIds.join(', ')}`)
    replicas[partitionIndex] = [...brokerIds]
  }
  for (let partition = 0; partition < assignments.length; partition++) {
    if (replicas[partition] === undefined)
      throw invalidAssignment(`the partitions are numbered 0 to ${assignments.length - 1}; ${partition} is missing`)
  }
  return replicas
}

const invalidAssignment = (why: string): KafkaError => new KafkaError(ErrorCode.INVALID_REPLICA_ASSIGNMENT, why)
