/** A start opens no log: what a request names is opened for it, all else in the background. */
import assert from 'node:assert/strict'
import type { SimDisk } from '@ottla/env/sim'
import { createTopic, deleteTopic, fetch, LATEST, offsetAt, produce, valuesIn } from './actions.ts'
import { brokerTest, type TestBroker } from './test-broker.ts'

const PARTITIONS = 60

/** Topics of one record a partition, and a broker that has just started on them, with a disk so slow that the background is far behind. */
async function startAgain(place: TestBroker, topics: readonly string[], way: 'stop' | 'kill'): Promise<void> {
  const client = await place.connect()
  for (const topic of topics) {
    await createTopic(client, topic, { partitions: PARTITIONS })
    for (let partition = 0; partition < PARTITIONS; partition++) await produce(client, topic, [`${topic}${partition}`], { partition })
  }
  const disk = place.env.disk as SimDisk
  if (way === 'stop') await place.stop()
  disk.slowMs = 50
  if (way === 'stop') await place.start()
  else await place.dieAndStart('kill')
}

for (const way of ['stop', 'kill'] as const) {
  brokerTest(
    `after a ${way}: a request waits for the logs that it names, and keeps its place`,
    { simulatedOnly: true, seeds: 3 },
    async (place) => {
      await startAgain(place, ['a'], way)
      const { opening } = place.broker.topics
      const client = await place.connect()
      assert.ok(opening.count > 0)
      const last = PARTITIONS - 1
      const answers = [
        produce(client, 'a', ['x'], { partition: last }),
        produce(client, 'a', ['y'], { partition: last }),
        produce(client, 'a', ['z'], { partition: last - 1 }),
      ]
      assert.deepEqual(
        (await Promise.all(answers)).map(({ errorCode, baseOffset }) => [errorCode, baseOffset]),
        [
          [0, 1],
          [0, 2],
          [0, 1],
        ],
      )
      assert.deepEqual(valuesIn((await fetch(client, 'a', 0, { partition: last - 2 })).records), [`a${last - 2}`])
      assert.equal((await offsetAt(client, 'a', LATEST, { partition: last - 3 })).offset, 1)
      assert.ok(opening.count > 0)
      await place.passTime(60_000)
      assert.equal(opening.count, 0)
      for (let partition = 0; partition < PARTITIONS; partition++) {
        assert.equal(valuesIn((await fetch(client, 'a', 0, { partition })).records)[0], `a${partition}`)
      }
    },
  )
}

brokerTest('a request whose log is long in opening is told to ask again', { simulatedOnly: true }, async (place) => {
  await startAgain(place, ['a'], 'kill')
  const disk = place.env.disk as SimDisk
  disk.slowMs = 20_000
  const client = await place.connect()
  const partition = PARTITIONS - 1
  assert.equal((await produce(client, 'a', ['x'], { partition })).errorCode, 6)
  disk.slowMs = 0
  await place.passTime(200_000)
  assert.deepEqual([(await produce(client, 'a', ['x'], { partition })).errorCode, place.broker.topics.opening.count], [0, 0])
})

brokerTest('a topic is deleted, and made again, while none of its logs is open', { simulatedOnly: true, seeds: 5 }, async (place) => {
  await startAgain(place, ['a', 'b'], 'stop')
  const { opening } = place.broker.topics
  const client = await place.connect()
  await deleteTopic(client, 'b')
  await createTopic(client, 'b', { partitions: 2 })
  assert.equal((await produce(client, 'b', ['new'])).baseOffset, 0)
  await place.passTime(60_000)
  assert.equal(opening.count, 0)
  for (const [topic, value] of [
    ['a', 'a0'],
    ['b', 'new'],
  ] as const)
    assert.deepEqual(valuesIn((await fetch(client, topic, 0)).records), [value])
})

brokerTest('a stop before all is open leaves all as it was', { simulatedOnly: true, seeds: 5 }, async (place) => {
  for (const way of ['stop', 'kill'] as const) {
    const topic = `t-${way}`
    await startAgain(place, [topic], way)
    assert.ok(place.broker.topics.opening.count > 0)
    await place.restart()
    const client = await place.connect()
    for (let partition = 0; partition < PARTITIONS; partition++) {
      assert.deepEqual(valuesIn((await fetch(client, topic, 0, { partition })).records), [`${topic}${partition}`])
    }
    ;(place.env.disk as SimDisk).slowMs = 0
  }
})
