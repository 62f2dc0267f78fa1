import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LATEST, versionRange } from './version-range.ts'

test('ranges of versions', () => {
  assert.deepEqual(versionRange('3'), [3, 3])
  assert.deepEqual(versionRange('3-12'), [3, 12])
  assert.deepEqual(versionRange('3+'), [3, LATEST])
  assert.deepEqual(versionRange(undefined), [0, LATEST])
  const [first, last] = versionRange('none')
  assert.ok(first > last && first > LATEST)
})

test('anything else is refused', () => {
  for (const text of ['', '+', '3-', '-3', 'a', '3 - 4', '3+4']) assert.throws(() => versionRange(text), /not a version range/, text)
})
