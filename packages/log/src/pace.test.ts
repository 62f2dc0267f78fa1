import assert from 'node:assert/strict'
import test from 'node:test'
import { Pace } from './pace.ts'

test('a lone slow write changes nothing, a second one soon after hands groups to the thread pool', () => {
  const pace = new Pace()
  pace.took(30, 1000)
  assert.equal(pace.slow, false)
  pace.took(3, 1300)
  assert.equal(pace.slow, false, 'too long ago')
  pace.took(3, 1400)
  assert.equal(pace.slow, true)
  assert.equal(pace.stallCount, 1)
})

test('enough quick groups over enough time bring writes back to the loop', () => {
  const pace = new Pace()
  pace.took(3, 0)
  pace.took(3, 10)
  for (let i = 0; i < 100; i++) pace.took(0.1, 20)
  assert.equal(pace.slow, true, 'too soon')
  pace.took(6, 900)
  for (let i = 0; i < 63; i++) pace.took(4, 2000)
  assert.equal(pace.slow, true, 'too few since the last slow one')
  pace.took(4, 2000)
  assert.equal(pace.slow, false)
})
