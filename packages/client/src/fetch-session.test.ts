import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCode } from '@ottla/protocol'
import { FetchSession, type FetchItem } from './fetch-session.ts'

const item = (partition: number, fetchOffset: number): FetchItem => ({
  topic: 't',
  topicId: 'id',
  partition,
  fetchOffset,
  currentLeaderEpoch: 0,
  lastFetchedEpoch: -1,
})

test('after a full request, only what changed is sent', () => {
  const session = new FetchSession()
  assert.deepEqual(session.plan([item(0, 0), item(1, 0)]), { sessionId: 0, sessionEpoch: 0, send: [item(0, 0), item(1, 0)], forget: [] })
  session.answered(0, 7)
  assert.deepEqual(session.plan([item(0, 5), item(1, 0)]), { sessionId: 7, sessionEpoch: 1, send: [item(0, 5)], forget: [] })
  session.answered(0, 7)
  assert.deepEqual(session.plan([item(0, 5)]), { sessionId: 7, sessionEpoch: 2, send: [], forget: [item(1, 0)] })
  session.answered(0, 7)
  assert.deepEqual(session.plan([item(0, 5), item(1, 0)]), { sessionId: 7, sessionEpoch: 3, send: [item(1, 0)], forget: [] })
})

test('a session that the broker lost, or that nobody is sure of, starts with a full request', () => {
  const session = new FetchSession()
  session.plan([item(0, 0)])
  session.answered(0, 7)
  session.plan([item(0, 1)])
  assert.equal(session.answered(ErrorCode.INVALID_FETCH_SESSION_EPOCH, 0), false)
  assert.deepEqual(session.plan([item(0, 1)]), { sessionId: 7, sessionEpoch: 0, send: [item(0, 1)], forget: [] })
  session.answered(0, 8)
  session.plan([item(0, 2)])
  session.failed()
  assert.deepEqual([session.sessionId, session.epoch], [8, 0])
  session.plan([item(0, 2)])
  assert.equal(session.answered(ErrorCode.FETCH_SESSION_ID_NOT_FOUND, 0), false)
  assert.deepEqual([session.sessionId, session.epoch], [0, 0])
})

test('a broker without room for sessions is asked in full each time', () => {
  const session = new FetchSession()
  session.plan([item(0, 0)])
  session.answered(0, 0)
  assert.deepEqual(session.plan([item(0, 0)]), { sessionId: 0, sessionEpoch: 0, send: [item(0, 0)], forget: [] })
})
