import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { File } from '@ottla/env'
import { World, type Host } from '@ottla/env/sim'
import type { LogConfig } from '../src/index.ts'
import { config } from './batches.ts'
import { watchSyncs, Life, Memory, PARTITIONS } from './life.ts'

const SEEDS = Number(process.env['LOG_SEEDS'] ?? 8)
const small = { segmentBytes: 6000, indexIntervalBytes: 300, fileDeleteDelayMs: 50 }
const CLASSES: Record<string, Partial<LogConfig>> = {
  written: {},
  'flush.messages': { flushMessages: 5 },
  'flush.ms': { flushMs: 20 },
  'flushed before the ack': { flushBeforeAck: true },
}

/** Several lives, each ended by the loss of power, a kill or a clean stop. */
async function lives(seed: number, changes: Partial<LogConfig>, plant: (host: Host) => void = () => {}, ioErrorRate = 0): Promise<number> {
  const world = new World(seed, { stallRate: 0.02, coldRate: 0.1 })
  const host = world.host('broker')
  plant(host)
  const memories = Array.from({ length: PARTITIONS }, () => new Memory())
  const settings = config({ ...small, ...changes })
  const syncing = watchSyncs(host)
  let lossy = false
  let acked = 0
  for (let life = 0; life < 4; life++) {
    const broker = new Life(host, settings, memories)
    if (world.dice.chance(0.2)) {
      void broker.begin(lossy).catch(() => {})
      await world.run(() => false, world.dice.below(30))
      host.crash()
      lossy = true
      continue
    }
    await world.complete(broker.begin(lossy), 60_000)
    broker.produce(world, 6)
    world.faults.ioErrorRate = ioErrorRate
    await world.run(() => false, 20 + world.dice.below(200))
    world.faults.ioErrorRate = 0
    acked += broker.ackedCount
    const end = world.dice.below(3)
    if (end === 0) host.crash()
    else if (end === 1) {
      // the simulated disk takes what a killed process was syncing for synced by nobody, ever
      await world.run(() => !syncing(), 1000)
      host.kill()
    } else {
      broker.stopping = true
      await world.complete(broker.directory!.close(), 60_000)
      if (broker.logs.every((log) => log.atRest)) assert.equal(host.disk.openCount, 0, 'files left open')
      host.kill()
    }
    lossy = end === 0
  }
  const last = new Life(host, settings, memories)
  await world.complete(last.begin(lossy), 60_000)
  return acked
}

for (const [name, changes] of Object.entries(CLASSES)) {
  test(`what was promised survives: ${name}`, async () => {
    let acked = 0
    for (let seed = 1; seed <= SEEDS; seed++) {
      try {
        acked += await lives(seed, changes)
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error })
      }
    }
    assert.ok(acked > SEEDS * 10, `only ${acked} acknowledged`)
  })
}

test('what was promised survives a disk that fails', async () => {
  let failures = 0
  for (let seed = 1; seed <= SEEDS; seed++) {
    let host: Host | undefined
    const keep = (made: Host): void => void (host = made)
    try {
      await lives(seed, seed % 2 === 0 ? { flushBeforeAck: true } : { flushMs: 10 }, keep, 0.01)
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error })
    }
    if (host!.log.lines.some((line) => line.message.includes('the disk failed'))) failures++
  }
  assert.ok(failures > SEEDS / 2)
})

test('what was promised survives a disk that fills up', async () => {
  let full = 0
  for (let seed = 1; seed <= SEEDS; seed++) {
    let host: Host | undefined
    const fill = (made: Host): void => {
      host = made
      made.disk.capacityBytes = 60_000 + seed * 1000
      const kill = made.disk.kill.bind(made.disk)
      // there is room again in the next life
      made.disk.kill = () => {
        kill()
        made.disk.capacityBytes += 40_000
      }
    }
    try {
      await lives(seed, seed % 2 === 0 ? { flushBeforeAck: true } : { flushMs: 10 }, fill)
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error })
    }
    if (host!.log.lines.some((line) => line.message.includes('no space left'))) full++
  }
  assert.ok(full > SEEDS / 2)
})

/** Has each file of batches changed by `change` when it is opened. */
function tamper(host: Host, change: (file: File) => void): void {
  const { disk } = host
  const open = disk.open.bind(disk)
  disk.open = (path, mode) => {
    const file = open(path, mode)
    if (path.endsWith('.log')) change(file)
    return file
  }
}

/** Whether any of some seeds shows the fault. */
async function shows(changes: Partial<LogConfig>, plant: (host: Host) => void): Promise<boolean> {
  for (let seed = 1; seed <= 20; seed++) {
    try {
      await lives(seed, changes, plant)
    } catch {
      return true
    }
  }
  return false
}

test('an ack before its write would be seen by these tests', async () => {
  const late = (host: Host): void =>
    tamper(host, (file) => {
      const write = file.write.bind(file)
      file.write = (position, views) => {
        const copies = views.map((view) => Buffer.from(view))
        host.clock.after(3, () => write(position, copies))
      }
    })
  assert.ok(await shows({}, late))
})

test('an ack before its sync would be seen by these tests', async () => {
  const unsynced = (host: Host): void =>
    tamper(host, (file) => {
      const writeLater = file.writeLater.bind(file)
      file.writeLater = (position, views) => writeLater(position, views, false)
    })
  assert.ok(await shows({ flushBeforeAck: true }, unsynced))
})

test('a sync that syncs nothing would be seen by these tests', async () => {
  const idle = (host: Host): void =>
    tamper(host, (file) => {
      file.sync = () => new Promise((resolve) => host.clock.after(1, resolve))
    })
  assert.ok(await shows({ flushMs: 20 }, idle))
})
