/**
 * Some lives of a server on one disk, with clients that live through them all; what was promised is checked at each start and at the end.
 */
import assert from 'node:assert/strict'
import type { Client, ProducerOptions } from '@ottla/client'
import type { Faults } from '@ottla/env/sim'
import { Ledger, newPassage, type Promised } from '../long/ledger.ts'
import { endsOf, readOn } from '../long/reading.ts'
import { Clerk, Sender, Tail } from './actors.ts'
import { Stage } from './stage.ts'

export interface Promises {
  /** How lives may end. */
  readonly ends: readonly ('crash' | 'kill' | 'stop')[]
  readonly producers: readonly { readonly promised: Promised; readonly options: ProducerOptions }[]
  /** Of the topic. */
  readonly configs: Readonly<Record<string, string>>
  /** Of the broker. */
  readonly settings?: Readonly<Record<string, string>>
  /** Whether what was acknowledged survives these ends; what a consumer was given always does. */
  readonly acksHold: boolean
}

export interface Outcome {
  readonly ackedCount: number
  readonly seenCount: number
  readonly lives: number
  readonly eventCount: number
  readonly trace: number
}

const TOPIC = 'promises'
const PARTITIONS = 2
const ROUGH: Partial<Faults> = { lossRate: 0.01, stallRate: 0.01, coldRate: 0.1, diskMs: 4 }

/** Throws with what is wrong. The same seed gives the same outcome, to the trace. */
export async function live(seed: number, promises: Promises, plant: (stage: Stage) => void = () => {}): Promise<Outcome> {
  const stage = new Stage(seed, ROUGH, promises.settings)
  plant(stage)
  return await new Play(stage, promises).run()
}

class Play {
  readonly #stage: Stage
  readonly #promises: Promises
  readonly #ledger: Ledger
  readonly #checker: Client
  readonly #senders: readonly Sender[]
  readonly #tail: Tail
  readonly #clerk: Clerk
  #lives = 0

  constructor(stage: Stage, promises: Promises) {
    this.#stage = stage
    this.#promises = promises
    this.#ledger = new Ledger(
      PARTITIONS,
      promises.producers.map(({ promised }) => promised),
    )
    this.#checker = stage.client('checker')
    const { world } = stage
    const [alice, bob] = [stage.client('alice'), stage.client('bob')]
    this.#senders = promises.producers.map(({ options }, id) => new Sender(world.host('alice'), alice, TOPIC, this.#ledger, id, options))
    this.#tail = new Tail(world.host('bob'), bob, TOPIC, this.#ledger)
    this.#clerk = new Clerk(world.host('bob'), bob, TOPIC, promises.acksHold)
  }

  async run(): Promise<Outcome> {
    const stage = this.#stage
    const { dice } = stage.world
    await this.#start()
    await stage.complete(this.#checker.admin().createTopic({ name: TOPIC, partitions: PARTITIONS, configs: this.#promises.configs }))
    for (const actor of this.#actors) actor.start()
    for (let more = 2 + dice.below(3); more > 0; more--) {
      await this.#act(dice.fraction() * 900)
      await stage.end(this.#promises.ends[dice.below(this.#promises.ends.length)]!)
      await stage.pass(dice.fraction() * 100)
      if (dice.chance(0.2)) await this.#dieOnTheWayUp()
      const ackedEnds = Array.from({ length: PARTITIONS }, (_, partition) => this.#ledger.ackedEnd(partition))
      await this.#start()
      await stage.complete(this.#checkStart(ackedEnds))
    }
    await this.#act(200)
    await stage.complete(this.#finish())
    const { eventCount, trace } = stage.world
    await stage.end('stop')
    return { ackedCount: this.#ledger.ackedCount, seenCount: this.#tail.count, lives: this.#lives, eventCount, trace }
  }

  get #actors(): readonly (Sender | Tail | Clerk)[] {
    return [...this.#senders, this.#tail, this.#clerk]
  }

  async #start(): Promise<void> {
    this.#lives++
    await this.#stage.start()
  }

  /** Time goes by; now and then a client can't be reached for a part of it, or the disk is slow. */
  async #act(ms: number): Promise<void> {
    const { world, host } = this.#stage
    host.disk.slowMs = world.dice.chance(0.2) ? world.dice.below(40) : 0
    if (world.dice.chance(0.3)) {
      const cut = world.host(world.dice.chance(0.5) ? 'alice' : 'bob')
      await this.#stage.pass(ms / 2)
      world.partition(host, cut)
      await this.#stage.pass(ms / 2)
      world.healAll()
    } else await this.#stage.pass(ms)
    for (const { failure } of this.#actors) if (failure !== null) throw failure
  }

  async #dieOnTheWayUp(): Promise<void> {
    const stage = this.#stage
    const { dice } = stage.world
    stage.beginToStart()
    await stage.pass(dice.fraction() * 80)
    await stage.end(this.#promises.ends.includes('crash') ? 'crash' : 'kill')
  }

  /** What was acknowledged before this start is there; what lies at those offsets is read at the end. */
  async #checkStart(ackedEnds: readonly number[]): Promise<void> {
    const ends = await endsOf(this.#checker, TOPIC, PARTITIONS)
    for (const [partition, ackedEnd] of ackedEnds.entries()) {
      const end = ends[partition]!
      if (this.#promises.acksHold)
        assert.ok(end >= ackedEnd, `partition ${partition} ends at ${end}: ${ackedEnd - end} acknowledged records are gone`)
    }
    await this.#clerk.check(this.#checker)
  }

  /** The clients end, and all is read from the beginning. */
  async #finish(): Promise<void> {
    for (const sender of this.#senders) await sender.stop()
    const ends = await endsOf(this.#checker, TOPIC, PARTITIONS)
    const passages = ends.map(newPassage)
    await readOn(this.#checker, TOPIC, this.#ledger, passages, ends)
    await this.#tail.stop()
    await this.#clerk.stop()
    await this.#clerk.check(this.#checker)
    if (this.#promises.acksHold) for (const [partition, passage] of passages.entries()) this.#ledger.complete(partition, passage)
  }
}
