import { ZERO_UUID } from '@ottla/wire'
import type { Env } from '@ottla/env'
import { LogDirectory, type LogConfig, type LogDirectoryOptions, type PartitionLog } from '@ottla/log'

/** The directories of `log.dirs` as one place: every log by topic and partition, new ones where the fewest are. */
export class LogDirectories {
  readonly #directories: readonly LogDirectory[]
  readonly #logs = new Map<string, PartitionLog>()
  readonly #homes = new Map<PartitionLog, LogDirectory>()
  /** Where logs are being made: a topic's partitions are made at the same time, and count before they are there. */
  readonly #creating: LogDirectory[] = []

  private constructor(directories: readonly LogDirectory[]) {
    this.#directories = directories
  }

  /** Opens and recovers all of them; where one can't be opened, those that were are given back. */
  static async open(
    env: Env,
    paths: readonly string[],
    identity: { brokerId: number; clusterId: string },
    options: LogDirectoryOptions,
    configOf: (topic: string) => LogConfig | Promise<LogConfig>,
  ): Promise<LogDirectories> {
    const opened: LogDirectory[] = []
    try {
      for (const path of paths) opened.push(await LogDirectory.open(env, path, identity, sharedAmong(paths.length, options)))
      const all = new LogDirectories(opened)
      await Promise.all(
        opened.map(async (directory) => {
          for (const log of await directory.load(configOf)) all.#add(log, directory)
        }),
      )
      return all
    } catch (error) {
      await Promise.allSettled(opened.map((directory) => directory.close()))
      throw error
    }
  }

  get(topic: string, partition: number): PartitionLog | undefined {
    return this.#logs.get(keyOf(topic, partition))
  }

  all(): Iterable<PartitionLog> {
    return this.#logs.values()
  }

  /**
   * The log of this partition of this topic id. One that is there already but is offline, or has no id (one that could not be read has
   * none either), may hold this topic's records: it is taken over where it is sound. One of another id makes room for a topic that is
   * `made` now; else it may be this topic's, with a damaged `partition.metadata` (decision 0009): INCONSISTENT_TOPIC_ID.
   */
  async obtain(topic: string, partition: number, topicId: string, config: LogConfig, made: boolean): Promise<PartitionLog> {
    const known = this.get(topic, partition)
    if (known !== undefined) {
      const isOther = known.failed === null && known.topicId !== ZERO_UUID && known.topicId !== topicId
      if (!isOther || !made) return this.#homes.get(known)!.create(topic, partition, topicId, config)
      await this.delete(known)
    }
    const usable = this.#directories.filter((directory) => directory.failed === null)
    if (usable.length === 0) throw new Error('every directory of log.dirs has failed; see the log for why')
    const directory = usable.reduce((best, next) => (this.#count(next) < this.#count(best) ? next : best))
    this.#creating.push(directory)
    try {
      const log = await directory.create(topic, partition, topicId, config)
      this.#add(log, directory)
      return log
    } finally {
      this.#creating.splice(this.#creating.indexOf(directory), 1)
    }
  }

  async delete(log: PartitionLog): Promise<void> {
    this.#logs.delete(keyOf(log.topic, log.partition))
    const home = this.#homes.get(log)
    this.#homes.delete(log)
    await home?.delete(log)
  }

  async close(): Promise<void> {
    await Promise.all(this.#directories.map((directory) => directory.close()))
  }

  #add(log: PartitionLog, home: LogDirectory): void {
    this.#logs.set(keyOf(log.topic, log.partition), log)
    this.#homes.set(log, home)
  }

  #count(directory: LogDirectory): number {
    let count = 0
    for (const home of this.#homes.values()) if (home === directory) count++
    for (const home of this.#creating) if (home === directory) count++
    return count
  }
}

/** Each directory compacts by itself: the memory and the rate are those of all. */
function sharedAmong(directoryCount: number, options: LogDirectoryOptions): LogDirectoryOptions {
  const { cleanerDedupeBytesMax, cleanerIoBytesPerSecondMax } = options
  return {
    ...options,
    ...(cleanerDedupeBytesMax === undefined ? {} : { cleanerDedupeBytesMax: cleanerDedupeBytesMax / directoryCount }),
    ...(cleanerIoBytesPerSecondMax === undefined ? {} : { cleanerIoBytesPerSecondMax: cleanerIoBytesPerSecondMax / directoryCount }),
  }
}

const keyOf = (topic: string, partition: number): string => `${topic}-${partition}`
