import { Gate } from './gate.ts'
import type { PartitionLog } from './partition-log.ts'

/** A directory's partition, as its name tells. */
export interface FoundPartition {
  readonly topic: string
  readonly partition: number
}

/** The partitions of a log directory that nobody has asked for since its start, by `<topic>-<partition>`. Each is opened once. */
export class UnopenedLogs {
  readonly #found = new Map<string, FoundPartition>()
  readonly #opening = new Map<string, Promise<PartitionLog>>()
  readonly #openers: Gate
  #stopped = false

  constructor(countMax: number) {
    this.#openers = new Gate(countMax)
  }

  /** Those that are being opened, too. */
  get count(): number {
    return this.#found.size
  }

  all(): Iterable<FoundPartition> {
    return this.#found.values()
  }

  has(name: string): boolean {
    return this.#found.has(name)
  }

  add(name: string, found: FoundPartition): void {
    this.#found.set(name, found)
  }

  /** Runs `open`, which is to put the log where it is looked for; who comes meanwhile gets the same. The longest waiting comes first. */
  open(name: string, open: () => Promise<PartitionLog>): Promise<PartitionLog> {
    const under = this.#opening.get(name)
    if (under !== undefined) return under
    const opening = this.#openers
      .run(async () => {
        if (this.#stopped) throw new Error(`${name} is not opened: its directory closes`)
        const log = await open()
        this.#found.delete(name)
        return log
      })
      .finally(() => this.#opening.delete(name))
    this.#opening.set(name, opening)
    return opening
  }

  /** It is about to go. False: it isn't here, or is being opened. */
  forget(name: string): boolean {
    return !this.#opening.has(name) && this.#found.delete(name)
  }

  /** Opens no more; resolves when those under way are done. */
  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.allSettled(this.#opening.values())
  }
}
