/**
 * Some lives of a server with a topic of each class of promise, ended behind a step that a seed draws: by the loss of power, which takes
 * any of the unsynced pages and names, or of the process alone. Disks fail and fill up meanwhile. After each start all is read and held to
 * the books.
 */
import assert from 'node:assert/strict'
import type { Client, ProducerOptions } from '@ottla/client'
import { EnvError } from '@ottla/env'
import type { Faults } from '@ottla/env/sim'
import { Sender, Tail } from './actors.ts'
import { Books, type Held, type Survives } from './books.ts'
import { damage, type Damage } from './damage.ts'
import { count, DiskWatch, STEP_NAMES } from './disk-watch.ts'
import { Founder } from './founder.ts'
import { LOG_DIRECTORY, Stage } from './stage.ts'

interface TopicClass {
  readonly name: string
  readonly configs: Readonly<Record<string, string>>
  readonly survives: Survives
  readonly producers: readonly { readonly held: Held; readonly options: ProducerOptions }[]
  readonly hasTail: boolean
}

const ONE = { acks: 1, batchSizeBytes: 1000 } as const
const ALL = { acks: 'all', idempotent: false, batchSizeBytes: 1000 } as const
const IDEMPOTENT = { acks: 'all', batchSizeBytes: 1000 } as const
const NONE = { acks: 0, batchSizeBytes: 1000 } as const
const SMALL = { 'segment.bytes': '3000', 'index.interval.bytes': '300' }

/** By the class of design §5. What needs the power to stay on has no idempotent producer where it fails: it would be told so. */
function classesOf(powerFails: boolean): readonly TopicClass[] {
  return [
    {
      name: 'synced',
      configs: { ...SMALL, 'flush.before.ack': 'true' },
      survives: { acked: true, shown: true, start: true },
      producers: [
        { held: 'inOrder', options: ONE },
        { held: 'once', options: IDEMPOTENT },
      ],
      hasTail: true,
    },
    {
      name: 'exposed',
      configs: { ...SMALL, 'flush.messages': '7', 'flush.ms': '30' },
      survives: { acked: false, shown: true, start: true },
      producers: [
        { held: 'inOrder', options: ONE },
        { held: 'nothing', options: NONE },
      ],
      hasTail: true,
    },
    {
      name: 'plain',
      configs: SMALL,
      survives: { acked: false, shown: false, start: true },
      producers: [
        { held: 'inOrder', options: ONE },
        powerFails ? { held: 'inOrder', options: ALL } : { held: 'once', options: IDEMPOTENT },
      ],
      hasTail: !powerFails,
    },
    {
      name: 'retained',
      configs: { 'segment.bytes': '1500', 'retention.bytes': '5000', 'flush.before.ack': 'true' },
      survives: { acked: true, shown: true, start: false },
      producers: [{ held: 'inOrder', options: ALL }],
      hasTail: false,
    },
  ]
}

const SETTINGS = { 'log.retention.check.interval.ms': '70' }
const ROUGH: Partial<Faults> = { stallRate: 0.01, coldRate: 0.05, diskMs: 2 }
const LIFE_MS_MAX = 250
const STEP_COUNT_MAX = 6
const CAPACITY_BYTES = 1 << 30
const ANSWERS_MS = 30
/** More than the `flush.ms` of any topic, and its sync. */
const FLUSH_MS = 100

/** What happened in some seeds, by name. */
export type Coverage = Map<string, number>

/** Throws with what is wrong. */
export async function powerLives(seed: number, coverage: Coverage, plant: (stage: Stage) => void = () => {}): Promise<void> {
  const stage = new Stage(seed, ROUGH, SETTINGS)
  plant(stage)
  await new Play(stage, coverage).run()
}

class Play {
  readonly #stage: Stage
  readonly #coverage: Coverage
  readonly #watch: DiskWatch
  readonly #checker: Client
  readonly #powerFails: boolean
  readonly #classes: readonly TopicClass[]
  readonly #books: readonly Books[]
  readonly #senders: Sender[] = []
  readonly #tails: Tail[] = []
  readonly #founder: Founder
  #lossy = false

