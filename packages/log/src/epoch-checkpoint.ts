import { writeLeaderEpochs } from './checkpoint.ts'
import { isFull } from './full-disk.ts'
import type { LogHome } from './log-home.ts'
import type { LeaderEpochs } from './leader-epochs.ts'

/** Keeps a log's `leader-epoch-checkpoint` as its epochs are: written in the background after each change, one write at a time. */
export class EpochCheckpoint {
  readonly epochs: LeaderEpochs
  readonly #home: LogHome
  readonly #path: string
  #writing: Promise<void> | null = null
  #closed = false
  /** There was no room for the file; the next change, or recovery, makes it right. */
  #isBehind: boolean

  constructor(home: LogHome, directory: string, epochs: LeaderEpochs, isWritten: boolean) {
    this.#home = home
    this.#path = `${directory}/leader-epoch-checkpoint`
    this.epochs = epochs
    this.#isBehind = !isWritten
  }

  /** The file is as the epochs are. */
  get settled(): boolean {
    return this.#writing === null && !this.#isBehind
  }

  assign(epoch: number, startOffset: number): void {
    if (this.epochs.assign(epoch, startOffset)) this.#write()
  }

  truncateFromStart(startOffset: number): void {
    if (this.epochs.truncateFromStart(startOffset)) this.#write()
  }

  truncateFromEnd(endOffset: number): void {
    if (this.epochs.truncateFromEnd(endOffset)) this.#write()
  }

  #write(): void {
    const before = this.#writing ?? Promise.resolve()
    const writing: Promise<void> = before
      .then(() => this.#home.checkpoints.run(() => writeLeaderEpochs(this.#home.env.disk, this.#path, this.epochs.entries)))
      .then(
        () => void (this.#isBehind = false),
        (error: unknown) => {
          this.#isBehind = true
          if (!this.#closed && !isFull(error)) this.#home.fail(error as Error)
        },
      )
      .then(() => {
        if (this.#writing === writing) this.#writing = null
      })
    this.#writing = writing
  }

  async idle(): Promise<void> {
    while (this.#writing !== null) await this.#writing
  }

  /** The directory is gone: a write that fails now says nothing. */
  abandon(): void {
    this.#closed = true
  }
}
