import { ZERO_UUID } from '@ottla/wire'
import { EnvError, type Env, type EnvErrorCode } from '@ottla/env'
import { ErrorCode, KafkaError } from '@ottla/protocol'
import {
  LogDirectory,
  type CleanerSettings,
  type FoundPartition,
  type LogConfig,
  type LogDirectoryOptions,
  type PartitionLog,
} from '@ottla/log'

/**
 * The directories of `log.dirs` as one place: every log by topic and partition, new ones where the fewest are. What was there at the start is
 * opened when it is asked for.
 */
export class LogDirectories {
  readonly #env: Env
  readonly #directories: readonly LogDirectory[]
  /** Could not be opened at the start. */
  readonly #failedPaths: readonly string[]
  /** Where those are that nobody asked for yet, by `keyOf`. */
  readonly #found = new Map<string, FoundPartition & { readonly home: LogDirectory }>()
  readonly #logs = new Map<string, PartitionLog>()
  readonly #homes = new Map<PartitionLog, LogDirectory>()
  /** Where logs are being made: a topic's partitions are made at the same time, and count before they are there. */
  readonly #creating: LogDirectory[] = []

  private constructor(env: Env, directories: readonly LogDirectory[], failedPaths: readonly string[]) {
    this.#env = env
    this.#directories = directories
    this.#failedPaths = failedPaths
  }

  /**
   * Opens all of them, and none of their logs. One whose disk fails is offline, and the others serve (KIP-112); where it is the only one, or
   * where it isn't the disk, this rejects, and those that were opened are given back.
   */
  static async open(
    env: Env,
    paths: readonly string[],
    identity: { brokerId: number; clusterId: string },
    cleaner: CleanerSettings,
    options: LogDirectoryOptions,
  ): Promise<LogDirectories> {
    const opened: LogDirectory[] = []
    const failedPaths: string[] = []
    const found = new Map<LogDirectory, FoundPartition[]>()
    try {
      for (const path of paths) {
        try {
          const home = await LogDirectory.open(env, path, identity, { ...options, cleaner: shareOf(paths.length, cleaner) })
          opened.push(home)
          found.set(home, await home.find())
        } catch (error) {
          if (!isOfDisk(error)) throw error
          failedPaths.push(path)
          if (failedPaths.length === paths.length) throw error
          env.log.error(`${path}: the disk failed; its partitions are offline until a restart`, { error: error.message })
        }
      }
      const all = new LogDirectories(env, [...found.keys()], failedPaths)
      for (const [home, partitions] of found) for (const each of partitions) all.#find(each, home)
      return all
    } catch (error) {
      await Promise.allSettled(opened.map((directory) => directory.close()))
      throw error
    }
  }

  /** Whether the last process that had them ended as it should: else logs are recovered as they are opened. */
  get wereClean(): boolean {
    return this.#directories.every((directory) => directory.wasClean)
  }

  get(topic: string, partition: number): PartitionLog | undefined {
    return this.#logs.get(keyOf(topic, partition))
  }

  isUnopened(topic: string, partition: number): boolean {
    return this.#found.has(keyOf(topic, partition))
  }

