import type { Loop } from '../env.ts'

/** Who collects what is to be sent until the turn ends. */
export interface Sender {
  flush(): void
}

/** How many turns with a single read it takes to believe that one connection is alone again. */
const SHARED_TURNS = 16

/**
 * Where a turn ends. A lone busy connection's read is its turn: it is answered before the next poll. Once a second one reads, a turn is
 * all that one poll of the system brought (ended by setImmediate), so that each log is written once and each connection sent to once.
 * What a promise continues ends when the microtasks have run out.
 */
export class NodeLoop implements Loop {
  readonly #tasks: (() => void)[] = []
  readonly #senders: Sender[] = []
  #inEvent = false
  #endPosted = false
  #turnOpen = false
  #sharedTurns = 0
  #reads = 0
  #lastReader: object | null = null

  atEndOfTurn(task: () => void): void {
    this.#tasks.push(task)
    if (!this.#inEvent) this.#post()
  }

  elsewhere<T>(_now: () => T, later: () => Promise<T>): Promise<T> {
    return later()
  }

  /** `sender.flush` is called once, after the turn's tasks. */
  sendAtEnd(sender: Sender): void {
    this.#senders.push(sender)
    if (!this.#inEvent) this.#post()
  }

  /** An exception of `handle` passes through to the caller, which is Node: it becomes an uncaughtException. */
  event(handle: () => void): void {
    this.#inEvent = true
    try {
      handle()
    } finally {
      this.#inEvent = false
      if (!this.#turnOpen) this.#end()
    }
  }

  /** As `event`, in two halves: reads come too often for a closure each. */
  beginRead(): void {
    this.#inEvent = true
  }

  endRead(reader: object): void {
    this.#inEvent = false
    if (this.#sharedTurns === 0) {
      if (reader === this.#lastReader) {
        this.#end()
        return
      }
      this.#lastReader = reader
      this.#sharedTurns = SHARED_TURNS
    }
    this.#reads++
    this.#openTurn()
  }

  /** More than one connection is busy. */
  get shared(): boolean {
    return this.#sharedTurns > 0
  }

  /** Forgets who read last, so that a connection that is gone does not stay in memory. */
  forget(reader: object): void {
    if (this.#lastReader === reader) this.#lastReader = null
  }

  #openTurn(): void {
    if (this.#turnOpen) return
    this.#turnOpen = true
    setImmediate(this.#endTurn)
  }

  readonly #endTurn = (): void => {
    this.#turnOpen = false
    if (this.#reads > 1) this.#sharedTurns = SHARED_TURNS
    else if (this.#sharedTurns > 0) this.#sharedTurns--
    this.#reads = 0
    this.#end()
  }

  #post(): void {
    if (this.#turnOpen || this.#endPosted) return
    if (this.#sharedTurns > 0) {
      this.#openTurn()
      return
    }
    this.#endPosted = true
    // asked for by a microtask, this runs when the microtasks have run out
    process.nextTick(this.#endPost)
  }

  readonly #endPost = (): void => {
    this.#endPosted = false
    if (!this.#turnOpen) this.#end()
  }

  /** Tasks may add tasks, and views to send; flushing runs no code of a connection's owner. */
  #end(): void {
    const tasks = this.#tasks
    const senders = this.#senders
    if (tasks.length === 0 && senders.length === 0) return
    this.#inEvent = true
    let ran = 0
    let sent = 0
    try {
      while (ran < tasks.length) tasks[ran++]!()
      while (sent < senders.length) senders[sent++]!.flush()
    } finally {
      this.#inEvent = false
      if (ran === tasks.length && sent === senders.length) {
        tasks.length = 0
        senders.length = 0
      } else {
        tasks.splice(0, ran)
        senders.splice(0, sent)
        this.#post()
      }
    }
  }
}
