import type { Timer } from '@ottla/env'
import type { PartitionLog } from '@ottla/log'
import { Later } from '../later.ts'
import type { Session } from '../session.ts'
import { readPartition, type PartitionRead, type ReadRules } from './partition-read.ts'
import type { FetchPartition } from './fetch-partition.ts'

export interface FetchLimits {
  readonly maxWaitMs: number
  readonly minBytes: number
  readonly maxBytes: number
  /** Even a batch larger than the limits is given, lest its reader never get past it (KIP-74); not so before version 3. */
  readonly atLeastOne: boolean
}

/** A fetch at the tail of its partitions: parked on their logs until enough is there, an error is to be told, or its time is up. */
export class WaitingFetch {
  readonly #session: Session
  readonly #partitions: readonly FetchPartition[]
  readonly #rules: ReadRules
  readonly #limits: FetchLimits
  #reads: readonly PartitionRead[] = []
  #parkedOn: PartitionLog[] = []
  #timer: Timer | null = null
  #answer: Later<readonly PartitionRead[]> | null = null
  #offClose: (() => void) | null = null

  constructor(session: Session, partitions: readonly FetchPartition[], rules: ReadRules, limits: FetchLimits) {
    this.#session = session
    this.#partitions = partitions
    this.#rules = rules
    this.#limits = limits
  }

  /** What the partitions give, now or as soon as it is enough. */
  read(): readonly PartitionRead[] | Later<readonly PartitionRead[]> {
    const enough = this.#isEnough()
    const cold = this.#unfound()
    if ((enough || this.#limits.maxWaitMs <= 0) && cold.length === 0) return this.#reads
    this.#answer = new Later()
    this.#timer = this.#session.broker.env.clock.after(this.#limits.maxWaitMs, () => {
      this.#isEnough()
      this.#end()
    })
    this.#offClose = this.#session.onClose(() => this.#end())
    if (cold.length > 0) this.#warm(cold)
    else this.#park()
    return this.#answer
  }

  /** Called by a log when more of it can be seen. */
  wake(): void {
    this.#unpark()
    const enough = this.#isEnough()
    const cold = this.#unfound()
    if (cold.length > 0) this.#warm(cold)
    else if (enough || this.#limits.maxWaitMs <= 0) this.#end()
    else this.#park()
  }

  #warm(reads: readonly PartitionRead[]): void {
    const again = (): void => {
      if (this.#answer !== null) this.wake()
    }
    Promise.all(reads.map(({ slice, log }) => slice!.warm().catch((error: Error) => log!.diskFailed(error)))).then(again, () => this.#end())
  }

  #isEnough(): boolean {
    const { maxBytes, minBytes, atLeastOne } = this.#limits
    const reads: PartitionRead[] = []
    let sizeBytes = 0
    let final = this.#partitions.length === 0
    for (const asked of this.#partitions) {
      const read = readPartition(this.#session.broker, asked, this.#rules, Math.max(0, maxBytes - sizeBytes), atLeastOne && sizeBytes === 0)
      reads.push(read)
      sizeBytes += read.slice?.length ?? 0
      if (read.errorCode !== 0 || read.diverging !== null || isOld(read)) final = true
    }
    this.#reads = reads
    return final || sizeBytes >= Math.min(minBytes, maxBytes)
  }

  /** Slices whose place in the file could not be told without waiting for the device. */
  #unfound(): PartitionRead[] {
    const unfound: PartitionRead[] = []
    for (const read of this.#reads) if (read.slice?.length === 0) unfound.push(read)
    return unfound
  }

  #park(): void {
    for (const { log } of this.#reads) {
      if (log === undefined) continue
      log.onAdvance(this)
      this.#parkedOn.push(log)
    }
  }

  #unpark(): void {
    for (const log of this.#parkedOn) log.offAdvance(this)
    this.#parkedOn = []
  }

  #end(): void {
    if (this.#answer === null) return
    const answer = this.#answer
    this.#answer = null
    this.#timer?.cancel()
    this.#offClose?.()
    this.#unpark()
    // what was not found in time is not there yet
    answer.resolve(
      this.#unfound().length === 0 ? this.#reads : this.#reads.map((read) => (read.slice?.length === 0 ? { ...read, slice: null } : read)),
    )
  }
}

/** An answer holds one segment's bytes of a partition: there, waiting brings no more. */
function isOld({ asked, log, slice }: PartitionRead): boolean {
  return slice !== null && asked.fetchOffset < log!.segments[log!.segments.length - 1]!.baseOffset
}
