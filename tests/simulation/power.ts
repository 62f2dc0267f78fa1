/**
 * Some lives of a server with a topic of each class of promise, ended behind a step that a seed draws: by the loss of power, which takes
 * any of the unsynced pages and names, or of the process alone. Disks fail and fill up meanwhile. After each start all is read and held to
 * the books.
 */
import assert from 'node:assert/strict'
import type { Client } from '@ottla/client'
import { EnvError } from '@ottla/env'
import { Dice, type Faults } from '@ottla/env/sim'
import { ZooKeeperError } from '@ottla/zookeeper'
import { Sender, Tail } from './actors.ts'
import { OrderedBooks, type Books, type End } from './books.ts'
import { classesOf, GROUP_OFFSETS, type AckClass } from './classes.ts'
import { damage, type Damage } from './damage.ts'
import { count, DiskWatch, drawStep } from './disk-watch.ts'
import { Founder } from './founder.ts'
import { KeyedBooks } from './keyed-books.ts'
import type { Plant } from './plants.ts'
import { REGISTERED, Registrar } from './registrar.ts'
import { LIMIT_MS, LOG_DIRECTORY, Stage } from './stage.ts'

const SETTINGS = {
  'log.retention.check.interval.ms': '70',
  'log.cleaner.backoff.ms': '40',
  'log.cleaner.min.cleanable.ratio': '0.2',
  'offsets.topic.segment.bytes': '1200',
}
const ROUGH: Partial<Faults> = { stallRate: 0.01, coldRate: 0.05, diskMs: 2 }
/** How many classes have a topic in one world. */
const CLASSES = 4
const LIFE_MS_MAX = 250
/** So long a step is waited for that does not come every day. */
const STEP_MS_MAX = 500
const START_MS_MAX = 200
/** A start on a full disk that takes longer waits for room. */
const FULL_MS = 3_000
const STEP_COUNT_MAX = 3
const CAPACITY_BYTES = 1 << 30
const ANSWERS_MS = 60
const GIVE_UP_MS = 5
const UNREACHABLE_MS = 70_000
const OFFSETS_TOPIC = '__consumer_offsets'
/** More than the `flush.ms` of any topic, and its sync. */
const FLUSH_MS = 100
/** Of the dice that are thrown before there is a world. */
const BEFORE_ALL = 1000

/** What happened in some seeds, by name. */
export type Coverage = Map<string, number>

export interface PowerOptions {
  /** The classes that are there; unless told, some topics that the seed draws, and the offsets of groups. */
  readonly classes?: readonly string[]
  /** False: the process alone ends. The seed draws it unless told. */
  readonly powerFails?: boolean
  /** Lives end behind one of these steps; unless told, behind any. */
  readonly behind?: readonly string[]
  readonly plant?: Plant
}

/** Throws with what is wrong. */
export async function powerLives(seed: number, coverage: Coverage, options: PowerOptions = {}): Promise<void> {
  const dice = new Dice(seed, BEFORE_ALL)
  const powerFails = options.powerFails ?? dice.chance(0.75)
  const syncsOffsets = dice.chance(0.5)
  const settings = { ...SETTINGS, 'log.flush.before.ack': String(syncsOffsets) }
  const all = classesOf(powerFails)
  const { classes } = options
  const drawn = classes === undefined ? draw(dice, all, CLASSES) : all.filter(({ name }) => classes.includes(name))
  const stage = new Stage(seed, ROUGH, settings)
  const undo = options.plant?.(stage)
  try {
    const hasGroups = classes === undefined || classes.includes(GROUP_OFFSETS)
    await new Play(stage, coverage, powerFails, drawn, hasGroups ? { hold: syncsOffsets || !powerFails } : null, options.behind ?? []).run()
  } finally {
    undo?.()
  }
}

function draw<T>(dice: Dice, all: readonly T[], size: number): T[] {
  const left = [...all]
  return Array.from({ length: size }, () => left.splice(dice.below(left.length), 1)[0]!)
}

class Play {
  readonly #stage: Stage
  readonly #coverage: Coverage
  readonly #watch: DiskWatch
  readonly #checker: Client
  readonly #powerFails: boolean
  readonly #classes: readonly AckClass[]
  readonly #behind: readonly string[]
  readonly #books: readonly Books[]
  readonly #senders: Sender[] = []
  readonly #tails: Tail[] = []
  readonly #founder: Founder
  readonly #registrar: Registrar | null
  readonly #offsetsHold: boolean
  /** The worst since the last check. */
  #ended: End = 'kill'

