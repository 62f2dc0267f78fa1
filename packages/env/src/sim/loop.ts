import type { Loop } from '../env.ts'
import { KIND } from './event-queue.ts'
import type { Host } from './host.ts'

export interface Sender {
  flush(): void
}

/** Most events are a turn of their own. Some share one with what comes next. */
const OWN_TURN_RATE = 0.7
/** What other threads do takes up to so long. */
const ELSEWHERE_MS_MAX = 40

export class SimLoop implements Loop {
  readonly #host: Host
  #tasks: (() => void)[] = []
  #senders: Sender[] = []
  #inEvent = false
  #endPosted = false

  constructor(host: Host) {
    this.#host = host
  }

  atEndOfTurn(task: () => void): void {
    this.#tasks.push(task)
    this.#post()
  }

  elsewhere<T>(now: () => T, _later: () => Promise<T>): Promise<T> {
    const { world } = this.#host
    return new Promise((resolve, reject) => {
      world.schedule(world.dice.below(ELSEWHERE_MS_MAX * 10) / 10, this.#host, KIND.elsewhere, () => {
        try {
          resolve(now())
        } catch (error) {
          reject(error as Error)
        }
      })
    })
  }

  sendAtEnd(sender: Sender): void {
    this.#senders.push(sender)
    this.#post()
  }

  event(run: () => void): void {
    this.#inEvent = true
    run()
    this.#inEvent = false
    const { world } = this.#host
    if (world.dice.chance(OWN_TURN_RATE)) {
      this.end()
      return
    }
    this.#endPosted = true
    world.schedule(world.dice.below(2) / 10, this.#host, KIND.endOfTurn, () => {})
  }

  end(): void {
    this.#inEvent = true
    this.#endPosted = false
    for (let i = 0; i < this.#tasks.length; i++) this.#tasks[i]!()
    this.#tasks.length = 0
    for (let i = 0; i < this.#senders.length; i++) this.#senders[i]!.flush()
    this.#senders.length = 0
    this.#inEvent = false
  }

  /** Its program died: what the turn would have ended with does not come. */
  clear(): void {
    this.#tasks = []
    this.#senders = []
    this.#inEvent = false
    this.#endPosted = false
  }

  #post(): void {
    if (this.#inEvent || this.#endPosted) return
    this.#endPosted = true
    this.#host.world.unsettled(this)
  }
}
