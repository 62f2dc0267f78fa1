import type { Env } from '@ottla/env'
import { CorruptFileError, readOffsetCheckpoint, writeOffsetCheckpoint } from './checkpoint.ts'
import type { KnownOffsets } from './log-loader.ts'

/** What of a log goes into the checkpoints. */
export interface CheckpointedLog {
  readonly failed: Error | null
  readonly recoveryPoint: number
  readonly highWatermark: number
  readonly logStartOffset: number
  readonly segments: readonly { readonly baseOffset: number }[]
}
type Logs = ReadonlyMap<string, CheckpointedLog>
/** Logs that nobody has opened: what stands of them stays. */
interface Unopened {
  has(name: string): boolean
}

const RECOVERY_POINTS = 'recovery-point-offset-checkpoint'
const HIGH_WATERMARKS = 'replication-offset-checkpoint'
export const LOG_STARTS = 'log-start-offset-checkpoint'
const CLEANED = 'cleaner-offset-checkpoint'

/** The four offset checkpoints of a log directory (formats §5), as they stand on disk. One write at a time. */
export class DirectoryCheckpoints {
  readonly #env: Env
  readonly #path: string
  #recoveryPoints: Map<string, number>
  #highWatermarks: Map<string, number>
  #logStarts: Map<string, number>
  #cleaned: Map<string, number>
  #writing: Promise<void> = Promise.resolve()

  private constructor(
    env: Env,
    path: string,
    recoveryPoints: Map<string, number>,
    highWatermarks: Map<string, number>,
    logStarts: Map<string, number>,
    cleaned: Map<string, number>,
  ) {
    this.#env = env
    this.#path = path
    this.#recoveryPoints = recoveryPoints
    this.#highWatermarks = highWatermarks
    this.#logStarts = logStarts
    this.#cleaned = cleaned
  }

  static async read(env: Env, path: string): Promise<DirectoryCheckpoints> {
    const read = async (name: string): Promise<Map<string, number>> => {
      try {
        return await readOffsetCheckpoint(env.disk, `${path}/${name}`)
      } catch (error) {
        if (!(error instanceof CorruptFileError)) throw error
        env.log.warn(`${error.message}; it counts as empty`)
        return new Map()
      }
    }
    const known = [await read(RECOVERY_POINTS), await read(HIGH_WATERMARKS), await read(LOG_STARTS), await read(CLEANED)] as const
    return new DirectoryCheckpoints(env, path, ...known)
  }

  /** By `<topic>-<partition>`. */
  of(name: string): KnownOffsets {
    return {
      recoveryPoint: this.#recoveryPoints.get(name) ?? 0,
      highWatermark: this.#highWatermarks.get(name) ?? 0,
      logStartOffset: this.#logStarts.get(name) ?? 0,
      cleanedOffset: this.#cleaned.get(name) ?? 0,
    }
  }

  /** Where compaction goes on; undefined: it has not been there. */
  cleanedOffset(name: string): number | undefined {
    return this.#cleaned.get(name)
  }

