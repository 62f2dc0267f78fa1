import type { Env } from '@ottla/env'
import { ErrorCode, KafkaError } from '@ottla/protocol'
import { MultiError, type Operation, type ZooKeeper } from '@ottla/zookeeper'
import type { BrokerConfig } from './configs/broker-config.ts'
import { topicConfig, type TopicConfig } from './configs/topic-config.ts'
import type { Controller } from './controller.ts'
import { isInternalTopic } from './internal-topics.ts'
import type { LogDirectories } from './log-directories.ts'
import { isFenced, toldOf, type Membership } from './membership.ts'
import { randomId } from './random-id.ts'
import { TopicOpening } from './topic-opening.ts'
import { produceRules, storedCompression, type PartitionState, type Topic } from './topic.ts'
import {
  createStates,
  deletionPath,
  deletionsPath,
  encodeOverrides,
  encodeTopic,
  PARTITIONS_PER_MULTI,
  readTopic,
  partitionPath,
  partitionsPath,
  statePath,
  topicConfigPath,
  topicConfigsPath,
  topicPath,
  topicsPath,
  type TopicZnodes,
} from './topic-znodes.ts'
import { inBatches, isOutcomeUnknown, ZnodeError } from './znodes.ts'

export interface NewTopic {
  readonly name: string
  /** The replicas of each partition. */
  readonly assignment: readonly (readonly number[])[]
  readonly overrides: ReadonlyMap<string, string>
}

export interface TopicsParts {
  readonly env: Env
  readonly zooKeeper: ZooKeeper
  readonly membership: Membership
  readonly controller: Controller
  readonly directories: LogDirectories
  readonly config: BrokerConfig
}

/** Topics that are read anew at once. */
const READ_AT_ONCE = 100
const NOBODY: PartitionState = { leader: -1, leaderEpoch: -1, isr: [], replicas: [] }

/** All topics, as the tree tells them, with their logs. The tree comes first: what it says, the directories are made to follow. */
export class Topics {
  readonly #env: Env
  readonly #zooKeeper: ZooKeeper
  readonly #membership: Membership
  readonly #controller: Controller
  readonly #directories: LogDirectories
  readonly #brokerId: number
  readonly #config: BrokerConfig
  /** What a topic without overrides obeys. */
  #defaults: TopicConfig | null = null
  readonly #byName = new Map<string, Topic>()
  readonly #byId = new Map<string, Topic>()
  /** Topics that changed in this turn. */
  readonly #dirty = new Set<string>()
  /** Refreshes under way, by name: one at a time a topic, and one more where something changed meanwhile. */
  readonly #refreshing = new Map<string, { again: Promise<void> | null; now: Promise<void> }>()

  /** What was there at the start is opened by and by, what is asked for at once. */
  readonly opening: TopicOpening
  /** Changes under way, by name. */
  readonly #changing = new Map<string, Promise<unknown>>()

  constructor(parts: TopicsParts) {
    this.#env = parts.env
    this.#zooKeeper = parts.zooKeeper
    this.#membership = parts.membership
    this.#controller = parts.controller
    this.#directories = parts.directories
    this.#brokerId = parts.config.brokerId
    this.#config = parts.config
    this.opening = new TopicOpening(parts.env, parts.directories, {
      defaults: this.#configOf(new Map()),
      byName: (name) => this.#byName.get(name),
      open: (name, partition) => this.#openOne(name, partition),
    })
  }

  byName(name: string): Topic | undefined {
    return this.#byName.get(name)
  }

  byId(id: string): Topic | undefined {
    return this.#byId.get(id)
  }

  all(): Iterable<Topic> {
    return this.#byName.values()
  }

  /** Takes over what is there, ends deletions that a stop cut short, and follows the tree from then on. */
  async start(): Promise<void> {
    await this.#zooKeeper.sync('/')
    const deleting = await this.#zooKeeper.getChildren(deletionsPath)
    for (const name of deleting.children) await this.#delete(name)
    const { children } = await this.#zooKeeper.getChildren(topicsPath)
    for (const [name, znodes] of await this.#controller.takeOver(children)) await this.#apply(name, znodes, true)
    for (const { topic, partition } of this.#directories.unopened()) {
      if (this.#byName.get(topic)?.unopened.has(partition) === true) continue
      this.#env.log.warn(`the directory of ${topic}-${partition} belongs to no topic of this cluster; it is left as it is`)
    }
    for (const root of [topicsPath, topicConfigsPath]) {
      await this.#zooKeeper.addWatch(root, 'persistentRecursive', (event) => {
        const name = event.path.slice(root.length + 1).split('/')[0]
        if (name) this.#changed(name)
      })
    }
  }

