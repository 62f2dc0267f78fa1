import type { Operation, ZooKeeper } from '@ottla/zookeeper'
import { createStates, encodeState, PARTITIONS_PER_MULTI, readTopic, statePath, type TopicZnodes } from './topic-znodes.ts'
import { inBatches } from './znodes.ts'

/** Gives every partition a leader. On one node it is the broker itself, in a new leader epoch after each start. */
export class Controller {
  readonly #zooKeeper: ZooKeeper
  readonly epoch: number

  constructor(zooKeeper: ZooKeeper, epoch: number) {
    this.#zooKeeper = zooKeeper
    this.epoch = epoch
  }

  /**
   * After a start: partitions that a crash left without a state get one, all others the next leader epoch, since what this broker lost
   * with its power may have been read in the old one. Answers the topics as they are then.
   */
  async takeOver(names: readonly string[]): Promise<Map<string, TopicZnodes>> {
    const topics = new Map<string, TopicZnodes>()
    const operations: Operation[] = []
    for (const name of names) {
      const topic = await readTopic(this.#zooKeeper, name)
      if (topic === undefined) continue
      const partitions = topic.assignment.map((replicas, partition) => {
        const known = topic.partitions[partition]
        if (known === undefined) {
          operations.push(...createStates(name, topic.assignment, partition, partition + 1, this.epoch))
          return { leader: replicas[0]!, leaderEpoch: 0, isr: replicas, replicas }
        }
        const next = { ...known, leader: known.isr[0] ?? replicas[0]!, leaderEpoch: known.leaderEpoch + 1 }
        operations.push({ type: 'setData', path: statePath(name, partition), data: encodeState(next, this.epoch), version: -1 })
        return next
      })
      topics.set(name, { ...topic, partitions })
    }
    await inBatches(this.#zooKeeper, operations)
    return topics
  }

  /** The states of a new topic's partitions from the given one on: those that its first multi had no room for. */
  async giveStates(name: string, assignment: readonly (readonly number[])[], from: number): Promise<void> {
    const operations: Operation[] = []
    for (let first = from; first < assignment.length; first += PARTITIONS_PER_MULTI) {
      operations.push(...createStates(name, assignment, first, Math.min(first + PARTITIONS_PER_MULTI, assignment.length), this.epoch))
    }
    await inBatches(this.#zooKeeper, operations)
  }
}
