import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCode, errorName, errorRow, KafkaError } from './errors.ts'

test('codes have names, and unknown codes have one too', () => {
  assert.equal(ErrorCode.OFFSET_OUT_OF_RANGE, 1)
  assert.equal(errorName(-1), 'UNKNOWN_SERVER_ERROR')
  assert.equal(errorName(31999), 'UNKNOWN_ERROR_CODE_31999')
  assert.equal(errorRow(31999).retriable, false)
})

test('an error knows whether to try again', () => {
  const stale = new KafkaError(ErrorCode.NOT_LEADER_OR_FOLLOWER, 'broker 3 does not lead a-0; read the metadata again')
  assert.ok(stale instanceof Error)
  assert.deepEqual([stale.name, stale.code, stale.retriable, stale.refreshMetadata], ['KafkaError', 6, true, true])
  assert.equal(new KafkaError(ErrorCode.REQUEST_TIMED_OUT, 'no answer').refreshMetadata, false)
  assert.equal(new KafkaError(ErrorCode.INVALID_REQUEST, 'no topics were given').retriable, false)
})
