import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Env } from '../env.ts'
import type { MakePlace } from './place.ts'

/** Registers the tests that every Clock, Loop and Random passes. */
export function clockConformance(name: string, makePlace: MakePlace): void {
  const inEnv = (title: string, body: (env: Env) => Promise<void>): void => {
    test(title, async () => {
      const place = await makePlace()
      // the real timers let the process end
      const alive = setInterval(() => {}, 60_000)
      try {
        await place.run(() => body(place.env))
      } finally {
        clearInterval(alive)
        await place.end()
      }
    })
  }

  describe(`clock: ${name}`, () => {
    inEnv('now is in whole milliseconds, monotonic never goes back', async ({ clock }) => {
      assert(Number.isInteger(clock.now()))
      assert(clock.now() > 1_600_000_000_000)
      let last = clock.monotonic()
      for (let i = 0; i < 1000; i++) {
        const next = clock.monotonic()
        assert(next >= last)
        last = next
      }
    })

    inEnv('after: never early, in order, never from inside the call', async (env) => {
      const { clock } = env
      const startMs = clock.monotonic()
      const fired: number[] = []
      for (const delayMs of [12, 3.5, 0, 7]) {
        clock.after(delayMs, () => {
          assert(clock.monotonic() - startMs >= delayMs)
          fired.push(delayMs)
        })
      }
      assert.deepEqual(fired, [])
      await passed(env, 12)
      assert.deepEqual(fired, [0, 3.5, 7, 12])
    })

    inEnv('after: a long delay does not fire at once', async (env) => {
      let fired = false
      const timer = env.clock.after(90 * 86_400_000, () => {
        fired = true
      })
      await passed(env, 5)
      assert.equal(fired, false)
      timer.cancel()
    })

    inEnv('cancel', async (env) => {
      let count = 0
      const timer = env.clock.after(1, () => count++)
      env.clock.after(1, () => void env.clock.after(1, () => count++).cancel())
      timer.cancel()
      timer.cancel()
      await passed(env, 6)
      assert.equal(count, 0)
    })

    inEnv('atEndOfTurn: after the event that asked, tasks in order, with those that tasks add', async (env) => {
      const seen: string[] = []
      await new Promise<void>((resolve) => {
        env.clock.after(0, () => {
          env.loop.atEndOfTurn(() => {
            seen.push('first')
            env.loop.atEndOfTurn(() => {
              seen.push('third')
              resolve()
            })
          })
          env.loop.atEndOfTurn(() => seen.push('second'))
          seen.push('event')
        })
      })
      assert.deepEqual(seen, ['event', 'first', 'second', 'third'])
    })

    inEnv('atEndOfTurn: also for what a promise continues', async (env) => {
      await passed(env, 1)
      let ended = false
      const end = new Promise<void>((resolve) => {
        env.loop.atEndOfTurn(() => {
          ended = true
          resolve()
        })
      })
      assert.equal(ended, false)
      await end
    })

    inEnv('elsewhere: the outcome comes later, whoever did the work', async ({ loop }) => {
      let inside = true
      const told = loop
        .elsewhere(
          () => 'outcome',
          () => Promise.resolve('outcome'),
        )
        .then((outcome) => [outcome, inside])
      inside = false
      assert.deepEqual(await told, ['outcome', false])
      const fails = (): never => {
        throw new Error('cannot')
      }
      await assert.rejects(
        loop.elsewhere(fails, async () => fails()),
        /cannot/,
      )
    })

    inEnv('random', async ({ random }) => {
      assert.equal(random.bytes(32).length, 32)
      assert.notDeepEqual(random.bytes(32), random.bytes(32))
      const seen = new Set<number>()
      for (let i = 0; i < 1000; i++) seen.add(random.below(8))
      assert.deepEqual([...seen].toSorted(), [0, 1, 2, 3, 4, 5, 6, 7])
    })
  })
}

function passed(env: Env, delayMs: number): Promise<void> {
  return new Promise((resolve) => void env.clock.after(delayMs, resolve))
}
