/** Loss of power and of the process behind every step, for each class of ack: see `power.ts`. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { powerLives, type Coverage } from './power.ts'
import { trySeeds } from './seeds.ts'

/** Seeds that once failed: tried first. */
const KEPT: readonly number[] = [94]
const SEEDS_MIN = 30
const BUDGET_MS = 8_000

test('what each class of ack promises survives the loss of power, behind any step', async (t) => {
  const coverage: Coverage = new Map()
  const seeds = await trySeeds(KEPT, SEEDS_MIN, BUDGET_MS, (seed) => powerLives(seed, coverage))
  t.diagnostic(`${seeds} seeds`)
  for (const [name, times] of [...coverage].toSorted(([a], [b]) => (a < b ? -1 : 1))) t.diagnostic(`${name}: ${times}`)
  assert.ok((coverage.get('records: acknowledged') ?? 0) > seeds * 50)
})
