import { EnvError, type Env, type Lock, type Timer } from '@ottla/env'
import { isNotFound, writeWhole } from '@ottla/env/files'
import { ErrorCode, KafkaError } from '@ottla/protocol'
import { readWhole, writePartitionMetadata } from './checkpoint.ts'
import { ZERO_UUID } from '@ottla/wire'
import type { CompactedLog } from './cleaner/cleanable.ts'
import { DEFAULT_CLEANER_SETTINGS, type CleanerSettings } from './cleaner/cleaner-settings.ts'
import { Cleaner, type CleanerHome } from './cleaner/cleaner.ts'
import { CopySlab } from './copy-slab.ts'
import { DirectoryCheckpoints } from './directory-checkpoints.ts'
import { CLEAN_MARKER, DELETED_DIRECTORY, directoryNameAs, topicPartitionOf } from './file-names.ts'
import { FullDisk, isFull } from './full-disk.ts'
import { eachOf, Gate } from './gate.ts'
import type { LogConfig } from './log-config.ts'
import { loadLog } from './log-loader.ts'
import { claimDirectory, type Identity } from './meta-properties.ts'
import { OpenSegments } from './open-segments.ts'
import { Pace } from './pace.ts'
import { nothingLoaded } from './loaded-log.ts'
import { PartitionLog } from './partition-log.ts'
import { Presence } from './presence.ts'
import { retain } from './retention.ts'
import { SparingDisk } from './sparing-disk.ts'
import { STALL_CHECK_MS, StallWatch } from './stall-watch.ts'
import { takeDirectory } from './taken-directory.ts'
import { UnopenedLogs, type FoundPartition } from './unopened-logs.ts'

export interface LogDirectoryOptions {
  /** `log.flush.offset.checkpoint.interval.ms`; also how often log starts are written. Default 60,000. */
  readonly recoveryPointIntervalMs?: number
  /** `replica.high.watermark.checkpoint.interval.ms`. Default 5,000. */
  readonly highWatermarkIntervalMs?: number
  /** `log.retention.check.interval.ms`. Default 300,000. */
  readonly retentionIntervalMs?: number
  /** Default: Kafka's. */
  readonly cleaner?: Partial<CleanerSettings>
  /** Segments that may be open at once, beyond those in use. Default 1,000. */
  readonly openSegmentsMax?: number
  /** Partitions that are opened at once. Default 16. */
  readonly loadingMax?: number
}

const SYNCS_MAX = 8
const WRITES_MAX = 32
/** Closed at once where no descriptor is left. */
const SPARED_COUNT = 64
/** Partitions that are made at once: each has files open meanwhile. */
const MAKERS_MAX = 32

/** One of `log.dirs`: this process's alone while open. Holds the partitions' directories, the checkpoints, and the timers of upkeep. */
export class LogDirectory implements CleanerHome {
  readonly path: string
  readonly env: Env
  readonly pace = new Pace()
  readonly full: FullDisk
  readonly syncs = new Gate(SYNCS_MAX)
  readonly writes = new Gate(WRITES_MAX)
  readonly checkpoints = new Gate(SYNCS_MAX)
  readonly open: OpenSegments
  readonly copies = new CopySlab()
  /** Null where neither `meta.properties` nor the opener knew one. */
  readonly clusterId: string | null
  /** Whether the last process that had it ended as it should. */
  readonly wasClean: boolean
  /** An IO error: all its logs are offline. */
  failed: Error | null = null
  readonly #options: LogDirectoryOptions
  readonly #lock: Lock
  readonly #logs = new Map<string, PartitionLog>()
  readonly #checkpoints: DirectoryCheckpoints
  readonly #cleaner: Cleaner
  readonly #unopened: UnopenedLogs
  /** Directories of deleted partitions that the disk did not let go, and why nothing comes in their place. */
  readonly #unremoved = new Map<string, string>()
  readonly #creating = new Map<string, Promise<PartitionLog>>()
  readonly #makers = new Gate(MAKERS_MAX)
  #nameSync: Promise<void> = Promise.resolve()
  #nextNameSync: Promise<void> | null = null
  readonly #presence = new Presence()
  readonly #timers = new Set<Timer>()
  #closing = false