  constructor(stage: Stage, coverage: Coverage) {
    this.#stage = stage
    this.#coverage = coverage
    this.#watch = new DiskWatch(stage.host)
    this.#checker = stage.client('checker')
    const { world } = stage
    this.#powerFails = world.dice.chance(0.75)
    this.#classes = classesOf(this.#powerFails)
    const client = stage.client('clients')
    const reader = stage.client('clients')
    const founding = stage.client('clients')
    const host = world.host('clients')
    this.#books = this.#classes.map(({ name, producers, survives }) => {
      const held = producers.map((each) => each.held)
      return new Books(name, 1, held, survives)
    })
    for (const [at, { name, producers, hasTail }] of this.#classes.entries()) {
      const books = this.#books[at]!
      for (const [id, { options, held }] of producers.entries())
        this.#senders.push(new Sender(host, client, name, books, id, options, held !== 'once'))
      if (hasTail) this.#tails.push(new Tail(host, reader, name, books))
    }
    this.#founder = new Founder(host, founding)
  }

  get #actors(): readonly (Sender | Tail | Founder)[] {
    return [...this.#senders, ...this.#tails, this.#founder]
  }

  async run(): Promise<void> {
    const stage = this.#stage
    const { dice } = stage.world
    await stage.start()
    for (const { name, configs } of this.#classes) await stage.complete(this.#checker.admin().createTopic({ name, partitions: 1, configs }))
    for (const actor of this.#actors) actor.start()
    for (let left = 1 + dice.below(3); left > 0; left--) {
      await this.#act()
      await this.#end()
      if (dice.chance(0.25)) await this.#dieOnTheWayUp()
      await this.#start()
    }
    await this.#act(100)
    await stage.complete(Promise.all(this.#actors.map((actor) => actor.stop())))
    // an ack does not wait for `flush.ms`, what is shown does
    await stage.pass(FLUSH_MS)
    await this.#check()
    await this.#decay()
    this.#report()
  }

  /** A life: a fault now and then, until the step comes that the seed has drawn. */
  async #act(limitMs = LIFE_MS_MAX): Promise<void> {
    const { world, host } = this.#stage
    const { dice } = world
    const step = limitMs === LIFE_MS_MAX ? STEP_NAMES[dice.below(STEP_NAMES.length)]! : null
    host.disk.slowMs = dice.chance(0.2) ? dice.below(20) : 0
    if (limitMs === LIFE_MS_MAX) this.#disturb()
    await this.#stage.pass(dice.fraction() * 60)
    // the answers of what is done from now on are lost with the life
    if (limitMs === LIFE_MS_MAX && dice.chance(0.2)) {
      await this.#stage.pass(dice.fraction() * 60)
      world.partition(host, world.host('clients'))
    }
    this.#watch.arm(step, 1 + dice.below(STEP_COUNT_MAX))
    await world.run(() => this.#watch.due, dice.fraction() * limitMs)
    this.#failures()
  }

  #failures(): void {
    for (const { failure } of this.#actors) if (failure !== null) throw failure
  }

  #disturb(): void {
    const { world, host } = this.#stage
    const { dice } = world
    const { disk } = host
    const topic = `${LOG_DIRECTORY}/${this.#classes[dice.below(this.#classes.length)]!.name}-0`
    const what = dice.below(8)
    if (what === 0) disk.failNext('sync', 'io', topic)
    else if (what === 1) disk.failNext('write', 'io', topic)
    else if (what === 2) disk.failNext('sync', 'io', dice.chance(0.5) ? 'checkpoint' : '.snapshot')
    else if (what === 3) {
      disk.capacityBytes += dice.below(6000) - disk.roomBytes()
      world.after(dice.fraction() * 150, () => void (disk.capacityBytes = CAPACITY_BYTES))
    } else return
    count(this.#coverage, `fault: ${['a sync of a partition fails', 'a short write', 'a sync of a checkpoint fails', 'a full disk'][what]}`)
  }

  async #end(): Promise<void> {
    const { dice } = this.#stage.world
    const isCut = this.#watch.due
    let how: 'crash' | 'kill' | 'stop' = this.#powerFails && dice.chance(0.8) ? 'crash' : 'kill'
    if (!isCut && dice.chance(this.#powerFails ? 0.1 : 0.4)) how = 'stop'
    count(this.#coverage, `end: ${how}${isCut ? ' behind a step' : ''}`)
    await this.#die(how)
  }

  async #die(how: 'crash' | 'kill' | 'stop'): Promise<void> {
    this.#watch.arm(null, 0)
    try {
      await this.#stage.end(how)
    } catch (error) {
      // a stop on a disk that fails says so; the process is gone then
      if (how !== 'stop' || !(error instanceof EnvError)) throw error
      await this.#stage.end('kill')
    }
    if (how === 'crash') this.#lossy = true
    this.#stage.host.disk.capacityBytes = CAPACITY_BYTES
    this.#stage.world.healAll()
    // answers that are still under way arrive, or never will
    const { world, host } = this.#stage
    await this.#stage.pass(ANSWERS_MS)
    world.partition(host, world.host('clients'))
    this.#stage.host.disk.forgetFailures()
  }

  async #dieOnTheWayUp(): Promise<void> {
    const { world } = this.#stage
    this.#watch.arm(STEP_NAMES[world.dice.below(STEP_NAMES.length)]!, 1)
    this.#stage.beginToStart()
    await world.run(() => this.#watch.due, world.dice.fraction() * 80)
    count(this.#coverage, 'end: on the way up')
    await this.#die(this.#powerFails ? 'crash' : 'kill')
  }

  /** Nobody sends before the check has seen where the logs end. */
  async #start(): Promise<void> {
    await this.#stage.start()
    await this.#check()
    this.#stage.world.healAll()
  }

  async #check(): Promise<void> {
    const lossy = this.#lossy
    this.#lossy = false
    const check = async (): Promise<void> => {
      for (const books of this.#books) await books.check(this.#checker, lossy)
      await this.#founder.check(this.#checker)
    }
    await this.#stage.complete(check())
    this.#failures()
  }

  /** The server ends for the last time and a file of it decays or is lost: what comes up again says so, or has all. */
  async #decay(): Promise<void> {
    const stage = this.#stage
    const { world, host } = stage
    const how = world.dice.chance(0.3) ? 'stop' : 'kill'
    if (how === 'kill') await stage.pass(world.dice.fraction() * 200)
    await this.#die(how)
    const names = this.#classes.map(({ name }) => name)
    const done = damage(host.disk, world.dice, names, how === 'stop')
    if (done === null) return
    count(this.#coverage, `damage: ${done.what}`)
    await stage.start()
    for (const books of this.#books) {
      if (books.topic !== done.topic) await stage.complete(books.check(this.#checker, false))
      else count(this.#coverage, `damage: ${done.what}: ${await this.#outcome(books, done)}`)
    }
    await stage.end('stop')
  }

  async #outcome(books: Books, done: Damage): Promise<string> {
    let outcome = 'cut'
    try {
      await this.#stage.complete(books.check(this.#checker, false, done.mayCut))
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error
      const { message } = error as Error
      outcome = /KAFKA_STORAGE_ERROR|LEADER_NOT_AVAILABLE/.test(message)
        ? 'offline'
        : /checksum|crc|CORRUPT/i.test(message)
          ? 'reading fails'
          : message
      if (!['offline', 'reading fails'].includes(outcome)) throw error
    }
    assert.ok(!done.mustBeOffline || outcome === 'offline', `${done.what}: the partition is not offline (${outcome})`)
    return outcome
  }

  #report(): void {
    const add = (name: string, by: number): void => count(this.#coverage, name, by)
    const sum = (of: (books: Books) => number): number => this.#books.reduce((total, books) => total + of(books), 0)
    add(
      'records: acknowledged',
      sum((books) => books.ackedCount),
    )
    add(
      'records: read',
      sum((books) => books.shownCount),
    )
    add(
      'records: rightly lost with the power',
      sum((books) => books.lostCount),
    )
    add('topics: created', this.#founder.createdCount)
    add('topics: deleted', this.#founder.deletedCount)
    const { losses } = this.#stage.host.disk
    add('power: unsynced pages or sectors', losses.unsyncedPieces)
    add('power: of them lost', losses.lostPieces)
    add('power: unsynced names', losses.unsyncedNames)
    add('power: of them lost, names', losses.lostNames)
    for (const [step, times] of this.#watch.seen) add(`step: ${step}`, times)
    for (const [step, times] of this.#watch.cutAfter) add(`cut: ${step}`, times)
    assert.equal(this.#lossy, false)
  }
}
