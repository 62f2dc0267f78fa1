/** What is there after the broker was stopped, killed, or lost its power. */
import assert from 'node:assert/strict'
import { Metadata } from '@ottla/protocol/messages/03-metadata'
import { DeleteTopics } from '@ottla/protocol/messages/20-delete-topics'
import { alterTopic, createTopic, describeTopic, fetch, LATEST, offsetAt, produce, valuesIn } from './actions.ts'
import { brokerTest, type TestBroker } from './test-broker.ts'

type Way = 'stop' | 'kill' | 'crash'

const again = (place: TestBroker, way: Way): Promise<void> => (way === 'stop' ? place.restart() : place.dieAndStart(way))

for (const way of ['stop', 'kill', 'crash'] as const) {
  const options = way === 'stop' ? {} : { simulatedOnly: true, seeds: 10 }

  brokerTest(`after a ${way}: topics, ids, configurations, records; the leader epoch grew`, options, async (place) => {
    const client = await place.connect()
    const { clusterId } = place.broker
    const ids = new Map<string, string>()
    for (const name of ['a', 'b', 'c']) {
      ids.set(
        name,
        await createTopic(client, name, { partitions: 3, configs: { 'flush.before.ack': true, 'retention.ms': 7_000_000_000_000 } }),
      )
    }
    await alterTopic(client, 'b', { 'max.message.bytes': 5000 })
    for (const name of ids.keys()) {
      for (let partition = 0; partition < 3; partition++) {
        for (const value of ['x', 'y'])
          assert.equal((await produce(client, name, [`${name}${partition}${value}`], { partition })).errorCode, 0)
      }
    }
    for (let life = 1; life <= 3; life++) {
      await again(place, way)
      const next = await place.connect()
      assert.equal(place.broker.clusterId, clusterId)
      const { topics } = await next.request(Metadata, 12, { topics: null })
      assert.deepEqual(new Map(topics.map(({ name, topicId }) => [name, topicId])), ids)
      for (const { name, partitions } of topics) {
        assert.deepEqual(
          partitions.map(({ leaderEpoch, leaderId, errorCode }) => [leaderEpoch, leaderId, errorCode]),
          Array(3).fill([life, 1, 0]),
        )
        for (let partition = 0; partition < 3; partition++) {
          assert.deepEqual(valuesIn((await fetch(next, name!, 0, { partition })).records).slice(0, 2), [
            `${name}${partition}x`,
            `${name}${partition}y`,
          ])
        }
      }
      const { overrides } = place.broker.topics.byName('b')!
      assert.deepEqual([overrides.get('max.message.bytes'), overrides.get('retention.ms')], ['5000', '7000000000000'])
      assert.equal((await produce(next, 'a', [`life ${life}`])).baseOffset, 1 + life)
    }
  })
}

brokerTest(
  'after a kill: everything that was acknowledged with 1 or all is there, in order',
  { simulatedOnly: true, seeds: 8 },
  async (place) => {
    const client = await place.connect()
    await createTopic(client, 'a')
    const acknowledged: number[] = []
    for (let i = 0; i < 30; i++) {
      const sent = produce(client, 'a', [`${i}`], { acks: i % 2 === 0 ? 1 : -1 })
      sent.then(
        ({ errorCode }) => errorCode === 0 && acknowledged.push(i),
        () => {},
      )
      if (i === 20) await sent
    }
    await place.dieAndStart('kill')
    const values = valuesIn((await fetch(await place.connect(), 'a', 0)).records)
    assert(values.length >= acknowledged.length && acknowledged.length >= 21)
    assert.deepEqual(
      values,
      Array.from({ length: values.length }, (_, i) => `${i}`),
    )
  },
)

brokerTest(
  'after a crash: what is left is a beginning of what was sent, and the log goes on from there',
  { simulatedOnly: true, seeds: 8 },
  async (place) => {
    const client = await place.connect()
    await createTopic(client, 'a')
    for (let i = 0; i < 20; i++) await produce(client, 'a', [`${i}`])
    await place.dieAndStart('crash')
    const next = await place.connect()
    const values = valuesIn((await fetch(next, 'a', 0)).records)
    assert.deepEqual(
      values,
      Array.from({ length: values.length }, (_, i) => `${i}`),
    )
    assert.equal((await offsetAt(next, 'a', LATEST)).offset, values.length)
    assert.equal((await produce(next, 'a', ['after'])).baseOffset, values.length)
    assert.deepEqual(valuesIn((await fetch(next, 'a', 0)).records), [...values, 'after'])
  },
)

brokerTest(
  'a kill while topics are made and deleted: each is there whole or not at all',
  { simulatedOnly: true, seeds: 8 },
  async (place) => {
    const client = await place.connect()
    await createTopic(client, 'gone', { partitions: 3 })
    const doomed = (promise: Promise<unknown>): void => void promise.catch(() => {})
    doomed(client.request(DeleteTopics, 5, { topicNames: ['gone'], topics: [], timeoutMs: 30_000 }))
    const other = await place.connect()
    doomed(createTopic(other, 'new', { partitions: 500 }))
    await place.passTime(place.env.random.below(40))
    await place.dieAndStart('kill')
    const next = await place.connect()
    for (const [name, partitions] of [
      ['gone', 3],
      ['new', 500],
    ] as const) {
      const topic = await describeTopic(next, name)
      assert([0, 3].includes(topic.errorCode))
      if (topic.errorCode !== 0) {
        await createTopic(next, name, { partitions })
        continue
      }
      assert.equal(topic.partitions.length, partitions)
      assert(
        topic.partitions.every(({ leaderId, errorCode }) => leaderId === 1 && errorCode === 0),
        `${name}`,
      )
      assert.equal((await produce(next, name, ['x'], { partition: partitions - 1 })).errorCode, 0)
    }
  },
)
