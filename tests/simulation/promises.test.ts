/**
 * The whole server with its clients in one simulated world, through kills, losses of power, cut and lossy networks, slow and cold disks:
 * the promises of ARCHITECTURE, one test for each class of ack. Seeds that once failed are kept.
 */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { EXPOSED, SYNCED, WRITTEN } from './classes.ts'
import { live, type Outcome, type Promises } from './lives.ts'
import { trySeeds } from './seeds.ts'

/** Seeds that once failed: tried first. */
const KEPT: Readonly<Record<'written' | 'synced' | 'exposed', readonly number[]>> = { written: [], synced: [3, 77], exposed: [] }
const SEEDS_MIN = 12
const BUDGET_MS = 4_000

async function hold(t: TestContext, promises: Promises, kept: readonly number[]): Promise<void> {
  const all: Outcome[] = []
  const count = await trySeeds(kept, SEEDS_MIN, BUDGET_MS, async (seed) => void all.push(await live(seed, promises)))
  const sum = (field: 'ackedCount' | 'seenCount' | 'lives'): number => all.reduce((total, outcome) => total + outcome[field], 0)
  t.diagnostic(`${count} seeds, ${sum('lives')} lives, ${sum('ackedCount')} records acknowledged, ${sum('seenCount')} seen at the tail`)
  assert.ok(sum('ackedCount') > count * 50 && sum('seenCount') > count * 20, 'the worlds are too quiet to show anything')
}

test('acknowledged records survive a kill of the process: acks 1, and all with an idempotent producer', (t) =>
  hold(t, WRITTEN, KEPT.written))

test('acknowledged records survive the loss of power: acks all, synced before the ack', (t) => hold(t, SYNCED, KEPT.synced))

test('what a consumer was given survives the loss of power, where a flush policy is set', (t) => hold(t, EXPOSED, KEPT.exposed))

test('the same seed twice gives the same history, to the event', async () => {
  for (const promises of [WRITTEN, SYNCED]) assert.deepEqual(await live(77, promises), await live(77, promises))
})
