import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Pace } from './pace.ts'
import { STALL_CHECK_MS, StallWatch } from './stall-watch.ts'

test('a disk that does not answer sends appends off the loop, and is told once, with its end', () => {
  const lines: string[] = []
  const say = (message: string, facts?: object): void => void lines.push(`${message} ${JSON.stringify(facts)}`)
  let nowMs = 0
  const disk = { waitingSinceMs: Infinity }
  const clock = { monotonic: () => nowMs }
  const pace = new Pace()
  const env = { clock, disk, log: { debug: say, info: say, warn: say, error: say } } as unknown as ConstructorParameters<
    typeof StallWatch
  >[0]
  const watch = new StallWatch(env, '/a', pace)
  const pass = (ms: number): void => {
    for (const endMs = nowMs + ms; nowMs < endMs; nowMs += STALL_CHECK_MS) watch.check()
  }
  pass(5000)
  assert.equal(pace.slow, false)
  // the loop was busy: what is done is not heard of yet
  disk.waitingSinceMs = nowMs
  nowMs += 20_000
  watch.check()
  assert.equal(pace.slow, false)
  disk.waitingSinceMs = nowMs
  pass(2000)
  assert.ok(pace.slow)
  assert.equal(lines.length, 0)
  pass(60_000)
  disk.waitingSinceMs = Infinity
  pass(60_000)
  assert.deepEqual(
    lines.map((line) => line.replace(/;.*served/, '')),
    ['/a: the disk does not answer {"seconds":3}', '/a: the disk answers again {"seconds":62}'],
  )
})