  /**
   * After a connection was lost: what happened to the tree meanwhile nobody has told. Deletions and creations that were cut short are ended,
   * then every topic that there is or was is read anew.
   */
  async readAll(): Promise<void> {
    const deleting = await this.#zooKeeper.getChildren(deletionsPath)
    for (const name of deleting.children) {
      await this.#oneAtATime(name, async () => {
        // a deletion that was under way may have ended it
        if ((await this.#zooKeeper.exists(deletionPath(name))) !== null) await this.#delete(name)
      })
    }
    const { children } = await this.#zooKeeper.getChildren(topicsPath)
    await this.#controller.fill(children)
    const names = [...new Set([...children, ...this.#byName.keys()])]
    for (let at = 0; at < names.length; at += READ_AT_ONCE) {
      await Promise.all(names.slice(at, at + READ_AT_ONCE).map((name) => this.refresh(name)))
    }
  }

  /** Writes the topic into the tree and answers once it can be produced to. */
  create(topic: NewTopic): Promise<Topic> {
    return this.#change(topic.name, () => this.#create(topic))
  }

  async #create({ name, assignment, overrides }: NewTopic): Promise<Topic> {
    const first = Math.min(assignment.length, PARTITIONS_PER_MULTI)
    const operations: Operation[] = [
      this.#controller.fence,
      { type: 'create', path: topicPath(name), data: encodeTopic(randomId(this.#env), assignment) },
      { type: 'create', path: partitionsPath(name), data: null },
      ...createStates(name, assignment, 0, first, this.#controller.epoch),
      await this.#writing(topicConfigPath(name), encodeOverrides(overrides)),
    ]
    try {
      await this.#zooKeeper.multi(operations)
    } catch (error) {
      if (this.#byName.has(name) || (error instanceof MultiError && error.code === 'NodeExists')) throw alreadyExists(name)
      throw error
    }
    await this.#controller.giveStates(name, assignment, first)
    try {
      await this.refresh(name)
    } catch (error) {
      // it is there, and followed when the connection is back
      if (isOutcomeUnknown(error)) throw error
      // who is refused a topic finds none afterwards
      await this.#delete(name)
      throw error
    }
    return this.#byName.get(name)!
  }

  /** Takes the topic out of the tree, then its directories away. The mark in /admin/delete_topics makes a start finish what a stop cut. */
  delete(name: string): Promise<void> {
    return this.#change(name, () => this.#delete(name))
  }

  async #delete(name: string): Promise<void> {
    const topic = await readTopic(this.#zooKeeper, name)
    if ((await this.#zooKeeper.exists(deletionPath(name))) === null) {
      if (topic === undefined) throw noTopic(name)
      await this.#zooKeeper.multi([this.#controller.fence, { type: 'create', path: deletionPath(name), data: null }])
    }
    const paths: string[] = []
    topic?.partitions.forEach((state, partition) => {
      if (state !== undefined) paths.push(statePath(name, partition), partitionPath(name, partition))
    })
    const rest = [partitionsPath(name), topicPath(name), topicConfigPath(name), deletionPath(name)]
    const there = await Promise.all(rest.map((path) => this.#zooKeeper.exists(path)))
    const all = [...paths, ...rest.filter((_, i) => there[i] !== null)].map((path) => ({ type: 'delete', path, version: -1 }) as const)
    await inBatches(this.#zooKeeper, all, this.#controller.fence)
    await this.refresh(name)
  }

  /** Sets what `alter` makes of the topic's overrides. */
  alter(name: string, alter: (topic: Topic) => ReadonlyMap<string, string>): Promise<void> {
    return this.#change(name, async () => {
      const topic = this.#byName.get(name)
      if (topic === undefined) throw noTopic(name)
      const writing = await this.#writing(topicConfigPath(name), encodeOverrides(alter(topic)))
      await this.#zooKeeper.multi([this.#controller.fence, writing])
      await this.refresh(name)
    })
  }

  /** A change that a client asks for: rejects with what it is to be told. */
  async #change<T>(name: string, change: () => Promise<T>): Promise<T> {
    try {
      return await this.#oneAtATime(name, () => {
        this.#membership.checkWritable()
        return change()
      })
    } catch (error) {
      if (isFenced(error)) this.#membership.joinAnew()
      throw toldOf(error)
    }
  }

  /** Of several who change a topic at once, each finds what the one before it left. */
  #oneAtATime<T>(name: string, change: () => Promise<T>): Promise<T> {
    const changed = (this.#changing.get(name) ?? Promise.resolve()).then(change)
    const settled = changed.catch(() => {})
    this.#changing.set(name, settled)
    void settled.then(() => this.#changing.get(name) === settled && this.#changing.delete(name))
    return changed
  }

  /** The operation that writes `data`, on condition that nobody writes it meanwhile. */
  async #writing(path: string, data: Buffer): Promise<Operation> {
    const known = await this.#zooKeeper.exists(path)
    return known === null ? { type: 'create', path, data } : { type: 'setData', path, data, version: known.version }
  }

  /** Changes of one turn are followed together when it ends, save what was followed meanwhile. */
  #changed(name: string): void {
    if (this.#dirty.size === 0) this.#env.loop.atEndOfTurn(this.#followChanged)
    this.#dirty.add(name)
  }

  readonly #followChanged = (): void => {
    for (const name of this.#dirty) {
      this.refresh(name).catch((error: unknown) => {
        // all is read when there is a connection again
        if (isOutcomeUnknown(error)) return
        if (error instanceof ZnodeError) this.#env.log.warn(`${name} stays as it was: ${error.message}`)
        else this.#env.log.error(`could not follow the topic ${name}`, { error })
      })
    }
    this.#dirty.clear()
  }

  /** Reads the topic's znodes and follows them; what is asked for while one is under way is one more, for all who ask. */
  refresh(name: string): Promise<void> {
    this.#dirty.delete(name)
    const running = this.#refreshing.get(name)
    if (running === undefined) {
      const entry = { again: null as Promise<void> | null, now: this.#refreshOnce(name) }
      this.#refreshing.set(name, entry)
      const ended = (): void => {
        if (entry.again === null) this.#refreshing.delete(name)
      }
      entry.now.then(ended, ended)
      return entry.now
    }
    running.again ??= running.now
      .catch(() => {})
      .then(() => {
        this.#refreshing.delete(name)
        return this.refresh(name)
      })
    return running.again
  }

  #configOf(overrides: ReadonlyMap<string, string>): TopicConfig {
    if (overrides.size > 0) return topicConfig(this.#config, overrides)
    return (this.#defaults ??= topicConfig(this.#config, overrides))
  }

  async #refreshOnce(name: string): Promise<void> {
    await this.#apply(name, await readTopic(this.#zooKeeper, name))
  }

  async #apply(name: string, znodes: TopicZnodes | undefined, isStart = false): Promise<void> {
    let before = this.#byName.get(name)
    if (before !== undefined && before.id !== znodes?.id) {
      this.#byName.delete(name)
      this.#byId.delete(before.id)
      this.opening.drop(before)
      for (const partition of before.logs.keys()) await this.#directories.delete(name, partition, before.config)
      before = undefined
    }
    if (znodes === undefined) return
    const config = this.#configOf(znodes.overrides)
    const partitions = znodes.partitions.map((state) => state ?? NOBODY)
    const without: { readonly partition: number; readonly error: Error }[] = []
    const unopened = new Set<number>()
    const logs = await Promise.all(
      partitions.map(async (state, partition) => {
        if (state.leader !== this.#brokerId) return undefined
        const isNew = !isStart && before?.partitions[partition] === undefined
        if (!isNew && this.#directories.isUnopened(name, partition)) {
          unopened.add(partition)
          return undefined
        }
        try {
          const log = await this.#directories.obtain(name, partition, znodes.id, config, isNew)
          log.configure(config)
          log.becomeLeader(state.leaderEpoch)
          return log
        } catch (error) {
          if (isNew) throw error
          const log = before?.logs[partition]
          if (log === undefined) without.push({ partition, error: error as Error })
          return log
        }
      }),
    )
    // a start goes on without them: all others are there
    if (isStart && without.length > 0)
      this.#sayWithoutLog(
        name,
        without.map(({ partition }) => partition),
        without[0]!.error,
      )
    const { id, overrides } = znodes
    const derived = { internal: isInternalTopic(name), produceRules: produceRules(config), compression: storedCompression(config) }
    const topic: Topic = { name, id, partitions, logs, unopened, overrides, config, ...derived }
    this.#byName.set(name, topic)
    this.#byId.set(id, topic)
    this.opening.take(topic, before)
  }

  /** On a full disk, for one, or where another topic's log is in its place. */
  #sayWithoutLog(name: string, partitions: readonly number[], error: Error): void {
    this.#env.log.error(`${name}: no log of partition ${partitions.join(', ')} until a restart`, { error: error.message })
  }

  async #openOne(name: string, partition: number): Promise<void> {
    const { id, config } = this.#byName.get(name)!
    try {
      const log = await this.#directories.obtain(name, partition, id, config, false)
      // what is configured and led may have changed meanwhile
      const topic = this.#byName.get(name)
      if (topic?.id !== id) return
      log.configure(topic.config)
      log.becomeLeader(topic.partitions[partition]!.leaderEpoch)
      topic.logs[partition] = log
    } catch (error) {
      if (this.#byName.get(name)?.id === id && !this.opening.stopped) this.#sayWithoutLog(name, [partition], error as Error)
    }
  }
}

export const alreadyExists = (name: string): KafkaError =>
  new KafkaError(ErrorCode.TOPIC_ALREADY_EXISTS, `a topic named '${name}' exists already`)

const noTopic = (name: string): KafkaError => new KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `there is no topic '${name}'`)