  private constructor(
    env: Env,
    path: string,
    options: LogDirectoryOptions,
    lock: Lock,
    clusterId: string | null,
    wasClean: boolean,
    checkpoints: DirectoryCheckpoints,
  ) {
    const { clock, random, loop, net, log } = env
    this.open = new OpenSegments(options.openSegmentsMax ?? 1000)
    this.env = { clock, random, loop, net, log, disk: new SparingDisk(env.disk, () => this.open.spare(SPARED_COUNT) > 0) }
    this.path = path
    this.full = new FullDisk(env, path)
    this.clusterId = clusterId
    this.wasClean = wasClean
    this.#options = options
    this.#lock = lock
    this.#checkpoints = checkpoints
    this.#unopened = new UnopenedLogs(options.loadingMax ?? 16)
    this.#cleaner = new Cleaner(this, { ...DEFAULT_CLEANER_SETTINGS, ...options.cleaner })
  }

  /** Makes it where there is none, locks it, and reads what concerns all its partitions. Rejects where another has it. */
  static async open(shared: Env, path: string, identity: Identity, options: LogDirectoryOptions = {}): Promise<LogDirectory> {
    const { clock, random, loop, net, log } = shared
    const env = { clock, random, loop, net, log, disk: shared.disk.lane() }
    const lock = await takeDirectory(env.disk, path)
    try {
      const clusterId = await claimDirectory(env, path, identity)
      const marker = `${path}/${CLEAN_MARKER}`
      const wasClean = (await readWhole(env.disk, marker)) !== null
      if (wasClean) {
        await env.disk.remove(marker)
        await env.disk.syncDirectory(path)
      }
      const checkpoints = await DirectoryCheckpoints.read(env, path)
      return new LogDirectory(env, path, options, lock, clusterId, wasClean, checkpoints)
    } catch (error) {
      lock.release()
      throw error
    }
  }