  /** Compaction has come to `offset`; passed over where the log is gone, or cut, by then. */
  setCleanedOffset(name: string, offset: number, hasChanged: () => boolean): Promise<void> {
    return this.#alone(async () => {
      if (!hasChanged()) this.#cleaned = await this.#writeOne(CLEANED, this.#cleaned, new Map(this.#cleaned).set(name, offset))
    })
  }

  /** The recovery point is at least `offset`, durable once resolved; passed over where the log is gone, or cut, by then. */
  raiseRecoveryPoint(name: string, offset: number, hasChanged: () => boolean): Promise<void> {
    return this.#alone(async () => {
      if (hasChanged() || (this.#recoveryPoints.get(name) ?? 0) >= offset) return
      this.#recoveryPoints = await this.#writeOne(RECOVERY_POINTS, this.#recoveryPoints, new Map(this.#recoveryPoints).set(name, offset))
    })
  }

  /** The three that follow the logs, those that changed. A failed log keeps what stands there. */
  write(logs: Logs, unopened: Unopened): Promise<void> {
    return this.#alone(async () => {
      const recoveryPoints = gather(logs, unopened, this.#recoveryPoints, (log) => log.recoveryPoint)
      this.#recoveryPoints = await this.#writeOne(RECOVERY_POINTS, this.#recoveryPoints, recoveryPoints)
      await this.#writeLogStarts(logs, unopened)
      await this.#writeHighWatermarks(logs, unopened)
    })
  }

  writeLogStarts(logs: Logs, unopened: Unopened): Promise<void> {
    return this.#alone(() => this.#writeLogStarts(logs, unopened))
  }

  async #writeLogStarts(logs: Logs, unopened: Unopened): Promise<void> {
    const logStarts = gather(logs, unopened, this.#logStarts, (log) =>
      log.logStartOffset > (log.segments[0]?.baseOffset ?? 0) ? log.logStartOffset : -1,
    )
    this.#logStarts = await this.#writeOne(LOG_STARTS, this.#logStarts, logStarts)
  }

  writeHighWatermarks(logs: Logs, unopened: Unopened): Promise<void> {
    return this.#alone(() => this.#writeHighWatermarks(logs, unopened))
  }

  async #writeHighWatermarks(logs: Logs, unopened: Unopened): Promise<void> {
    const highWatermarks = gather(logs, unopened, this.#highWatermarks, (log) => log.highWatermark)
    this.#highWatermarks = await this.#writeOne(HIGH_WATERMARKS, this.#highWatermarks, highWatermarks)
  }

  /** Before a log is cut: no file may say that more than `offset` of it is there. */
  lower(name: string, offset: number): Promise<void> {
    const lowered = (map: Map<string, number>): Map<string, number> =>
      (map.get(name) ?? 0) <= offset ? map : new Map(map).set(name, offset)
    return this.#alone(async () => {
      this.#recoveryPoints = await this.#writeOne(RECOVERY_POINTS, this.#recoveryPoints, lowered(this.#recoveryPoints))
      this.#cleaned = await this.#writeOne(CLEANED, this.#cleaned, lowered(this.#cleaned))
    })
  }

  /** Another log may get this name: what stands there isn't of that one. */
  forget(name: string): Promise<void> {
    return this.#alone(async () => {
      const without = (map: Map<string, number>): Map<string, number> => {
        if (!map.has(name)) return map
        const next = new Map(map)
        next.delete(name)
        return next
      }
      this.#recoveryPoints = await this.#writeOne(RECOVERY_POINTS, this.#recoveryPoints, without(this.#recoveryPoints))
      this.#logStarts = await this.#writeOne(LOG_STARTS, this.#logStarts, without(this.#logStarts))
      this.#highWatermarks = await this.#writeOne(HIGH_WATERMARKS, this.#highWatermarks, without(this.#highWatermarks))
      this.#cleaned = await this.#writeOne(CLEANED, this.#cleaned, without(this.#cleaned))
    })
  }

  async #writeOne(file: string, before: Map<string, number>, next: Map<string, number>): Promise<Map<string, number>> {
    if (equal(before, next)) return before
    await writeOffsetCheckpoint(this.#env.disk, `${this.#path}/${file}`, next)
    return next
  }

  #alone(work: () => Promise<void>): Promise<void> {
    const done = this.#writing.then(work)
    this.#writing = done.catch(() => {})
    return done
  }
}

/** -1 leaves a log out. */
function gather(
  logs: Logs,
  unopened: Unopened,
  before: ReadonlyMap<string, number>,
  of: (log: CheckpointedLog) => number,
): Map<string, number> {
  const offsets = new Map<string, number>()
  for (const [name, offset] of before) if (unopened.has(name)) offsets.set(name, offset)
  for (const [name, log] of logs) {
    const offset = log.failed === null ? of(log) : (before.get(name) ?? -1)
    if (offset >= 0) offsets.set(name, offset)
  }
  return offsets
}

function equal(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): boolean {
  if (a === b) return true
  if (a.size !== b.size) return false
  for (const [name, offset] of a) if (b.get(name) !== offset) return false
  return true
}
