import { directoryOf, isNotFound } from '@ottla/env/files'
import { hasNoDescriptor } from './full-disk.ts'
import type { LogHome } from './log-home.ts'
import type { Segment } from './segment.ts'

/** Syncs what one log has written, in rounds: one at a time, and those who come meanwhile share the next. */
export class LogSyncer {
  readonly #home: LogHome
  /** Written to since their last sync, oldest first. */
  readonly #unsynced: Segment[] = []
  /** How far is written now, and who is told when a round has made it safe. */
  readonly #writtenOffset: () => number
  readonly #synced: (offset: number) => void
  #round: Promise<void> = Promise.resolve()
  #next: Promise<void> | null = null
  /** A failed sync is final: what it was to make safe may be gone from the page cache, and a next one would succeed for nothing. */
  #failure: Error | null = null

  constructor(home: LogHome, writtenOffset: () => number, synced: (offset: number) => void) {
    this.#home = home
    this.#writtenOffset = writtenOffset
    this.#synced = synced
  }

  wrote(segment: Segment): void {
    const unsynced = this.#unsynced
    if (unsynced.length === 0 || unsynced[unsynced.length - 1] !== segment) unsynced.push(segment)
  }

  /** All that was written is safe, by another way. */
  clear(): void {
    this.#unsynced.length = 0
  }

  /** Resolves once all that is written now survives the loss of power. A failure takes the directory offline. */
  sync(): Promise<void> {
    this.#next ??= this.#round.then(() => {
      this.#next = null
      const round = this.#run()
      this.#round = round.catch(() => {})
      return round
    })
    return this.#next
  }

  async #run(): Promise<void> {
    if (this.#failure !== null) throw this.#failure
    const offset = this.#writtenOffset()
    for (const segment of this.#unsynced.splice(0)) {
      segment.hold()
      try {
        await this.#home.syncs.run(() => this.#syncOne(segment))
      } catch (error) {
        // retention was quicker: nobody needs it any more
        if (isNotFound(error)) continue
        if (hasNoDescriptor(error)) {
          this.#unsynced.unshift(segment)
          throw error
        }
        this.#failure = error as Error
        this.#home.fail(error as Error)
        throw error
      } finally {
        segment.release()
      }
    }
    this.#synced(offset)
  }

  async #syncOne(segment: Segment): Promise<void> {
    await segment.fileToWrite().sync()
    if (!segment.nameUnsynced) return
    await this.#home.env.disk.syncDirectory(directoryOf(segment.path('.log')))
    segment.nameUnsynced = false
  }

  /** Once no round is under way. */
  async idle(): Promise<void> {
    while (this.#next !== null) await this.#next.catch(() => {})
    await this.#round
  }
}
