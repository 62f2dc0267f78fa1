import { ZERO_UUID } from '@ottla/wire'
import { EnvError, type Env, type EnvErrorCode } from '@ottla/env'
import { ErrorCode, KafkaError } from '@ottla/protocol'
import { LogDirectory, type CleanerSettings, type LogConfig, type LogDirectoryOptions, type PartitionLog } from '@ottla/log'

/** The directories of `log.dirs` as one place: every log by topic and partition, new ones where the fewest are. */
export class LogDirectories {
  readonly #env: Env
  readonly #directories: readonly LogDirectory[]
  /** Could not be opened at the start. */
  readonly #unopened: readonly string[]
  readonly #logs = new Map<string, PartitionLog>()
  readonly #homes = new Map<PartitionLog, LogDirectory>()
  /** Where logs are being made: a topic's partitions are made at the same time, and count before they are there. */
  readonly #creating: LogDirectory[] = []

  private constructor(env: Env, directories: readonly LogDirectory[], unopened: readonly string[]) {
    this.#env = env
    this.#directories = directories
    this.#unopened = unopened
  }

  /**
   * Opens and recovers all of them. One whose disk fails is offline, and the others serve (KIP-112); where it is the only one, or where
   * it isn't the disk, this rejects, and those that were opened are given back.
   */
  static async open(
    env: Env,
    paths: readonly string[],
    identity: { brokerId: number; clusterId: string },
    cleaner: CleanerSettings,
    options: LogDirectoryOptions,
    configOf: (topic: string) => LogConfig | Promise<LogConfig>,
  ): Promise<LogDirectories> {
    const opened: LogDirectory[] = []
    const unopened: string[] = []
    try {
      for (const path of paths) {
        try {
          opened.push(await LogDirectory.open(env, path, identity, { ...options, cleaner: shareOf(paths.length, cleaner) }))
        } catch (error) {
          const isLast = opened.length === 0 && unopened.length === paths.length - 1
          if (!isOfDisk(error) || isLast) throw error
          unopened.push(path)
          env.log.error(`${path}: the disk failed; its partitions are offline until a restart`, { error: error.message })
        }
      }
      const all = new LogDirectories(env, opened, unopened)
      await Promise.all(
        opened.map(async (directory) => {
          try {
            for (const log of await directory.load(configOf)) all.#add(log, directory)
          } catch (error) {
            if (!isOfDisk(error)) throw error
            directory.fail(error)
          }
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
    const offline = [...this.#unopened, ...this.#directories.filter(({ failed }) => failed !== null).map(({ path }) => path)]
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

  async delete(log: PartitionLog): Promise<void> {
    this.#logs.delete(keyOf(log.topic, log.partition))
    const home = this.#homes.get(log)
    this.#homes.delete(log)
    await home?.delete(log)
  }

  /** The settings of all directories together: obeyed from the next log on that is compacted. */
  configureCleaner(cleaner: CleanerSettings): void {
    for (const directory of this.#directories) directory.configureCleaner(shareOf(this.#directories.length, cleaner))
  }

  async close(): Promise<void> {
    await Promise.all(this.#directories.map((directory) => directory.close()))
  }

  #add(log: PartitionLog, home: LogDirectory): void {
    const key = keyOf(log.topic, log.partition)
    const other = this.#logs.get(key)
    if (other !== undefined) throw samePartition(other.directory, log.directory)
    this.#logs.set(key, log)
    this.#homes.set(log, home)
  }

  #count(directory: LogDirectory): number {
    let count = 0
    for (const home of this.#homes.values()) if (home === directory) count++
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
