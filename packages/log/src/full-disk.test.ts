import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EnvError } from '@ottla/env'
import { FullDisk } from './full-disk.ts'

test('a full disk is told when it begins, once a minute while it refuses, and when it has passed', () => {
  const lines: [string, object | undefined][] = []
  const say = (message: string, facts?: object): void => void lines.push([message, facts])
  let nowMs = 0
  let timers: { readonly atMs: number; readonly fire: () => void }[] = []
  const clock = {
    now: () => nowMs,
    monotonic: () => nowMs,
    after(delayMs: number, fire: () => void) {
      const timer = { atMs: nowMs + delayMs, fire }
      timers.push(timer)
      return { cancel: () => void (timers = timers.filter((each) => each !== timer)) }
    },
  }
  const pass = (ms: number): void => {
    nowMs += ms
    for (const { fire } of timers.filter(({ atMs }) => atMs <= nowMs)) fire()
    timers = timers.filter(({ atMs }) => atMs > nowMs)
  }
  const full = new FullDisk({ clock, disk: { openFilesMax: Infinity }, log: { debug: say, info: say, warn: say, error: say } }, '/a')
  const error = new EnvError('full', 'ENOSPC')

  full.passed()
  for (let second = 0; second < 150; second++) {
    full.refused(error, 2)
    // on a disk that is nearly full small ones still fit
    full.passed()
    pass(1000)
  }
  assert.deepEqual(
    lines.map(([message]) => message.replace(/[;,].*/, '')),
    ['/a: no space left', '/a: still no space left', '/a: still no space left'],
  )
  assert.deepEqual(lines[1]![1], { refusedAppends: 122, seconds: 60 })
  full.passed()
  pass(1000)
  assert.deepEqual(lines[3], ['/a: there is room again, appends go on', { refusedAppends: 300, seconds: 151 }])
  pass(10_000)
  assert.equal(lines.length, 4)
  full.refused(error, 1)
  assert.match(lines[4]![0], /no space left/)
  full.passed()
  full.close()
  pass(10_000)
  assert.deepEqual([lines.length, timers], [5, []])
})
