/** What the tests of promises are for, planted: each fault is seen within a few seeds. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { File } from '@ottla/env'
import { EXPOSED, SYNCED, WRITTEN } from './classes.ts'
import { live, type Promises } from './lives.ts'
import type { Stage } from './stage.ts'

const SEEDS_MAX = 20

/** Has each file of records changed by `change` when it is opened. */
function tamper({ host }: Stage, change: (file: File) => void): void {
  const { disk } = host
  const open = disk.open.bind(disk)
  disk.open = (path, mode) => {
    const file = open(path, mode)
    if (path.endsWith('.log')) change(file)
    return file
  }
}

/** Some seed shows the fault: by records or offsets that are missing, or by files that recovery rightly calls damaged. */
async function isSeen(t: TestContext, promises: Promises, plant: (stage: Stage) => void): Promise<void> {
  for (let seed = 1; seed <= SEEDS_MAX; seed++) {
    try {
      await live(seed, promises, plant)
    } catch (error) {
      t.diagnostic(`seed ${seed}: ${(error as Error).message}`)
      return
    }
  }
  assert.fail(`${SEEDS_MAX} seeds show nothing`)
}

test('an ack before its write is seen', async (t) => {
  const late = (stage: Stage): void =>
    tamper(stage, (file) => {
      const write = file.write.bind(file)
      file.write = (position, views) => {
        const copies = views.map((view) => Buffer.from(view))
        stage.host.clock.after(3, () => write(position, copies))
      }
    })
  await isSeen(t, WRITTEN, late)
})

test('an ack before its sync is seen', async (t) => {
  const unsynced = (stage: Stage): void =>
    tamper(stage, (file) => {
      const writeLater = file.writeLater.bind(file)
      file.writeLater = (position, views) => writeLater(position, views, false)
    })
  await isSeen(t, SYNCED, unsynced)
})

test('a sync that syncs nothing is seen: what a consumer was given is gone', async (t) => {
  const idle = (stage: Stage): void =>
    tamper(stage, (file) => {
      file.sync = () => new Promise((resolve) => void stage.host.clock.after(1, resolve))
    })
  await isSeen(t, EXPOSED, idle)
})
