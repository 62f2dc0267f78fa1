/** Loss of power and of the process behind every step, for each class of ack: see `power.ts`. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { STEP_KINDS } from './disk-watch.ts'
import { powerLives, type Coverage } from './power.ts'
import { trySeeds } from './seeds.ts'

/** Seeds that once failed: tried first. */
const KEPT: readonly number[] = []
const SEEDS_MIN = 50
const BUDGET_MS = 5_000
/** So many lives end right behind a step of each kind. Where a kind still wants some then, further seeds are tried, up to this one. */
const CUTS_MIN = 3
const SEEDS_MAX = 160

test('what each class of ack promises survives the loss of power, behind any step', async (t) => {
  const coverage: Coverage = new Map()
  const at = (name: string): number => coverage.get(name) ?? 0
  const cutsOf = (steps: readonly string[]): number => steps.reduce((sum, step) => sum + at(`cut behind: ${step}`), 0)
  const isWanting = (seed: number): boolean => seed <= SEEDS_MAX && [...STEP_KINDS.values()].some((steps) => cutsOf(steps) < CUTS_MIN)
  const seeds = await trySeeds(KEPT, SEEDS_MIN, BUDGET_MS, (seed) => powerLives(seed, coverage), isWanting)
  t.diagnostic(`${seeds} seeds`)
  for (const [name, times] of [...coverage].toSorted(([a], [b]) => (a < b ? -1 : 1)))
    if (!/^(seen|cut behind): /.test(name)) t.diagnostic(`${name}: ${times}`)
  for (const [kind, steps] of STEP_KINDS) {
    for (const step of steps) t.diagnostic(`step ${step}: seen ${at(`seen: ${step}`)}, a life was cut behind ${at(`cut behind: ${step}`)}`)
    assert.ok(cutsOf(steps) >= CUTS_MIN, `only ${cutsOf(steps)} lives ended behind a step of '${kind}'`)
  }
  assert.ok(at('records: acknowledged') > seeds * 50 && at('records: cleaned away') > seeds && at('offsets: committed') > seeds)
})
