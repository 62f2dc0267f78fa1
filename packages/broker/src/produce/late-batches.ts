import type { Loop } from '@ottla/env'
import { CodecWork, type PartitionLog } from '@ottla/log'
import { takeSlab } from '@ottla/wire'
import { isLong, prepareLater, type ArrivedBatch, type PlacedBatch } from './arrived-batch.ts'

/** What becomes of a batch: one of the first two, then `end`. An `append` that throws is a refusal. */
export interface Fate {
  append(prepared: PlacedBatch): void
  refuse(error: Error): void
  end(): void
}

/**
 * Batches that other threads prepare, several at once. Each log gets them in the order in which they came, and what comes behind one waits
 * for it: a producer's sequence numbers must not overtake one another.
 */
export class LateBatches {
  readonly #work: CodecWork
  /** By log, when the last one is through. */
  readonly #last = new Map<PartitionLog, Promise<void>>()

  constructor(loop: Loop) {
    this.#work = new CodecWork(loop)
  }

  /** Whether this batch can't be prepared and appended at once. */
  includes(log: PartitionLog, batch: ArrivedBatch): boolean {
    return (this.#last.size > 0 && this.#last.has(log)) || isLong(batch)
  }

  /** Lets `fate` have it, later, when all that came before for this log is through. The batch's memory is held, or copied. */
  add(log: PartitionLog, batch: ArrivedBatch, fate: Fate): void {
    const own = held(batch)
    const prepared = prepareLater(own, this.#work)
    // its refusal is told in its turn
    prepared.catch(() => {})
    const through = (this.#last.get(log) ?? Promise.resolve())
      .then(async () => fate.append(await prepared))
      .catch((error: unknown) => fate.refuse(error as Error))
      .then(() => {
        own.slab.letGo()
        if (this.#last.get(log) === through) this.#last.delete(log)
        fate.end()
      })
    this.#last.set(log, through)
  }
}

function held(batch: ArrivedBatch): ArrivedBatch {
  const { slab, start, end, rules } = batch
  const own = { ...batch, rules: { ...rules } }
  if (!slab.common) {
    slab.hold()
    return own
  }
  const copy = takeSlab(end - start)
  slab.bytes.copy(copy.bytes, 0, start, end)
  return { ...own, slab: copy, start: 0, end: end - start }
}