  /**
   * Looks which partitions there are, reading nothing of them: `openFound` opens one. What was deleted goes. Starts the upkeep.
   */
  async find(): Promise<FoundPartition[]> {
    for (const { name, directory } of await this.env.disk.list(this.path)) {
      if (!directory) continue
      if (DELETED_DIRECTORY.test(name)) {
        this.removeLater(0, () => this.env.disk.remove(`${this.path}/${name}`))
        continue
      }
      const found = topicPartitionOf(name)
      if (found !== null) this.#unopened.add(name, found)
    }
    this.#startUpkeep()
    return [...this.#unopened.all()]
  }

  /** Opens every partition found, several at a time. */
  async load(configOf: (topic: string) => LogConfig): Promise<PartitionLog[]> {
    const found = await this.find()
    return await Promise.all(found.map(({ topic, partition }) => this.openFound(topic, partition, configOf(topic))))
  }

  /** Whether it was found and nobody has opened it yet. */
  isUnopened(topic: string, partition: number): boolean {
    return this.#unopened.has(`${topic}-${partition}`)
  }

  /**
   * Opens a partition that was found, or answers it where it is open: after a clean stop little is read, else it is recovered. One whose
   * synced data is damaged comes back offline (`failed`). Never rejects.
   */
  openFound(topic: string, partition: number, config: LogConfig): Promise<PartitionLog> {
    const name = `${topic}-${partition}`
    const open = this.#logs.get(name)
    if (open !== undefined) return Promise.resolve(open)
    return this.#unopened.open(name, async () => {
      const log = await this.#load(name, topic, partition, config)
      this.#logs.set(name, log)
      return log
    })
  }

  async #load(name: string, topic: string, partition: number, config: LogConfig): Promise<PartitionLog> {
    const directory = `${this.path}/${name}`
    try {
      if (this.failed !== null) throw this.failed
      return new PartitionLog(
        this,
        await loadLog(this, directory, topic, partition, this.#checkpoints.of(name), this.wasClean, config),
        config,
      )
    } catch (error) {
      this.env.log.error(`${directory}: offline`, { error: (error as Error).message })
      const log = new PartitionLog(this, nothingLoaded(this, directory, topic, partition), config)
      log.takeOffline(error as Error)
      return log
    }
  }

  get(topic: string, partition: number): PartitionLog | undefined {
    return this.#logs.get(`${topic}-${partition}`)
  }

  /** All partitions. */
  logs(): IterableIterator<PartitionLog> {
    return this.#logs.values()
  }

  /** Makes the partition's directory and first segment, known to survive a crash once resolved; or answers the one that exists. */
  async create(topic: string, partition: number, topicId: string, config: LogConfig): Promise<PartitionLog> {
    const name = `${topic}-${partition}`
    const found = this.#unopened.has(name) ? await this.openFound(topic, partition, config) : undefined
    const existing = found ?? this.#logs.get(name) ?? (await this.#creating.get(name))
    if (existing !== undefined) {
      if (existing.topicId === ZERO_UUID && existing.failed === null) {
        await writePartitionMetadata(this.env.disk, `${existing.directory}/partition.metadata`, topicId)
        existing.topicId = topicId
      }
      if (existing.topicId === topicId || existing.failed !== null) return existing
      throw new KafkaError(
        ErrorCode.INCONSISTENT_TOPIC_ID,
        `${existing.directory} belongs to topic id ${existing.topicId}, not ${topicId}: move it away if it is another topic's, or mend its ` +
          `partition.metadata`,
      )
    }
    const obstacle = this.failed?.message ?? this.#unremoved.get(name)
    if (obstacle !== undefined) throw new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, `${this.path} has no place for ${name}: ${obstacle}`)
    const creating = this.#makers.run(() => this.#create(name, topic, partition, topicId, config))
    this.#creating.set(name, creating)
    try {
      return await creating
    } catch (error) {
      if (error instanceof EnvError && !isFull(error)) this.fail(error)
      throw new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, `cannot make ${this.path}/${name}: ${(error as Error).message}`)
    } finally {
      this.#creating.delete(name)
    }
  }

  async #create(name: string, topic: string, partition: number, topicId: string, config: LogConfig): Promise<PartitionLog> {
    const directory = `${this.path}/${name}`
    await this.#checkpoints.forget(name)
    await this.env.disk.createDirectory(directory)
    await writePartitionMetadata(this.env.disk, `${directory}/partition.metadata`, topicId)
    const loaded = await loadLog(this, directory, topic, partition, this.#checkpoints.of(name), true, config)
    await this.env.disk.syncDirectory(directory)
    await this.#syncNames()
    for (const segment of loaded.segments) segment.nameUnsynced = false
    const log = new PartitionLog(this, loaded, config)
    this.#logs.set(name, log)
    return log
  }

  /** The names that are in the directory now survive a crash; who asks while a sync is under way shares the next one. */
  #syncNames(): Promise<void> {
    this.#nextNameSync ??= this.#nameSync.then(() => {
      this.#nextNameSync = null
      const sync = this.env.disk.syncDirectory(this.path)
      this.#nameSync = sync.catch(() => {})
      return sync
    })
    return this.#nextNameSync
  }

  /** The partition is gone at once, also after a crash; its files are removed after `file.delete.delay.ms`. */
  async delete(log: PartitionLog): Promise<void> {
    const name = `${log.topic}-${log.partition}`
    if (this.#logs.get(name) !== log) return
    this.#logs.delete(name)
    const renamed = this.#renamed(log.topic, log.partition, 'delete')
    const old = log.directory
    log.abandon(renamed)
    // again: who was at work on it may have opened a file
    await this.#remove(name, old, renamed, log.config.fileDeleteDelayMs, () => log.abandon(renamed))
  }

  /** The same for one that was found; it is not opened for that. */
  async deleteFound(topic: string, partition: number, config: LogConfig): Promise<void> {
    const name = `${topic}-${partition}`
    if (this.#unopened.forget(name)) {
      await this.#remove(name, `${this.path}/${name}`, this.#renamed(topic, partition, 'delete'), config.fileDeleteDelayMs)
    } else {
      await this.delete(await this.openFound(topic, partition, config))
    }
  }

  /** Makes room for another log of its name: its files stay, as `<topic>-<partition>.<32 hex digits>-stray`, for someone to look into. */
  async setAside(log: PartitionLog): Promise<void> {
    const name = `${log.topic}-${log.partition}`
    this.#logs.delete(name)
    const renamed = this.#renamed(log.topic, log.partition, 'stray')
    const old = log.directory
    log.abandon(renamed)
    if (await this.#rename(name, old, renamed)) {
      this.env.log.warn(`${old} is another topic's (id ${log.topicId}), which this cluster does not know: it is kept as ${renamed}`)
    }
    log.abandon(renamed)
  }

  #renamed(topic: string, partition: number, as: 'delete' | 'stray'): string {
    return `${this.path}/${directoryNameAs(as, topic, partition, this.env.random.bytes(16).toString('hex'))}`
  }

  async #remove(name: string, old: string, renamed: string, delayMs: number, close = (): void => {}): Promise<void> {
    if (!(await this.#rename(name, old, renamed))) {
      close()
      return
    }
    this.removeLater(delayMs, async () => {
      close()
      await this.env.disk.remove(renamed)
    })
  }

  /** False: the disk did not let it go, and until a start nothing else is put there. */
  async #rename(name: string, old: string, renamed: string): Promise<boolean> {
    try {
      await this.env.disk.rename(old, renamed)
      await this.env.disk.syncDirectory(this.path)
      await this.#checkpoints.forget(name)
      return true
    } catch (error) {
      this.env.log.warn(`${old}: could not be removed`, { error: (error as Error).message })
      if (!isNotFound(error)) this.#unremoved.set(name, 'a deleted topic of this name has left its files there')
      return false
    }
  }

  /** Deletes what is past retention in every log; idle producers are forgotten. Answers how many segments went. */
  async runRetention(): Promise<number> {
    let count = 0
    for (const log of [...this.#logs.values()]) {
      if (log.failed !== null || this.failed !== null) continue
      try {
        count += await log.rearrange(() => retain(this, log))
        log.expireProducers()
      } catch (error) {
        if (isFull(error)) this.full.refused(error as Error, 0)
        else log.diskFailed(error as Error)
      }
    }
    return count
  }

  /** From the next log on that is compacted; the backoff from the next round on. */
  configureCleaner(settings: Partial<CleanerSettings>): void {
    this.#cleaner.settings = { ...this.#cleaner.settings, ...settings }
  }

  /** Compacts every log that is due, the dirtiest first. Answers how many were. */
  async runCleaner(): Promise<number> {
    return await this.#cleaner.run()
  }

  cleanedOffset({ topic, partition }: CompactedLog): number | undefined {
    return this.#checkpoints.cleanedOffset(`${topic}-${partition}`)
  }

  async setCleanedOffset({ topic, partition }: CompactedLog, offset: number, hasChanged: () => boolean): Promise<void> {
    await this.#checkpoints.setCleanedOffset(`${topic}-${partition}`, offset, hasChanged)
  }

  async raiseRecoveryPoint({ topic, partition, recoveryPoint }: CompactedLog, hasChanged: () => boolean): Promise<void> {
    await this.#checkpoints.raiseRecoveryPoint(`${topic}-${partition}`, recoveryPoint, hasChanged)
  }

  /** Writes recovery points, high watermarks and log starts, where they have changed. */
  async checkpoint(): Promise<void> {
    await this.#checkpoints.write(this.#logs, this.#unopened)
  }

  async keepLogStarts(): Promise<void> {
    try {
      await this.#checkpoints.writeLogStarts(this.#logs, this.#unopened)
    } catch (error) {
      this.#upkeepFailed(error as Error)
      throw new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, `cannot write a checkpoint of ${this.path}: ${(error as Error).message}`)
    }
  }

  async lowerRecoveryPoint(topic: string, partition: number, offset: number): Promise<void> {
    await this.#checkpoints.lower(`${topic}-${partition}`, offset)
  }

  fail(error: Error): void {
    if (this.failed !== null) return
    this.failed = error
    this.env.log.error(`${this.path}: the disk failed; its partitions are offline until a restart`, { error: error.message })
    for (const log of this.#logs.values()) log.takeOffline(error)
  }

  removeLater(delayMs: number, work: () => Promise<void>): void {
    this.#after(delayMs, () => {
      work().catch((error: unknown) =>
        this.env.log.warn(`${this.path}: could not remove a deleted file`, { error: (error as Error).message }),
      )
    })
  }

  #after(delayMs: number, work: () => void): void {
    if (this.#closing) return
    const timer = this.env.clock.after(delayMs, () => {
      this.#timers.delete(timer)
      if (!this.#closing) work()
    })
    this.#timers.add(timer)
  }

  #startUpkeep(): void {
    const { recoveryPointIntervalMs = 60000, highWatermarkIntervalMs = 5000, retentionIntervalMs = 300000 } = this.#options
    this.#every(recoveryPointIntervalMs, () => this.checkpoint())
    this.#every(highWatermarkIntervalMs, async () => {
      await this.#presence.check(this.env.disk, this.path, [...this.#logs.values()])
      await this.#checkpoints.writeHighWatermarks(this.#logs, this.#unopened)
    })
    this.#every(retentionIntervalMs, () => this.runRetention())
    const watch = new StallWatch(this.env, this.path, this.pace)
    this.#every(STALL_CHECK_MS, async () => watch.check())
    if (this.#cleaner.settings.backoffMs < Infinity) this.#scheduleCleaner()
  }

  /** A round doesn't wait for what the last one is still at: that may be a long log. */
  #scheduleCleaner(): void {
    this.#after(this.#cleaner.settings.backoffMs, () => {
      if (this.failed !== null) return
      this.#cleaner.run().catch((error: unknown) => this.#upkeepFailed(error as Error))
      this.#scheduleCleaner()
    })
  }

  #every(intervalMs: number, work: () => Promise<unknown>): void {
    this.#after(intervalMs, () => {
      if (this.failed !== null) return
      work()
        .catch((error: unknown) => this.#upkeepFailed(error as Error))
        .finally(() => this.#every(intervalMs, work))
    })
  }

  #upkeepFailed(error: Error): void {
    if (isFull(error)) this.full.refused(error, 0)
    else this.fail(error)
  }

  /** Flushes and closes every log, writes the checkpoints and the mark of a clean stop, and gives the directory up. */
  async close(): Promise<void> {
    if (this.#closing) return
    this.#closing = true
    for (const timer of this.#timers) timer.cancel()
    await Promise.allSettled([...this.#creating.values(), this.#unopened.stop(), this.#cleaner.stop()])
    try {
      await eachOf([...this.#logs.values()], SYNCS_MAX, (log) => log.close())
      if (this.failed === null) await this.#markClean()
    } finally {
      this.open.closeAll()
      this.full.close()
      this.#lock.release()
    }
  }

  /** Not where something is left for recovery. */
  async #markClean(): Promise<void> {
    try {
      await this.checkpoint()
      if (!this.wasClean && this.#unopened.count > 0) return
      if (![...this.#logs.values()].every((log) => log.atRest)) return
      await writeWhole(this.env.disk, `${this.path}/${CLEAN_MARKER}`, Buffer.from('{"version":0,"brokerEpoch":-1}'))
    } catch (error) {
      this.#upkeepFailed(error as Error)
    }
  }
}
