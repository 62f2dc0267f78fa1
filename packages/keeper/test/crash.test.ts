import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Dice, World, type Host } from '@ottla/env/sim'
import { openKeeper, type Keeper } from '@ottla/keeper'
import type { ErrorName, ZooKeeper } from '@ottla/zookeeper'
import { attempt, carryOut, isSame, look, type Attempt, type Change, type Values } from './model.ts'

const DIRECTORY = '/data/keeper'
const LIMIT_MS = 600_000
const SEEDS = 100
const ROUNDS = 4
const PATHS = ['/a', '/b', '/a/c', '/a/d', '/b/e']

/** One request, in the order in which all were made: that is the order of the log, too. */
interface Step {
  readonly wanted: Attempt
  answer: ErrorName | 'Ok' | null
}

test('a crash at any moment: what was answered is there, nothing is half done, zxids go on', async () => {
  for (let seed = 1; seed <= SEEDS; seed++) await live(seed, 0)
})

test('the same where the disk fails now and then', async () => {
  for (let seed = 1; seed <= SEEDS / 2; seed++) await live(seed, 0.03)
})

/** A keeper on one disk through some crashes of the machine and of the process. */
async function live(seed: number, ioErrorRate: number): Promise<void> {
  const world = new World(seed, { coldRate: 0.1, diskMs: 4 })
  const host = world.host('keeper')
  const dice = new Dice(seed, 77)
  let values: Values = new Map()
  let zxid = 0
  for (let round = 1; round <= ROUNDS; round++) {
    const keeper = await world.complete(open(host), LIMIT_MS)
    assert.ok(keeper.lastZxid >= zxid, `seed ${seed}: the zxid went back from ${zxid} to ${keeper.lastZxid}`)
    const clients = [keeper.connect(), keeper.connect()]
    const seen = await world.complete(look(clients[0]!, PATHS), LIMIT_MS)
    assert.deepEqual(seen, values, `seed ${seed}: two starts see different things`)
    const steps: Step[] = []
    void clients[1]!.create('/ephemeral', null, { mode: 'ephemeral' }).catch(() => {})
    for (const client of clients) void work(host, client, dice, steps)
    world.faults.ioErrorRate = ioErrorRate
    const stopMs = world.timeMs + dice.fraction() * 60
    await world.run(() => world.timeMs >= stopMs, 60)
    world.faults.ioErrorRate = 0
    zxid = keeper.lastZxid
    if (dice.chance(0.3)) host.kill()
    else host.crash()
    values = await world.complete(survived(host, values, steps, seed), LIMIT_MS)
  }
}

function open(host: Host): Promise<Keeper> {
  return openKeeper(host, DIRECTORY, { snapshotAfterTxns: 15, segmentBytes: 1200 })
}

/** Writes without end, some at once, with pauses: so that batches of both clients overlap. A crash leaves the last without an answer. */
async function work(host: Host, client: ZooKeeper, dice: Dice, steps: Step[]): Promise<void> {
  for (;;) {
    await new Promise<void>((resolve) => void host.clock.after(dice.fraction() * 3, resolve))
    await Promise.all(Array.from({ length: 1 + dice.below(4) }, () => write(client, dice, steps)))
  }
}

async function write(client: ZooKeeper, dice: Dice, steps: Step[]): Promise<void> {
  const change = (): Change => {
    const path = PATHS[dice.below(PATHS.length)]!
    const type = (['create', 'setData', 'setData', 'delete'] as const)[dice.below(4)]!
    return type === 'delete' ? { type, path } : { type, path, value: dice.below(0xffffffff) }
  }
  const wanted: Attempt = dice.chance(0.3) ? { type: 'multi', changes: [change(), change(), change()] } : change()
  const step: Step = { wanted, answer: null }
  steps.push(step)
  const answer = await carryOut(client, wanted, dice.below(700))
  // Nobody knows what became of it.
  if (answer !== 'ConnectionLoss') step.answer = answer
}

/** Checks that what is there is what all answered requests, and perhaps some of those behind them, leave. */
async function survived(host: Host, before: Values, steps: readonly Step[], seed: number): Promise<Values> {
  const keeper = await open(host)
  const client = keeper.connect()
  assert.equal(await client.exists('/ephemeral'), null, `seed ${seed}: an ephemeral of a former life`)
  const seen = await look(client, PATHS)
  const answered = steps.findLastIndex((step) => step.answer !== null) + 1
  const state: Values = new Map(before)
  let found = answered === 0 && isSame(state, seen)
  for (const [at, { wanted, answer }] of steps.entries()) {
    const expected = attempt(state, wanted)
    if (answer !== null) assert.equal(answer, expected, `seed ${seed}: the answer to ${JSON.stringify(wanted)}`)
    if (at + 1 >= answered && isSame(state, seen)) found = true
  }
  assert.ok(found, `seed ${seed}: ${JSON.stringify([...seen])} is not what ${steps.length} requests, ${answered} of them answered, leave`)
  await keeper.close()
  return seen
}
