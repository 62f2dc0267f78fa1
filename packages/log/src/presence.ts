import type { Disk } from '@ottla/env'
import { isNotFound } from '@ottla/env/files'

/** A log whose directory may be taken away. */
export interface PresentLog {
  readonly directory: string
  readonly logEndOffset: number
  readonly failed: Error | null
  diskFailed(error: Error): void
}

/**
 * Files that are open outlive their names: what is written to them after their directory was removed, renamed or unmounted is lost, and no
 * write tells. So it is looked after, where anything was appended since the last look.
 */
export class Presence {
  /** The log's end when its directory was last seen. */
  readonly #seenEnds = new WeakMap<PresentLog, number>()

  /** Rejects where the directory of all is gone; tells each log whose own is. */
  async check(disk: Disk, path: string, logs: Iterable<PresentLog>): Promise<void> {
    await disk.freeBytes(path)
    for (const log of logs) if (log.failed === null && this.#seenEnds.get(log) !== log.logEndOffset) await this.#checkOne(disk, log)
  }

  async #checkOne(disk: Disk, log: PresentLog): Promise<void> {
    const { directory, logEndOffset } = log
    try {
      await disk.freeBytes(directory)
      this.#seenEnds.set(log, logEndOffset)
    } catch (error) {
      // a topic that was deleted meanwhile took its directory along
      if (isNotFound(error) && log.directory === directory) log.diskFailed(error)
    }
  }
}
