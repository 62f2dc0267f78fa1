import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serverOf, SessionDeadlines, SessionIds } from './sessions.ts'

test('session ids: the server in the top byte, never one that is taken', () => {
  const ids = new SessionIds(200, 1_795_574_275_883)
  const first = ids.next(() => false)
  assert.equal(serverOf(first), 200)
  assert.equal(
    ids.next((id) => id === first + 1n),
    first + 2n,
  )
  assert.equal(serverOf(new SessionIds(0, 0).next(() => false)), 0)
  assert.ok(first >= -(2n ** 63n) && first < 2n ** 63n)
})

test('a session expires when it was not touched for its timeout, at most a tick later', () => {
  const sessions = new SessionDeadlines(100, 0)
  sessions.add(1n, 250, 0)
  sessions.add(2n, 250, 0)
  const expired: [number, bigint[]][] = []
  for (let nowMs = 100; nowMs <= 700; nowMs += 100) {
    if (nowMs <= 300) assert.equal(sessions.touch(2n, nowMs), true)
    const gone = sessions.tick(nowMs)
    if (gone.length > 0) expired.push([nowMs, gone])
  }
  assert.deepEqual(expired, [
    [300, [1n]],
    [600, [2n]],
  ])
  assert.equal(sessions.touch(1n, 700), false)
})

test('a tick that comes late lets everyone live longer', () => {
  const sessions = new SessionDeadlines(100, 0)
  sessions.add(1n, 250, 0)
  assert.deepEqual(sessions.tick(100), [])
  // The process slept: pings of these ten seconds wait in its sockets.
  assert.deepEqual(sessions.tick(10_200), [])
  assert.deepEqual(sessions.tick(10_300), [1n])
  sessions.add(2n, 250, 10_300)
  assert.deepEqual(
    [10_400, 10_500].map((nowMs) => sessions.tick(nowMs)),
    [[], []],
  )
  sessions.remove(2n)
  assert.deepEqual(sessions.tick(10_700), [])
})
