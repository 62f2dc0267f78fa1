import type { Env } from '@ottla/env'
import { MultiError, type Operation, type ZooKeeper } from '@ottla/zookeeper'
import { HeldElsewhere } from './cluster-membership.ts'
import { createStates, encodeState, PARTITIONS_PER_MULTI, readTopic, statePath, type TopicZnodes } from './topic-znodes.ts'
import { decodeZnode, inBatches, json, readZnode } from './znodes.ts'

/** Topics whose znodes are read at once. */
const READ_AT_ONCE = 100
/** An election is lost to a change that came between only so often. */
const ELECTIONS_MAX = 10

/** Gives every partition a leader. On one node it is the broker itself, in a new leader epoch after each start. */
export class Controller {
  readonly #env: Env
  readonly #zooKeeper: ZooKeeper
  readonly #brokerId: number
  #epoch = 0
  #epochVersion = -1

  constructor(env: Env, zooKeeper: ZooKeeper, brokerId: number) {
    this.#env = env
    this.#zooKeeper = zooKeeper
    this.#brokerId = brokerId
  }

  /** That of the last election that it won. */
  get epoch(): number {
    return this.#epoch
  }

  /** First in each write: it is carried out only while no other election was won. */
  get fence(): Operation {
    return { type: 'check', path: '/controller_epoch', version: this.#epochVersion }
  }

  /**
   * Takes /controller, and with it the next controller epoch; keeps it where this session has it, as after an answer that was lost. Rejects
   * with HeldElsewhere where another session has it.
   */
  async elect(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const held = await readZnode(this.#zooKeeper, '/controller')
      const known = await readZnode(this.#zooKeeper, '/controller_epoch')
      const epoch = known === undefined ? 0 : decodeZnode<number>('/controller_epoch', known.data, Number.isSafeInteger)
      if (held !== undefined) {
        if (held.stat.ephemeralOwner !== this.#zooKeeper.sessionId) {
          throw new HeldElsewhere(
            `broker ${String(decodeZnode('/controller', held.data)['brokerid'])} is the controller, and its session lasts`,
          )
        }
        this.#epoch = epoch
        this.#epochVersion = known!.stat.version
        return
      }
      try {
        await this.#elect(epoch + 1, known?.stat.version)
        return
      } catch (error) {
        const isLost = error instanceof MultiError && (error.code === 'NodeExists' || error.code === 'BadVersion')
        if (!isLost || attempt === ELECTIONS_MAX) throw error
      }
    }
  }

  async #elect(epoch: number, version: number | undefined): Promise<void> {
    const path = '/controller_epoch'
    const data = Buffer.from(String(epoch))
    const now = String(this.#env.clock.now())
    const controller = json({ version: 2, brokerid: this.#brokerId, timestamp: now, kraftControllerEpoch: -1 })
    await this.#zooKeeper.multi([
      { type: 'create', path: '/controller', data: controller, mode: 'ephemeral' },
      version === undefined ? { type: 'create', path, data } : { type: 'setData', path, data, version },
    ])
    this.#epoch = epoch
    this.#epochVersion = version === undefined ? 0 : version + 1
  }

  /**
   * After a start: partitions that a crash left without a state get one, all others the next leader epoch, since what this broker lost
   * with its power may have been read in the old one. Answers the topics as they are then.
   */
  async takeOver(names: readonly string[]): Promise<Map<string, TopicZnodes>> {
    const topics = new Map<string, TopicZnodes>()
    const operations: Operation[] = []
    for (const [name, topic] of await this.#read(names)) {
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
    await inBatches(this.#zooKeeper, operations, this.fence)
    return topics
  }

  /** After a lost connection: partitions without a state get one, for their topic may have been cut short; no others are touched. */
  async fill(names: readonly string[]): Promise<void> {
    const operations: Operation[] = []
    for (const [name, { assignment, partitions }] of await this.#read(names)) {
      for (const [partition, state] of partitions.entries()) {
        if (state === undefined) operations.push(...createStates(name, assignment, partition, partition + 1, this.epoch))
      }
    }
    await inBatches(this.#zooKeeper, operations, this.fence)
  }

  async #read(names: readonly string[]): Promise<Map<string, TopicZnodes>> {
    const topics = new Map<string, TopicZnodes>()
    for (let at = 0; at < names.length; at += READ_AT_ONCE) {
      const some = names.slice(at, at + READ_AT_ONCE)
      const found = await Promise.all(some.map((name) => readTopic(this.#zooKeeper, name)))
      for (const [i, topic] of found.entries()) if (topic !== undefined) topics.set(some[i]!, topic)
    }
    return topics
  }

  /** The states of a new topic's partitions from the given one on: those that its first multi had no room for. */
  async giveStates(name: string, assignment: readonly (readonly number[])[], from: number): Promise<void> {
    const operations: Operation[] = []
    for (let first = from; first < assignment.length; first += PARTITIONS_PER_MULTI) {
      operations.push(...createStates(name, assignment, first, Math.min(first + PARTITIONS_PER_MULTI, assignment.length), this.epoch))
    }
    await inBatches(this.#zooKeeper, operations, this.fence)
  }
}
