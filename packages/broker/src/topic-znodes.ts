import type { Operation, TreeReader } from '@ottla/zookeeper'
import type { PartitionState } from './topic.ts'
import { dataOf, decodeZnode, isFields, json, OPERATIONS_PER_MULTI, type Fields, type Znode } from './znodes.ts'

/** The znodes of topics, as ZooKeeper-mode Kafka 3.9 lays them out (zookeeper-layout): payloads in compact JSON. */
export const topicsPath = '/brokers/topics'
export const topicPath = (name: string): string => `${topicsPath}/${name}`
export const partitionsPath = (name: string): string => `${topicPath(name)}/partitions`
export const partitionPath = (name: string, partition: number): string => `${partitionsPath(name)}/${partition}`
export const statePath = (name: string, partition: number): string => `${partitionPath(name, partition)}/state`
export const topicConfigsPath = '/config/topics'
export const topicConfigPath = (name: string): string => `${topicConfigsPath}/${name}`
export const deletionsPath = '/admin/delete_topics'
export const deletionPath = (name: string): string => `${deletionsPath}/${name}`

/** Most partitions whose state goes into one multi: two znodes each. */
export const PARTITIONS_PER_MULTI = OPERATIONS_PER_MULTI / 2

export interface TopicZnodes {
  readonly id: string
  readonly partitions: readonly (PartitionState | undefined)[]
  readonly assignment: readonly (readonly number[])[]
  readonly overrides: ReadonlyMap<string, string>
}

export function encodeTopic(id: string, assignment: readonly (readonly number[])[]): Buffer {
  const partitions = Object.fromEntries(assignment.map((replicas, partition) => [String(partition), replicas]))
  return json({ version: 3, topic_id: id, partitions, adding_replicas: {}, removing_replicas: {} })
}

export function encodeState(state: Pick<PartitionState, 'leader' | 'leaderEpoch' | 'isr'>, controllerEpoch: number): Buffer {
  const { leader, leaderEpoch, isr } = state
  return json({ version: 1, leader, leader_epoch: leaderEpoch, controller_epoch: controllerEpoch, isr, leader_recovery_state: 0 })
}

export function encodeOverrides(overrides: ReadonlyMap<string, string>): Buffer {
  return json({ version: 1, config: Object.fromEntries(overrides) })
}

/** The operations that make the states of partitions `from` to `to`, exclusive. */
export function createStates(
  name: string,
  assignment: readonly (readonly number[])[],
  from: number,
  to: number,
  controllerEpoch: number,
): Operation[] {
  const operations: Operation[] = []
  for (let partition = from; partition < to; partition++) {
    const isr = assignment[partition]!
    operations.push({ type: 'create', path: partitionPath(name, partition), data: null })
    const data = encodeState({ leader: isr[0]!, leaderEpoch: 0, isr }, controllerEpoch)
    operations.push({ type: 'create', path: statePath(name, partition), data })
  }
  return operations
}

/** The znodes of a topic that lies on one broker alone, which leads each partition in its epoch; without its configs. */
export function soleReplicaZnodes(name: string, id: string, brokerId: number, leaderEpochs: readonly number[]): Znode[] {
  const assignment = leaderEpochs.map(() => [brokerId])
  const states = leaderEpochs.flatMap((leaderEpoch, partition) => [
    { path: partitionPath(name, partition), data: null },
    { path: statePath(name, partition), data: encodeState({ leader: brokerId, leaderEpoch, isr: [brokerId] }, 0) },
  ])
  return [{ path: topicPath(name), data: encodeTopic(id, assignment) }, { path: partitionsPath(name), data: null }, ...states]
}

/** What the tree says of a topic; undefined where there is none. */
export async function readTopic(zooKeeper: TreeReader, name: string): Promise<TopicZnodes | undefined> {
  const [topic, config] = await Promise.all([dataOf(zooKeeper, topicPath(name)), dataOf(zooKeeper, topicConfigPath(name))])
  if (topic === undefined) return undefined
  const { topic_id: id, partitions } = decodeZnode<{ topic_id: string; partitions: Record<string, number[]> }>(
    topicPath(name),
    topic,
    (value) => hasPartitions(value) && typeof value['topic_id'] === 'string',
  )
  const assignment = Object.keys(partitions)
    .sort((a, b) => Number(a) - Number(b))
    .map((partition) => partitions[partition]!)
  const states = await Promise.all(assignment.map((_, partition) => dataOf(zooKeeper, statePath(name, partition))))
  return {
    id,
    assignment,
    overrides: decodeOverrides(name, config),
    partitions: states.map((data, partition) => decodeState(statePath(name, partition), data, assignment[partition]!)),
  }
}

const areIds = (value: unknown): boolean => Array.isArray(value) && value.every(Number.isSafeInteger)

/** Of a topic's znode. */
export const hasPartitions = (value: unknown): value is Fields =>
  isFields(value) && isFields(value['partitions']) && Object.values(value['partitions']).every(areIds)

/** Of a znode of configs: there may be none. */
export const hasConfig = (value: unknown): boolean =>
  isFields(value) && isFields(value['config'] ?? {}) && Object.values(value['config'] ?? {}).every((one) => typeof one === 'string')

const isState = (value: unknown): boolean =>
  isFields(value) && [value['leader'], value['leader_epoch']].every(Number.isSafeInteger) && areIds(value['isr'])

function decodeOverrides(name: string, data: Buffer | null | undefined): ReadonlyMap<string, string> {
  const { config } = decodeZnode<{ config?: Record<string, string> | null }>(topicConfigPath(name), data, hasConfig)
  return new Map(Object.entries(config ?? {}))
}

function decodeState(path: string, data: Buffer | null | undefined, replicas: readonly number[]): PartitionState | undefined {
  if (data === undefined) return undefined
  const state = decodeZnode<{ leader: number; leader_epoch: number; isr: number[] }>(path, data, isState)
  return { leader: state.leader, leaderEpoch: state.leader_epoch, isr: state.isr, replicas }
}
