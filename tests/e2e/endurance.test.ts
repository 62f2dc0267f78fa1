/**
 * The half minute of the endurance run (tests/long/endurance.ts is the half hour): produce, consume, topics that come and go, compaction and
 * retention at once. Nothing is lost; afterwards the process has the descriptors that it had before, of no class of ours more
 * objects, and no string tells of a topic that is gone.
 */
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { nodeEnv } from '@ottla/env/node'
import { BrokerProcess } from './broker-process.ts'
import { PASSING } from './endurance/comers.ts'
import { BROKER_SETTINGS, Endurance } from './endurance/endurance.ts'
import { classesOfPackages, descriptorsLeft, descriptorsOf, differences, objectsOf, type Counts } from './endurance/figures.ts'

const WARM_MS = 4_000
const LOAD_MS = 24_000
const SETTLED_MS = 40_000
/** Far less than there was of anything that comes and goes under load: what leaks once in a few times is more. */
const OBJECTS_MORE_MAX = 8

const env = nodeEnv({ logLevel: 'error' })
const alive = setInterval(() => {}, 1 << 30)
let broker: BrokerProcess

before(async () => {
  broker = await BrokerProcess.start(BROKER_SETTINGS, { probe: new URL('endurance/probe.ts', import.meta.url) })
})

after(async () => {
  clearInterval(alive)
  await broker.stop()
})

async function endure(durationMs: number): Promise<Endurance> {
  const endurance = await Endurance.begin(env, broker)
  const endMs = performance.now() + durationMs
  try {
    while (performance.now() < endMs) {
      await pause(200)
      endurance.check()
    }
    await endurance.end()
  } catch (error) {
    endurance.abandon()
    throw error
  }
  return endurance
}

async function objects(): Promise<Counts> {
  const path = `${broker.directory}/objects.heapsnapshot`
  await broker.ask(path)
  const counts = objectsOf(path, classesOfPackages(), [PASSING])
  rmSync(path)
  return counts
}

/** Resolves when `found` finds nothing any more; rejects with what it found last. */
async function untilNone(what: string, found: () => Promise<string[]>): Promise<void> {
  const giveUpAt = performance.now() + SETTLED_MS
  for (let left = await found(); left.length > 0; left = await found()) {
    assert.ok(performance.now() < giveUpAt, `${what}: ${left.join(', ')}`)
    await pause(200)
  }
}

test('half a minute of everything at once', { timeout: 200_000 }, async (t) => {
  await endure(WARM_MS)
  const descriptorsBefore = descriptorsOf(broker.pid)
  const objectsBefore = await objects()
  const residentBefore = broker.residentBytes()

  const { totals, untouched } = await endure(LOAD_MS)
  t.diagnostic(
    Object.entries(totals)
      .map(([name, count]) => `${name} ${count}`)
      .join(', '),
  )
  assert.ok(totals.segmentsDeleted > 0 && totals.compactedRecords > 0 && totals.topics > 0, 'all of it took place')
  assert.deepEqual(untouched, [], 'retention took nothing of these')
  t.diagnostic(`resident ${residentBefore >> 20} MiB before, ${broker.residentBytes() >> 20} MiB after`)

  if (descriptorsBefore === null) t.diagnostic('this system does not tell a process’s descriptors')
  else await untilNone('descriptors', async () => descriptorsLeft(broker.pid, descriptorsBefore, broker.logDirectory))
  await untilNone('objects that are left', async () => {
    const now = await objects()
    const more = [...now].filter(([name, count]) => count - (objectsBefore.get(name) ?? 0) > OBJECTS_MORE_MAX)
    return more.map(([name, count]) => `${name} ${objectsBefore.get(name) ?? 0} -> ${count}`)
  })
  t.diagnostic(`classes whose objects are more or fewer: ${differences(objectsBefore, await objects()).join(', ') || 'none'}`)
  assert.ok(broker.isRunning)
  assert.doesNotMatch(broker.output, /nobody foresaw|uncaught|"level":"(error|fatal)"/i)
})
