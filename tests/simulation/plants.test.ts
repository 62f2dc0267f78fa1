/**
 * What the tests of promises are for, planted: each fault is seen within a few seeds, by the class of ack that it belongs to, and not by a
 * class that promises less. The seeds that showed it are tried first.
 */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { classesOf, EXPOSED, GROUP_OFFSETS, SYNCED, WRITTEN } from './classes.ts'
import { live, type Promises } from './lives.ts'
import * as plants from './plants.ts'
import type { Plant } from './plants.ts'
import { powerLives } from './power.ts'

const SEEDS_MAX = 60

interface Planted {
  readonly what: string
  readonly plant: Plant
  /** The class of ack that finds it. */
  readonly by: string
  readonly powerFails?: boolean
  readonly behind?: readonly string[]
  readonly kept: readonly number[]
  /** A class that promises less, or another thing: it finds nothing in the first seeds. */
  readonly notBy?: string
}

const PLANTED: readonly Planted[] = [
  {
    what: 'an ack before its write',
    plant: plants.ackBeforeWrite,
    by: 'acks-1',
    powerFails: false,
    kept: [2],
    notBy: 'flushed-before-ack',
  },
  {
    what: 'producers that a restart forgets',
    plant: plants.producersForgotten,
    by: 'acks-all',
    powerFails: false,
    kept: [4],
    notBy: 'acks-1',
  },
  { what: 'an ack before its sync', plant: plants.ackBeforeSync, by: 'flushed-before-ack', kept: [2], notBy: 'acks-all' },
  { what: 'a flush that syncs nothing', plant: plants.idleSync, by: 'flushed-each-message', kept: [3] },
  { what: 'records that are shown before their sync', plant: plants.idleSync, by: 'flushed-now-and-then', kept: [2] },
  { what: 'retention without its syncs', plant: plants.retentionUnsynced, by: 'retained', kept: [2], notBy: 'flushed-before-ack' },
  { what: 'a recovery that cuts below the recovery point', plant: plants.cutBelowRecoveryPoint, by: 'acks-1', kept: [4] },
  { what: 'a recovery point ahead of the log', plant: plants.checkpointAhead, by: 'acks-1', kept: [2] },
  { what: 'a cleaner that drops the last value of a key', plant: plants.lastValueDropped, by: 'compacted', kept: [1], notBy: 'retained' },
  {
    what: 'a swap of cleaned segments without its syncs',
    plant: plants.swapUnsynced,
    by: 'compacted',
    behind: ['compaction: in place', 'retention: rename'],
    kept: [4],
    notBy: 'retained',
  },
  { what: 'a cleaner checkpoint ahead of the cleaner', plant: plants.cleanedAhead, by: 'compacted', kept: [6], notBy: 'retained' },
  {
    what: 'a cleaner that drops the last offsets of a group',
    plant: plants.lastValueDropped,
    by: GROUP_OFFSETS,
    kept: [6],
    notBy: 'acks-1',
  },
]

/** Beside the lives of `power.ts`, in those of `lives.ts`. */
const PROMISED: readonly (readonly [what: string, plant: Plant, promises: Promises, kept: readonly number[]])[] = [
  ['an ack before its write (acks 1)', plants.ackBeforeWrite, WRITTEN, [4]],
  ['an ack before its sync (flush.before.ack)', plants.ackBeforeSync, SYNCED, [2]],
  ['a sync that syncs nothing (flush.messages, flush.ms)', plants.idleSync, EXPOSED, [1]],
]

const NOT_SEEN_SEEDS = 2

/** Some seed shows the fault: by records or offsets that are missing, or by files that recovery rightly calls damaged. */
async function isSeen(t: TestContext, kept: readonly number[], trial: (seed: number) => Promise<unknown>): Promise<void> {
  for (const seed of [...kept, ...Array.from({ length: SEEDS_MAX }, (_, at) => at + 1)]) {
    try {
      await trial(seed)
    } catch (error) {
      t.diagnostic(`seed ${seed}: ${(error as Error).message}`)
      return
    }
  }
  assert.fail(`${SEEDS_MAX} seeds show nothing`)
}

for (const { what, by, kept, notBy, ...options } of PLANTED) {
  test(`seen by ${by}: ${what}`, async (t) => {
    await isSeen(t, kept, (seed) => powerLives(seed, new Map(), { ...options, classes: [by] }))
    if (notBy === undefined) return
    for (let seed = 1; seed <= NOT_SEEN_SEEDS; seed++) await powerLives(seed, new Map(), { ...options, classes: [notBy] })
  })
}

test('each class that promises anything of its own has a plant', () => {
  const classes = [...classesOf(true).map(({ name }) => name), GROUP_OFFSETS]
  const without = classes.filter((name) => !PLANTED.some(({ by }) => by === name))
  // acks 0 promise nothing, and what the last two promise is what others do together
  assert.deepEqual(without, ['acks-0', 'compacted-and-retained', 'compacted-unsynced'])
})

for (const [what, plant, promises, kept] of PROMISED)
  test(`seen by what is promised: ${what}`, (t) => isSeen(t, kept, (seed) => live(seed, promises, plant)))