  constructor(
    stage: Stage,
    coverage: Coverage,
    powerFails: boolean,
    classes: readonly AckClass[],
    offsets: { hold: boolean } | null,
    behind: readonly string[],
  ) {
    this.#stage = stage
    this.#coverage = coverage
    this.#watch = new DiskWatch(stage.host)
    this.#checker = stage.client('checker')
    this.#powerFails = powerFails
    this.#classes = classes
    this.#behind = behind
    this.#offsetsHold = offsets?.hold ?? false
    const client = stage.client('clients')
    const reader = stage.client('clients')
    const host = stage.world.host('clients')
    this.#books = classes.map(({ name, producers, survives, isKeyed }) => {
      const held = producers.map((each) => each.held)
      return isKeyed ? new KeyedBooks(name, 1, held, survives) : new OrderedBooks(name, 1, held, survives)
    })
    for (const [at, { name, producers, hasTail }] of classes.entries()) {
      const books = this.#books[at]!
      for (const [id, { options, held }] of producers.entries())
        this.#senders.push(new Sender(host, client, name, books, id, options, held !== 'once'))
      if (hasTail) this.#tails.push(new Tail(host, reader, name, books))
    }
    this.#founder = new Founder(host, stage.client('clients'))
    this.#registrar = offsets === null ? null : new Registrar(host, stage.client('clients'))
  }

  get #actors(): readonly (Sender | Tail | Founder | Registrar)[] {
    const registrars = this.#registrar === null ? [] : [this.#registrar]
    return [...this.#senders, ...this.#tails, this.#founder, ...registrars]
  }

  async run(): Promise<void> {
    const stage = this.#stage
    const { dice } = stage.world
    await stage.start()
    for (const { name, configs } of this.#classes) await stage.complete(this.#checker.admin().createTopic({ name, partitions: 1, configs }))
    await stage.complete(this.#checker.admin().createTopic(REGISTERED))
    for (const actor of this.#actors) actor.start()
    for (let left = 1 + dice.below(3); left > 0; left--) {
      await this.#act()
      await this.#end()
      while (dice.chance(0.3)) await this.#dieOnTheWayUp()
      await this.#start()
    }
    await stage.pass(dice.fraction() * 100)
    this.#failures()
    await stage.complete(Promise.all(this.#actors.map((actor) => actor.stop())))
    // an ack does not wait for `flush.ms`, what is shown does
    await stage.pass(FLUSH_MS)
    await this.#check()
    await this.#decay()
    this.#report()
  }

  /** A life: a fault now and then, until the step comes that the seed has drawn. */
  async #act(): Promise<void> {
    const { world, host } = this.#stage
    const { dice } = world
    host.disk.slowMs = dice.chance(0.2) ? dice.below(20) : 0
    // far away, much is under way when a life ends
    world.faults.latencyMs = dice.chance(0.3) ? 5 + dice.below(20) : 1
    this.#disturb()
    await this.#stage.pass(dice.fraction() * LIFE_MS_MAX)
    // the answers of what is done from now on are lost with the life
    if (dice.chance(0.1)) {
      await this.#stage.pass(dice.fraction() * 60)
      world.partition(host, world.host('clients'))
    }
    this.#failures()
  }

  #failures(): void {
    for (const { failure } of this.#actors) if (failure !== null) throw failure
  }

  #disturb(): void {
    const { world, host } = this.#stage
    const { dice } = world
    const { disk } = host
    const topics = [...this.#classes.map(({ name }) => name), ...(this.#registrar === null ? [] : [OFFSETS_TOPIC])]
    const topic = `${LOG_DIRECTORY}/${topics[dice.below(topics.length)]!}-0`
    const what = dice.below(16)
    if (what === 0) disk.failNext('sync', 'io', topic)
    else if (what === 1) disk.failNext('write', 'io', topic)
    else if (what === 2) disk.failNext('sync', 'io', dice.chance(0.5) ? 'checkpoint' : '.snapshot')
    else if (what === 3) {
      disk.capacityBytes += dice.below(6000) - disk.roomBytes()
      world.after(dice.fraction() * 150, () => void (disk.capacityBytes = CAPACITY_BYTES))
    } else return
    count(this.#coverage, `fault: ${['a sync of a partition fails', 'a short write', 'a sync of a checkpoint fails', 'a full disk'][what]}`)
  }

  /** Behind a step that the seed draws, or on the way down, or at any time. */
  async #end(): Promise<void> {
    const { world } = this.#stage
    const { dice } = world
    if (dice.chance(0.2)) {
      await this.#stop()
      return
    }
    const isAnyTime = dice.chance(0.1)
    const steps = this.#behind
    const step = steps.length > 0 ? steps[dice.below(steps.length)]! : drawStep(dice, 'run', this.#watch.seen)
    if (!isAnyTime) this.#watch.arm(step, 1 + dice.below(STEP_COUNT_MAX))
    await world.run(() => this.#watch.due, isAnyTime ? dice.fraction() * LIFE_MS_MAX : STEP_MS_MAX)
    this.#failures()
    const how = this.#powerFails && dice.chance(0.8) ? 'crash' : 'kill'
    count(this.#coverage, `end: ${how}${this.#watch.due ? ' behind a step' : ''}`)
    await this.#die(how)
  }

  /** In good order, or as far as a step on the way down. */
  async #stop(): Promise<void> {
    const { world, host } = this.#stage
    const { dice } = world
    if (dice.chance(0.4)) {
      // both ends give up soon, and with them the answers that are under way
      world.faults.unreachableMs = GIVE_UP_MS
      world.partition(host, world.host('clients'))
      world.faults.unreachableMs = UNREACHABLE_MS
      await this.#stage.pass(2 * GIVE_UP_MS)
    }
    const isWhole = dice.chance(0.4)
    this.#watch.arm(isWhole ? null : drawStep(dice, 'stop', this.#watch.seen), 1 + dice.below(2))
    let isStopped = false
    const stopped = (): void => void (isStopped = true)
    // a disk that fails may fail the stop; the process is gone then
    this.#stage.server!.stop().then(stopped, (error) => {
      if (!(error instanceof EnvError || error instanceof ZooKeeperError)) throw error
      stopped()
    })
    assert.ok(await world.run(() => isStopped || this.#watch.due, LIMIT_MS), 'the server does not stop')
    const how = this.#powerFails && dice.chance(0.8) ? 'crash' : 'kill'
    count(this.#coverage, `end: ${this.#watch.due ? `${how} behind a step of the stop` : 'stop'}`)
    await this.#die(this.#watch.due || dice.chance(0.5) ? how : 'kill')
  }

  async #die(how: 'crash' | 'kill'): Promise<void> {
    this.#watch.arm(null, 0)
    await this.#stage.end(how)
    if (how === 'crash') this.#ended = 'power'
    this.#stage.host.disk.capacityBytes = CAPACITY_BYTES
    // answers that are still under way arrive, piece by piece, or never will
    const { world, host } = this.#stage
    world.faults.latencyMs = 1
    world.healAll()
    await this.#stage.pass(ANSWERS_MS)
    world.partition(host, world.host('clients'))
    this.#stage.host.disk.forgetFailures()
  }

  async #dieOnTheWayUp(): Promise<void> {
    const { world } = this.#stage
    const { dice } = world
    this.#watch.arm(drawStep(dice, 'start', this.#watch.seen), 1 + dice.below(2))
    this.#stage.beginToStart()
    await world.run(() => this.#watch.due, dice.chance(0.3) ? dice.fraction() * 80 : START_MS_MAX)
    count(this.#coverage, `end: on the way up${this.#watch.due ? ' behind a step' : ''}`)
    await this.#die(this.#powerFails ? 'crash' : 'kill')
  }

  /** Nobody sends before the check has seen where the logs end. */
  async #start(): Promise<void> {
    if (this.#stage.world.dice.chance(0.15)) await this.#startOnFullDisk()
    await this.#stage.start()
    await this.#check()
    this.#stage.world.healAll()
  }

  /** There is no room, or soon none: it serves what it can, or says so and ends or waits; once there is room, it or a new start has all. */
  async #startOnFullDisk(): Promise<void> {
    const { world, host } = this.#stage
    const { disk } = host
    disk.capacityBytes += (world.dice.chance(0.5) ? 0 : world.dice.below(6000)) - disk.roomBytes()
    const outcome = await this.#tryStart()
    count(this.#coverage, `full disk at a start: ${outcome}`)
    if (outcome === 'refused') {
      await this.#die('kill')
      return
    }
    if (outcome === 'waits for room' && world.dice.chance(0.5)) {
      disk.capacityBytes = CAPACITY_BYTES
      assert.ok(await world.run(() => this.#stage.server !== null, LIMIT_MS), 'there is room again, and the start waits still')
      count(this.#coverage, 'full disk at a start: goes on once there is room')
    }
    await this.#stage.pass(world.dice.fraction() * LIFE_MS_MAX)
    this.#failures()
    await this.#die(this.#powerFails && world.dice.chance(0.5) ? 'crash' : 'kill')
  }

  async #tryStart(): Promise<'served' | 'refused' | 'waits for room'> {
    const { world, host } = this.#stage
    const linesBefore = host.log.lines.length
    let failure: Error | null = null
    this.#stage.beginToStart().catch((error) => void (failure = error))
    if (await world.run(() => failure !== null || this.#stage.server !== null, FULL_MS)) {
      if (failure === null) return 'served'
      assert.match((failure as Error).message, /no space/i)
      return 'refused'
    }
    const said = host.log.lines.slice(linesBefore).map(({ message }) => message)
    assert.ok(
      said.some((message) => /no space/.test(message)),
      `the start goes nowhere, and says ${said.join('; ')}`,
    )
    return 'waits for room'
  }

  async #check(): Promise<void> {
    const end = this.#ended
    this.#ended = 'kill'
    const check = async (): Promise<void> => {
      for (const books of this.#books) await books.check(this.#checker, end)
      await this.#founder.check(this.#checker)
      await this.#registrar?.check(this.#checker, end === 'power' && !this.#offsetsHold)
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
    else await stage.complete(stage.server!.stop())
    await this.#die('kill')
    const names = this.#classes.map(({ name }) => name)
    if (names.length === 0) return
    const older = (path: string): readonly Buffer[] => this.#watch.older(path)
    const done = damage({ disk: host.disk, dice: world.dice, topics: names, isClean: how === 'stop', older })
    if (done === null) return
    count(this.#coverage, `damage: ${done.what}`)
    if (await this.#isRefused(done)) {
      count(this.#coverage, `damage: ${done.what}: the start is refused`)
      host.kill()
      host.disk.replace(done.path, done.before)
      await stage.start()
      for (const books of this.#books) await stage.complete(books.check(this.#checker, 'kill'))
    } else {
      for (const books of this.#books) {
        const outcome = await this.#outcome(books, done)
        if (outcome !== 'as before') count(this.#coverage, `damage: ${done.what}: ${outcome}`)
        assert.ok(
          !(done.mustBeOffline && done.topics.includes(books.topic)) || outcome === 'offline',
          `${done.what}: ${books.topic} is not offline (${outcome})`,
        )
      }
    }
    await stage.end('stop')
  }

  /** The start says what is wrong, in words that name it. */
  async #isRefused({ what, refusal }: Damage): Promise<boolean> {
    try {
      await this.#stage.start()
      return false
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error
      const { message } = error as Error
      if (refusal === null || !refusal.test(message)) throw new Error(`${what}: the start is refused: ${message}`, { cause: error })
      return true
    }
  }

  async #outcome(books: Books, { what, topics, mayCut, stranger }: Damage): Promise<string> {
    const isDamaged = topics.includes(books.topic)
    try {
      await this.#stage.complete(books.check(this.#checker, 'kill', isDamaged && mayCut))
      return isDamaged && mayCut ? 'cut' : 'as before'
    } catch (error) {
      const { message } = error as Error
      if (error instanceof assert.AssertionError) throw new Error(`${what}: ${message}`, { cause: error })
      if (isDamaged && /KAFKA_STORAGE_ERROR|NOT_LEADER_OR_FOLLOWER|LEADER_NOT_AVAILABLE/.test(message)) return 'offline'
      if (isDamaged && /checksum|crc|CORRUPT|has magic|was cut back/i.test(message)) return 'reading fails'
      const { lines } = this.#stage.host.log
      if (/UNKNOWN_TOPIC|does not exist/.test(message) && stranger !== null && lines.some((line) => stranger.test(line.message)))
        return 'a topic is not known, and its directory left as it is'
      throw new Error(`${what}: ${message}`, { cause: error })
    }
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
    add(
      'records: cleaned away',
      sum((books) => (books instanceof KeyedBooks ? books.cleanedCount : 0)),
    )
    add('offsets: committed', this.#registrar?.commitCount ?? 0)
    add('groups: deleted', this.#registrar?.deletionCount ?? 0)
    add('topics: created', this.#founder.createdCount)
    add('topics: deleted', this.#founder.deletedCount)
    const { losses } = this.#stage.host.disk
    add('power: unsynced pages or sectors', losses.unsyncedPieces)
    add('power: of them lost', losses.lostPieces)
    add('power: unsynced names', losses.unsyncedNames)
    add('power: of them lost, names', losses.lostNames)
    for (const [step, times] of this.#watch.seen) add(`seen: ${step}`, times)
    for (const [step, times] of this.#watch.cutBehind) add(`cut behind: ${step}`, times)
    assert.equal(this.#ended, 'kill')
  }
}
