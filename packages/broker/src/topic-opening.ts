import type { Env } from '@ottla/env'
import type { LogDirectories } from './log-directories.ts'
import type { Topic } from './topic.ts'
import type { Topics } from './topics.ts'
import type { LogConfig } from '@ottla/log'

/** The topics whose logs are opened. */
export interface OpenedTopics {
  /** What a topic without overrides obeys. */
  readonly defaults: LogConfig
  byName(name: string): Topic | undefined
  /** Gives the topic its log, if that can be had. Never rejects. */
  open(name: string, partition: number): Promise<void>
}

/** Opened at once in the background: what clients ask for finds room beside them. */
const BACKGROUND_MAX = 8
/** So long a request waits for its partitions; then each answers that it isn't led here yet, and its client asks again. */
const PATIENCE_MS = 10_000
const PROGRESS_MS = 5_000

/**
 * Opens logs that were there at the start: those that a request names at once, all others one after another in the background. So a
 * broker with thousands of partitions, or with much to recover, answers as soon as it has read what concerns them all.
 */
export class TopicOpening {
  readonly #env: Env
  readonly #directories: LogDirectories
  readonly #topics: OpenedTopics
  readonly #underway = new Map<string, Promise<void>>()
  /** Of all topics. While it is 0, which it soon is for ever, no request need look. */
  count = 0
  stopped = false

  constructor(env: Env, directories: LogDirectories, topics: OpenedTopics) {
    this.#env = env
    this.#directories = directories
    this.#topics = topics
  }

  /** The topic stands for what it was `before` now, or is new. */
  take(topic: Topic, before: Topic | undefined): void {
    this.count += topic.unopened.size - (before?.unopened.size ?? 0)
    for (const partition of topic.unopened) {
      // it was opened while the topic was read
      if (!this.#directories.isUnopened(topic.name, partition)) void this.open(topic, partition)
    }
  }

  /** The topic is gone. */
  drop(topic: Topic): void {
    this.count -= topic.unopened.size
    topic.unopened.clear()
  }

  /** Null: all of these are open. Else resolves when they are, or when that takes too long. */
  whenOpened(asked: Iterable<readonly [Topic | undefined, number]>): Promise<void> | null {
    const opening: Promise<void>[] = []
    for (const [topic, partition] of asked) if (topic?.unopened.has(partition) === true) opening.push(this.open(topic, partition))
    if (opening.length === 0) return null
    return new Promise((resolve) => {
      const timer = this.#env.clock.after(PATIENCE_MS, resolve)
      void Promise.all(opening).then(() => {
        timer.cancel()
        resolve()
      })
    })
  }

  /** Resolves when it is open, or can't be. */
  open(topic: Topic, partition: number): Promise<void> {
    const key = `${topic.id}-${partition}`
    const underway = this.#underway.get(key)
    if (underway !== undefined) return underway
    const opening = this.#openOne(topic, partition).finally(() => this.#underway.delete(key))
    this.#underway.set(key, opening)
    return opening
  }

  async #openOne({ name, id, unopened }: Topic, partition: number): Promise<void> {
    if (!unopened.has(partition) || this.stopped) return
    await this.#topics.open(name, partition)
    const topic = this.#topics.byName(name)
    if (topic?.id === id && topic.unopened.delete(partition)) this.count--
  }

  /** Opens all that is left, the directories of no topic too, and says now and then how far it is. */
  async run(): Promise<void> {
    const { clock, log } = this.#env
    const found = this.#directories.unopened()
    const beganMs = clock.monotonic()
    let saidMs = beganMs
    let done = 0
    const next = found.values()
    const work = async (): Promise<void> => {
      for (const { topic, partition } of next) {
        if (this.stopped) return
        const known = this.#topics.byName(topic)
        if (known?.unopened.has(partition) === true) await this.open(known, partition)
        else await this.#directories.openFound(topic, partition, this.#topics.defaults).catch(() => {})
        done++
        if (clock.monotonic() - saidMs < PROGRESS_MS) continue
        saidMs = clock.monotonic()
        log.info(`${done} of ${found.length} partitions are open; the others are opened as they are asked for, or in a while`)
      }
    }
    await Promise.all(Array.from({ length: BACKGROUND_MAX }, work))
    if (this.stopped) return
    if (!this.#directories.wereClean) await this.#directories.checkpoint()
    if (saidMs > beganMs) log.info(`all ${found.length} partitions are open`, { seconds: Math.round((clock.monotonic() - beganMs) / 1000) })
  }
}

/** The partitions of a request that names topics, and each partition by `partitionIndex`. */
export function* namedPartitions(
  request: { readonly topics: readonly { readonly name: string; readonly partitions: readonly { readonly partitionIndex: number }[] }[] },
  topics: Topics,
): Generator<readonly [Topic | undefined, number]> {
  for (const { name, partitions } of request.topics) {
    for (const { partitionIndex } of partitions) yield [topics.byName(name), partitionIndex]
  }
}

/** A handler's `ready`: the partitions that its request names are open. */
export function opened<Q>(asked: (request: Q, topics: Topics) => Iterable<readonly [Topic | undefined, number]>) {
  return (request: Q, { topics }: { readonly topics: Topics }): Promise<void> | null =>
    topics.opening.count === 0 ? null : topics.opening.whenOpened(asked(request, topics))
}
