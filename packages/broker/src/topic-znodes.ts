import type { Operation, TreeReader } from '@ottla/zookeeper'
import type { PartitionState } from './topic.ts'
import { dataOf, json, OPERATIONS_PER_MULTI, parseJson } from './znodes.ts'

/** The znodes of topics, as ZooKeeper-mode Kafka 3.9 lays them out (zookeeper-layout): payloads in compact JSON. */
export const topicsPath = '/brokers/topics'
export const topicPath = (name: string): string => `${topicsPath}/${name}`
export const statePath = (name: string, partition: number): string => `${topicPath(name)}/partitions/${partition}/state`
export const topicConfigPath = (name: string): string => `/config/topics/${name}`
export const deletionPath = (name: string): string => `/admin/delete_topics/${name}`

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
    const path = statePath(name, partition)
    operations.push({ type: 'create', path: path.slice(0, -'/state'.length), data: null })
    operations.push({ type: 'create', path, data: encodeState({ leader: isr[0]!, leaderEpoch: 0, isr }, controllerEpoch) })
  }
  return operations
}

/** What the tree says of a topic; undefined where there is none. */
export async function readTopic(zooKeeper: TreeReader, name: string): Promise<TopicZnodes | undefined> {
  const [topic, config] = await Promise.all([dataOf(zooKeeper, topicPath(name)), dataOf(zooKeeper, topicConfigPath(name))])
  if (topic === undefined) return undefined
  const { topic_id: id, partitions } = parseJson(topic) as { topic_id: string; partitions: Record<string, number[]> }
  const assignment = Object.keys(partitions)
    .sort((a, b) => Number(a) - Number(b))
    .map((partition) => partitions[partition]!)
  const states = await Promise.all(assignment.map((_, partition) => dataOf(zooKeeper, statePath(name, partition))))
  return {
    id,
    assignment,
    overrides: decodeOverrides(config),
    partitions: states.map((data, partition) => decodeState(data, assignment[partition]!)),
  }
}

function decodeOverrides(data: Buffer | null | undefined): ReadonlyMap<string, string> {
  return new Map(Object.entries((parseJson(data)['config'] ?? {}) as Record<string, string>))
}

function decodeState(data: Buffer | null | undefined, replicas: readonly number[]): PartitionState | undefined {
  if (data === undefined) return undefined
  const state = parseJson(data) as { leader: number; leader_epoch: number; isr: number[] }
  return { leader: state.leader, leaderEpoch: state.leader_epoch, isr: state.isr, replicas }
}
