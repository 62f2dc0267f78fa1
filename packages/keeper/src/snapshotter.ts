import type { Logger } from '@ottla/env'
import type { SnapshotFiles } from './snapshot-files.ts'
import type { TransactionLog } from './transaction-log.ts'
import type { DataTree } from './tree.ts'

/** So many transactions are replayed in some milliseconds; a larger tree takes longer to load anyway. */
const AFTER_TXNS_MIN = 1_000
const AFTER_TXNS_MAX = 100_000
/** At the end a shorter log is worth a snapshot: to load one is quicker than to replay, and the next start should be quick. */
const AT_END_TXNS_MIN = 100
const AT_END_NODES_PER_TXN = 10

/** Writes a snapshot whenever the log has grown enough since the last, and removes the log that no kept snapshot needs. */
export class Snapshotter {
  readonly #files: SnapshotFiles
  readonly #log: TransactionLog
  readonly #tree: () => DataTree
  readonly #logger: Logger
  readonly #afterTxns: number | null
  readonly #attributes: () => Readonly<Record<string, string>>
  #since: number
  #last: { index: number; term: number } | null = null
  #running: Promise<void> | null = null

  /** `since`: how many entries the log has behind its newest snapshot. `afterTxns` null: by the size of the tree. */
  constructor(
    parts: { files: SnapshotFiles; log: TransactionLog; tree: () => DataTree; logger: Logger },
    since: number,
    afterTxns: number | null,
    attributes: () => Readonly<Record<string, string>>,
  ) {
    this.#files = parts.files
    this.#log = parts.log
    this.#tree = parts.tree
    this.#logger = parts.logger
    this.#since = since
    this.#afterTxns = afterTxns
    this.#attributes = attributes
  }

  /** An entry was applied: the tree is exactly there now. */
  applied(index: number, term: number): void {
    this.#since++
    this.#last = { index, term }
    const after = this.#afterTxns ?? Math.min(Math.max(AFTER_TXNS_MIN, this.#tree().nodeCount), AFTER_TXNS_MAX)
    if (this.#since >= after && this.#running === null) this.#start()
  }

  /** The last one, where it is worth its time. Nothing is applied any more. */
  async finish(): Promise<void> {
    await this.#running
    if (this.#since < Math.max(AT_END_TXNS_MIN, this.#tree().nodeCount / AT_END_NODES_PER_TXN) || this.#last === null) return
    this.#start()
    await this.#running
  }

  #start(): void {
    const { index, term } = this.#last!
    this.#since = 0
    this.#running = this.#write(index, term)
      .catch((error: unknown) => {
        this.#logger.error('A snapshot could not be written; the log is kept, and the next one comes later', { error })
      })
      .finally(() => {
        this.#running = null
      })
  }

  async #write(index: number, term: number): Promise<void> {
    this.#log.roll()
    await this.#files.write(this.#tree().freeze(), { index, term, attributes: this.#attributes() })
    await this.#log.removeBefore((await this.#files.oldestIndex()) + 1)
  }
}
