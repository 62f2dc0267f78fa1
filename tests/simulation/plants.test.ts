/** What the tests of promises are for, planted: each fault is seen within a few seeds. Those that showed it are tried first. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { EXPOSED, SYNCED, WRITTEN } from './classes.ts'
import { live, type Promises } from './lives.ts'
import { ackBeforeSync, ackBeforeWrite, checkpointAhead, cutBelowRecoveryPoint, idleSync, producersForgotten } from './plants.ts'
import { powerLives } from './power.ts'
import type { Stage } from './stage.ts'

const SEEDS_MAX = 60

type Suite = (seed: number, plant: (stage: Stage) => void) => Promise<unknown>

const promised =
  (promises: Promises): Suite =>
  (seed, plant) =>
    live(seed, promises, plant)
const power: Suite = (seed, plant) => powerLives(seed, new Map(), plant)

/** By class of ack: the suite that finds the bug as it is, and the seeds that found it. */
const PLANTS: readonly (readonly [what: string, plant: (stage: Stage) => void, suite: Suite, kept: readonly number[]])[] = [
  ['an ack before its write (acks 1)', ackBeforeWrite, promised(WRITTEN), [4]],
  ['an ack before its write (acks 1), found by the lives with power', ackBeforeWrite, power, [2]],
  ['an ack before its sync (flush.before.ack)', ackBeforeSync, promised(SYNCED), [1]],
  ['an ack before its sync (flush.before.ack), found by the lives with power', ackBeforeSync, power, [1]],
  ['a sync that syncs nothing: what a consumer was given is gone (flush.messages, flush.ms)', idleSync, promised(EXPOSED), [1]],
  ['a recovery that cuts below the recovery point', cutBelowRecoveryPoint, power, [11]],
  ['a checkpoint ahead of the log', checkpointAhead, power, [1]],
  ['producers that are forgotten by a restart (idempotent)', producersForgotten, power, [10]],
]

/** Some seed shows the fault: by records or offsets that are missing, or by files that recovery rightly calls damaged. */
async function isSeen(t: TestContext, suite: Suite, plant: (stage: Stage) => void, kept: readonly number[]): Promise<void> {
  for (const seed of [...kept, ...Array.from({ length: SEEDS_MAX }, (_, at) => at + 1)]) {
    try {
      await suite(seed, plant)
    } catch (error) {
      t.diagnostic(`seed ${seed}: ${(error as Error).message}`)
      return
    }
  }
  assert.fail(`${SEEDS_MAX} seeds show nothing`)
}

for (const [what, plant, suite, kept] of PLANTS) test(`seen: ${what}`, (t) => isSeen(t, suite, plant, kept))
