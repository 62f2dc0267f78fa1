import type { Clock, Env, Logger, Timer } from '../env.ts'
import type { SimConnection } from './connection.ts'
import type { Dice } from './dice.ts'
import { SimDisk } from './disk.ts'
import { KIND, type Event } from './event-queue.ts'
import { SimLoop } from './loop.ts'
import { SimNet } from './net.ts'
import type { World } from './world.ts'

/** What the wall clocks show when the world starts. */
const START_MS = 1_700_000_000_000
/** How long at most the peers of a host without power hear nothing. */
const SILENCE_MS = 5_000

/** A machine with one program on it, as that program's Env. Its disk outlives a crash, the program does not. */
export class Host implements Env {
  readonly id: number
  readonly name: string
  readonly world: World
  readonly clock: SimClock
  readonly random: Dice
  readonly loop: SimLoop
  readonly disk: SimDisk
  readonly net: SimNet
  readonly log: SimLogger
  readonly connections = new Set<SimConnection>()
  /** Counts the crashes: what was scheduled in an earlier life does not happen. */
  life = 0

  constructor(world: World, name: string, id: number, dice: Dice) {
    this.id = id
    this.name = name
    this.world = world
    this.random = dice
    this.clock = new SimClock(this)
    this.loop = new SimLoop(this)
    this.disk = new SimDisk(this)
    this.net = new SimNet(this)
    this.log = new SimLogger(world)
  }

  /**
   * The power fails, and is back at once: promises of the old program never settle, its timers never fire; bytes and names that were not
   * synced are lost, kept or torn; peers see a reset, at once or some time later.
   */
  crash(): void {
    this.#end(() => (this.world.dice.chance(0.5) ? this.world.dice.below(SILENCE_MS) : 0))
    this.disk.crash()
  }

  /** kill -9: as `crash`, but what was written stays, and peers see it at once. */
  kill(): void {
    this.#end(() => 0)
    this.disk.kill()
  }

  #end(silenceMs: () => number): void {
    this.life++
    this.loop.clear()
    this.net.clear()
    for (const connection of this.connections) connection.vanish(silenceMs())
  }
}

export class SimClock implements Clock {
  readonly #host: Host
  /** How far the wall clock is off. */
  skewMs = 0

  constructor(host: Host) {
    this.#host = host
  }

  now(): number {
    return START_MS + Math.floor(this.#host.world.timeMs) + this.skewMs
  }

  monotonic(): number {
    return this.#host.world.timeMs
  }

  after(delayMs: number, fire: () => void): Timer {
    return new SimTimer(this.#host.world.schedule(Math.max(0, delayMs), this.#host, KIND.timer, fire))
  }
}

class SimTimer implements Timer {
  readonly #event: Event

  constructor(event: Event) {
    this.#event = event
  }

  cancel(): void {
    this.#event.run = null
  }
}

export interface LogLine {
  readonly timeMs: number
  readonly level: keyof Logger
  readonly message: string
  readonly facts: object | undefined
}

export class SimLogger implements Logger {
  readonly lines: LogLine[] = []
  readonly #world: World

  constructor(world: World) {
    this.#world = world
  }

  debug(message: string, facts?: object): void {
    this.#add('debug', message, facts)
  }

  info(message: string, facts?: object): void {
    this.#add('info', message, facts)
  }

  warn(message: string, facts?: object): void {
    this.#add('warn', message, facts)
  }

  error(message: string, facts?: object): void {
    this.#add('error', message, facts)
  }

  #add(level: keyof Logger, message: string, facts: object | undefined): void {
    this.lines.push({ timeMs: this.#world.timeMs, level, message, facts })
  }
}
