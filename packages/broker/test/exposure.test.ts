/** Where a flush policy is set, consumers see a record only once it is flushed; and what an ack then means. */
import assert from 'node:assert/strict'
import { alterTopic, createTopic, fetch, LATEST, offsetAt, produce, roundTrip, valuesIn, watched } from './actions.ts'
import { brokerTest } from './test-broker.ts'

const FOR_EVER = 0x7fffffff
const SIMULATED = { simulatedOnly: true, seeds: 3 }

brokerTest('flush.ms: the ack does not wait, consumers do', SIMULATED, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'a', { configs: { 'flush.ms': 5000 } })
  const began = place.env.clock.monotonic()
  assert.equal((await produce(client, 'a', ['x'])).errorCode, 0)
  assert(place.env.clock.monotonic() - began < 5000)
  const early = await fetch(client, 'a', 0)
  assert.deepEqual([early.errorCode, early.highWatermark, valuesIn(early.records)], [0, 0, []])
  assert.equal((await offsetAt(client, 'a', LATEST)).offset, 0)
  const late = await fetch(client, 'a', 0, { maxWaitMs: FOR_EVER })
  assert.deepEqual([late.highWatermark, valuesIn(late.records)], [1, ['x']])
  assert(place.env.clock.monotonic() - began >= 4990)
  assert.equal((await offsetAt(client, 'a', LATEST)).offset, 1)
})

brokerTest('flush.ms: a follower reads what consumers do not see yet', SIMULATED, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'a', { configs: { 'flush.ms': 1_000_000 } })
  await produce(client, 'a', ['x'])
  assert.deepEqual(valuesIn((await fetch(client, 'a', 0, { version: 11, replicaId: 2 })).records), ['x'])
  assert.deepEqual(valuesIn((await fetch(client, 'a', 0)).records), [])
})

brokerTest('flush.messages: the append that reaches it waits for the flush, and shows all', { seeds: 3 }, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'a', { configs: { 'flush.messages': 3 } })
  await produce(client, 'a', ['0'])
  await produce(client, 'a', ['1'])
  assert.deepEqual(valuesIn((await fetch(client, 'a', 0)).records), [])
  await produce(client, 'a', ['2'])
  assert.deepEqual(valuesIn((await fetch(client, 'a', 0)).records), ['0', '1', '2'])
})

brokerTest(
  'flush.before.ack: what is acknowledged is seen, and survives the loss of power',
  { simulatedOnly: true, seeds: 10 },
  async (place) => {
    const client = await place.connect()
    await createTopic(client, 'a', { configs: { 'flush.before.ack': true } })
    for (let i = 0; i < 5; i++) {
      assert.equal((await produce(client, 'a', [`${i}`])).baseOffset, i)
      assert.deepEqual(valuesIn((await fetch(client, 'a', i)).records), [`${i}`])
    }
    await place.dieAndStart('crash')
    const again = await place.connect()
    assert.deepEqual(valuesIn((await fetch(again, 'a', 0)).records), ['0', '1', '2', '3', '4'])
  },
)

brokerTest('a flush policy that is taken away shows what was held back', SIMULATED, async (place) => {
  const client = await place.connect()
  const other = await place.connect()
  await createTopic(client, 'a', { configs: { 'flush.ms': 1_000_000 } })
  await produce(client, 'a', ['x'])
  const waiting = watched(fetch(client, 'a', 0, { maxWaitMs: FOR_EVER }))
  await roundTrip(other)
  assert.equal(waiting.settled, false)
  assert.equal(await alterTopic(other, 'a', { 'flush.ms': null }), 0)
  assert.deepEqual(valuesIn((await waiting.promise).records), ['x'])
})
