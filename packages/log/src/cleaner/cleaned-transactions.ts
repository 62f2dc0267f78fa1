import { controlType, ControlType, decodeBatch, recordBatch } from '@ottla/protocol'
import type { AbortedTransaction, TransactionIndex } from '../txn-index.ts'

/**
 * Which transactions are open where a pass over the log has come to. A marker may go only once no batch of its transaction is left: else
 * what is left would seem to belong to an open one.
 */
export class CleanedTransactions {
  /** By first offset, those that the pass has not reached. */
  readonly #coming: AbortedTransaction[]
  #next = 0
  readonly #aborted = new Map<number, { readonly transaction: AbortedTransaction; seen: boolean }>()
  readonly #committed = new Set<number>()
  /** Gets those whose batches are still there when their marker is met; null: nobody does. */
  index: TransactionIndex | null = null

  /** `aborted`: all that overlap what the pass reads. */
  constructor(aborted: readonly AbortedTransaction[]) {
    this.#coming = [...aborted].sort((a, b) => a.firstOffset - b.firstOffset)
  }

  /** A batch of data comes next: whether its transaction was aborted, so that nobody may read it. */
  isAborted(bytes: Buffer): boolean {
    this.#reach(recordBatch.lastOffset(bytes, 0))
    if (!recordBatch.isTransactional(bytes, 0)) return false
    const producerId = recordBatch.producerId(bytes, 0)
    const aborted = this.#aborted.get(producerId)
    if (aborted === undefined) {
      this.#committed.add(producerId)
      return false
    }
    aborted.seen = true
    return true
  }

  /** A control batch comes next: whether no batch of its transaction is left. */
  isSpent(bytes: Buffer): boolean {
    this.#reach(recordBatch.lastOffset(bytes, 0))
    const record = decodeBatch(bytes, 0, { checkCrc: false })[0]
    if (record === undefined) return true
    const producerId = recordBatch.producerId(bytes, 0)
    const type = controlType(record)
    if (type === ControlType.COMMIT) return !this.#committed.delete(producerId)
    if (type !== ControlType.ABORT) return false
    const aborted = this.#aborted.get(producerId)
    this.#aborted.delete(producerId)
    if (aborted === undefined) return !this.#committed.delete(producerId)
    if (!aborted.seen) return true
    this.index?.append(aborted.transaction)
    return false
  }

  #reach(offset: number): void {
    const coming = this.#coming
    for (; this.#next < coming.length && coming[this.#next]!.firstOffset <= offset; this.#next++) {
      const transaction = coming[this.#next]!
      if (!this.#aborted.has(transaction.producerId)) this.#aborted.set(transaction.producerId, { transaction, seen: false })
    }
  }
}
