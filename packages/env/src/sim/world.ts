import { Dice } from './dice.ts'
import { EventQueue, KIND, type Event, type Kind } from './event-queue.ts'
import { CALM, type Faults } from './faults.ts'
import { Host } from './host.ts'
import type { SimLoop } from './loop.ts'

/** Node's own "run the ticks and the microtasks now". Called from no promise's job, it returns when both have run out. */
const drain = (process as unknown as { _tickCallback: () => void })._tickCallback

/**
 * Hosts and the network between them in one thread, with one queue of events and one seed: the same seed and the same program give the same
 * history, to the event. Between two events all promises are let run out; real asynchronous work (zlib, fs, import) does not
 * settle there, and so shows itself by a program that waits for ever.
 */
export class World {
  readonly seed: number
  readonly dice: Dice
  readonly faults: Faults
  /** Simulated time since the start. */
  timeMs = 0
  /** How many events there were. */
  eventCount = 0
  /** A hash of all that happened. */
  trace = 0
  readonly #queue = new EventQueue()
  readonly #hosts = new Map<string, Host>()
  readonly #cuts = new Map<string, number>()
  #order = 0
  #unsettled: SimLoop[] = []
  #running = false

  constructor(seed: number, faults: Partial<Faults> = {}) {
    this.seed = seed
    this.dice = new Dice(seed, 0)
    this.faults = { ...CALM, ...faults }
  }

  /** The host of that name, which is its address too; a new one the first time. */
  host(name: string): Host {
    let host = this.#hosts.get(name)
    if (host === undefined) {
      const id = this.#hosts.size + 1
      this.#hosts.set(name, (host = new Host(this, name, id, new Dice(this.seed, id))))
    }
    return host
  }

  /** Undefined where there is none. */
  hostNamed(name: string): Host | undefined {
    return this.#hosts.get(name)
  }

  /**
   * Lets things happen until `until` says true (asked before each event), nothing is left to happen, or `limitMs` of simulated time
   * have passed. Resolves with what `until` says in the end. An exception of any handler rejects it.
   */
  run(until: () => boolean, limitMs: number): Promise<boolean> {
    const endMs = this.timeMs + limitMs
    return new Promise((resolve, reject) => {
      if (this.#running) throw new Error('The world is running already')
      this.#running = true
      // an immediate is no job of a promise, so `drain` may run the queues from here
      setImmediate(() => {
        try {
          this.#settle()
          while (!until() && this.#step(endMs)) this.#settle()
          resolve(until())
        } catch (error) {
          reject(error as Error)
        } finally {
          this.#running = false
        }
      })
    })
  }

  /** Runs until `promise` settles, and passes on what it gives. Rejects where it does not within `limitMs` of simulated time. */
  async complete<T>(promise: Promise<T>, limitMs: number): Promise<T> {
    let settled = false
    const settle = (): void => {
      settled = true
    }
    promise.then(settle, settle)
    if (!(await this.run(() => settled, limitMs))) {
      const why = this.#queue.first === undefined ? 'nothing is left to happen' : `${limitMs} ms have passed`
      throw new Error(`The promise is still pending and ${why} (seed ${this.seed})`)
    }
    return promise
  }

  /** A cut in both directions: what is under way waits, as in TCP, and after `unreachableMs` both ends give up. */
  partition(a: Host, b: Host): void {
    const key = pairOf(a, b)
    if (this.#cuts.has(key)) return
    const cutMs = this.timeMs
    this.#cuts.set(key, cutMs)
    this.schedule(this.faults.unreachableMs, null, KIND.world, () => {
      if (this.#cuts.get(key) !== cutMs) return
      for (const c of a.connections) if (c.peer.host === b) c.giveUp()
      for (const c of b.connections) if (c.peer.host === a) c.giveUp()
    })
  }

  heal(a: Host, b: Host): void {
    if (!this.#cuts.delete(pairOf(a, b))) return
    for (const c of [...a.connections, ...b.connections]) c.healed()
  }

  healAll(): void {
    this.#cuts.clear()
    for (const host of this.#hosts.values()) for (const c of host.connections) c.healed()
  }

  isCut(a: Host, b: Host): boolean {
    return this.#cuts.size > 0 && this.#cuts.has(pairOf(a, b))
  }

  /** Something that happens to the world: a fault, a check. */
  after(delayMs: number, happen: () => void): void {
    this.schedule(delayMs, null, KIND.world, happen)
  }

  /** Used by the simulated parts. */
  schedule(delayMs: number, host: Host | null, kind: Kind, run: () => void): Event {
    const event = { atMs: this.timeMs + delayMs, order: this.#order++, host, life: host?.life ?? 0, kind, run }
    this.#queue.push(event)
    return event
  }

  /** A loop whose turn has to end once the promises have run out. */
  unsettled(loop: SimLoop): void {
    this.#unsettled.push(loop)
  }

  mix(value: number): void {
    this.trace = (Math.imul(this.trace ^ value, 0x01000193) + (this.trace >>> 15)) | 0
  }

  /** One event. False when none is left, or none before `endMs`. */
  #step(endMs: number): boolean {
    const first = this.#queue.first
    if (first === undefined) return false
    if (first.atMs > endMs) {
      this.timeMs = Math.max(this.timeMs, endMs)
      return false
    }
    const { host, run, atMs, order, kind, life } = this.#queue.pop()!
    if (run === null || (host !== null && host.life !== life)) return true
    // a stall of some loop may have let time pass beyond it
    if (atMs > this.timeMs) this.timeMs = atMs
    this.eventCount++
    this.mix(kind)
    this.mix(order)
    this.mix((atMs * 1000) | 0)
    if (host === null) run()
    else {
      this.mix(host.id)
      host.loop.event(run)
    }
    return true
  }

  #settle(): void {
    drain()
    while (this.#unsettled.length > 0) {
      const loops = this.#unsettled
      this.#unsettled = []
      for (const loop of loops) loop.end()
      drain()
    }
  }
}

function pairOf(a: Host, b: Host): string {
  return a.id < b.id ? `${a.id}-${b.id}` : `${b.id}-${a.id}`
}
