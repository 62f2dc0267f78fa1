import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorName, errorNumber, ERRORS, ZooKeeperError } from './errors.ts'
import { MultiError } from './operations.ts'

test('names and numbers', () => {
  assert.equal(errorNumber('NoNode'), -101)
  assert.equal(errorName(-110), 'NodeExists')
  assert.equal(errorName(-9999), 'SystemError')
  const numbers = Object.values(ERRORS).map(([number]) => number)
  assert.equal(new Set(numbers).size, numbers.length)
})

test('an error says where and what to do', () => {
  const error = new ZooKeeperError('BadVersion', '/a')
  assert.deepEqual([error.code, error.number, error.path], ['BadVersion', -103, '/a'])
  assert.match(error.message, /^BadVersion at \/a: .*read again/)
})

test('a multi names the operation that failed first', () => {
  const operations = [
    { type: 'check', path: '/a' },
    { type: 'delete', path: '/b' },
  ] as const
  const results = [
    { type: 'error', code: 'Ok' },
    { type: 'error', code: 'NotEmpty' },
  ] as const
  const error = new MultiError(operations, results)
  assert.deepEqual([error.code, error.index, error.operation, error.results], ['NotEmpty', 1, operations[1], results])
  assert.throws(() => new MultiError(operations, [{ type: 'check' }, { type: 'delete' }]), RangeError)
})