  /** Those that were there at the start and nobody asked for yet. */
  unopened(): FoundPartition[] {
    return [...this.#found.values()]
  }

  /**
   * The log of this partition of this topic id. One that is there already but is offline, or has no id (one that could not be read has
   * none either), may hold this topic's records: it is taken over where it is sound. One of another id makes room for a topic that is
   * `made` now; else it may be this topic's, with a damaged `partition.metadata` (decision 0009): INCONSISTENT_TOPIC_ID.
   */
  async obtain(topic: string, partition: number, topicId: string, config: LogConfig, made: boolean): Promise<PartitionLog> {
    const known = this.get(topic, partition) ?? (await this.openFound(topic, partition, config))
    if (known !== undefined) {
      const isOther = known.failed === null && known.topicId !== ZERO_UUID && known.topicId !== topicId
      const home = this.#homes.get(known)!
      if (!isOther || !made) return home.create(topic, partition, topicId, config)
      this.#logs.delete(keyOf(topic, partition))
      this.#homes.delete(known)
      await home.setAside(known)
    }
    const usable = this.#directories.filter((directory) => directory.failed === null)
    const offline = [...this.#failedPaths, ...this.#directories.filter(({ failed }) => failed !== null).map(({ path }) => path)]
    const name = keyOf(topic, partition)
    if (usable.length === 0 || (!made && offline.length > 0)) {
      throw new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, `${name} may lie in ${offline.join(' or ')}, which is offline: make it well`)
    }
    if (!made) this.#env.log.warn(`${name} has no directory in log.dirs: it begins anew, empty`)
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

  /** Opens one that was found; undefined where there is none. */
  async openFound(topic: string, partition: number, config: LogConfig): Promise<PartitionLog | undefined> {
    const key = keyOf(topic, partition)
    const home = this.#found.get(key)?.home
    if (home === undefined) return undefined
    const log = await home.openFound(topic, partition, config)
    if (this.#found.delete(key)) this.#add(log, home)
    else if (this.#logs.get(key) !== log) throw new Error(`${key} was deleted meanwhile`)
    return log
  }

  /** Takes the partition's directory away, if there is one. */
  async delete(topic: string, partition: number, config: LogConfig): Promise<void> {
    const key = keyOf(topic, partition)
    const home = this.#found.get(key)?.home
    if (home !== undefined) {
      this.#found.delete(key)
      await home.deleteFound(topic, partition, config)
      return
    }
    const log = this.#logs.get(key)
    if (log === undefined) return
    this.#logs.delete(key)
    const itsHome = this.#homes.get(log)
    this.#homes.delete(log)
    await itsHome?.delete(log)
  }

  /** Writes what is known of all logs; a directory that can't goes offline. */
  async checkpoint(): Promise<void> {
    await Promise.allSettled(this.#directories.filter(({ failed }) => failed === null).map((directory) => directory.checkpoint()))
  }

  async close(): Promise<void> {
    await Promise.all(this.#directories.map((directory) => directory.close()))
  }

  #find(partition: FoundPartition, home: LogDirectory): void {
    const key = keyOf(partition.topic, partition.partition)
    const other = this.#found.get(key)
    if (other !== undefined) throw samePartition(`${other.home.path}/${key}`, `${home.path}/${key}`)
    this.#found.set(key, { ...partition, home })
  }

  #add(log: PartitionLog, home: LogDirectory): void {
    this.#logs.set(keyOf(log.topic, log.partition), log)
    this.#homes.set(log, home)
  }

  #count(directory: LogDirectory): number {
    let count = 0
    for (const home of this.#homes.values()) if (home === directory) count++
    for (const { home } of this.#found.values()) if (home === directory) count++
    for (const home of this.#creating) if (home === directory) count++
    return count
  }
}

const OF_DISK: ReadonlySet<EnvErrorCode> = new Set(['io', 'denied', 'full', 'not-found'])

const isOfDisk = (error: unknown): error is EnvError => error instanceof EnvError && OF_DISK.has(error.code)

/** Each directory compacts by itself, with at least one thread: memory and rate are those of all. */
function shareOf(directoryCount: number, cleaner: CleanerSettings): CleanerSettings {
  return {
    ...cleaner,
    threads: Math.ceil(cleaner.threads / directoryCount),
    dedupeBytesMax: cleaner.dedupeBytesMax / directoryCount,
    ioBufferBytes: cleaner.ioBufferBytes / directoryCount,
    ioBytesPerSecondMax: cleaner.ioBytesPerSecondMax / directoryCount,
  }
}

const keyOf = (topic: string, partition: number): string => `${topic}-${partition}`

/** Which of two directories holds a partition's records nobody can tell: for the operator. */
export const samePartition = (one: string, other: string): Error =>
  new Error(`${one} and ${other} are of the same partition: move away the one that is not to count`)
