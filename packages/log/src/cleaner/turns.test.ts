import assert from 'node:assert/strict'
import { test } from 'node:test'
import { World } from '@ottla/env/sim'
import { CodecWork } from '../codec-work.ts'
import { CleanerPace, Turns } from './turns.ts'

test('a rate holds from its beginning on: neither what was moved at another one counts, nor what was not moved in idle time', async () => {
  const world = new World(1)
  const { clock, loop } = world.host('a')
  let rate = 1e6
  const turns = new Turns(new CleanerPace(clock, () => rate), new CodecWork(loop), 4096, () => {})
  /** How long it took, in ms. */
  const move = async (times: number, bytes: number): Promise<number> => {
    const beganMs = clock.monotonic()
    const all = async (): Promise<void> => {
      for (let i = 0; i < times; i++) await turns.moved(bytes)
    }
    await world.complete(all(), 1e7)
    return clock.monotonic() - beganMs
  }
  const fast = await move(11, 100_000)
  assert.ok(fast >= 1000 && fast < 1300, `${fast} ms`)
  rate = 1000
  const slow = await move(11, 1000)
  assert.ok(slow >= 10_000 && slow < 11_500, `${slow} ms`)
  await world.complete(new Promise<void>((resolve) => void clock.after(60_000, resolve)), 1e6)
  const rested = await move(11, 1000)
  assert.ok(rested >= 9000 && rested < 11_500, `${rested} ms`)
})

test('one of those that wait goes on in a turn', async () => {
  const world = new World(2)
  const { clock } = world.host('a')
  const pace = new CleanerPace(clock, () => Infinity)
  const events: number[] = []
  const work = async (): Promise<void> => {
    for (let i = 0; i < 3; i++) {
      await pace.next()
      events.push(world.eventCount)
    }
  }
  await world.complete(Promise.all([work(), work(), work()]), 1e6)
  assert.equal(events.length, 9)
  assert.equal(new Set(events).size, 9, events.join())
})
