import assert from 'node:assert/strict'
import { ErrorCode } from '@ottla/protocol'
import { InitProducerId } from '@ottla/protocol/messages/22-init-producer-id'
import { batchOf, createTopic, fetch, LATEST, offsetAt, produce, valuesIn, type ProducedPartition } from './actions.ts'
import type { RawClient } from './raw-client.ts'
import { brokerTest, type TestBroker } from './test-broker.ts'

const ANYBODY = { transactionalId: null, transactionTimeoutMs: 60_000 }

/** An idempotent producer, sequence numbers by hand. */
class Producer {
  readonly producerId: number
  readonly #client: RawClient

  constructor(client: RawClient, producerId: number) {
    this.#client = client
    this.producerId = producerId
  }

  static async start(client: RawClient): Promise<Producer> {
    const { errorCode, producerId, producerEpoch } = await client.request(InitProducerId, 4, ANYBODY)
    assert.deepEqual([errorCode, producerEpoch], [0, 0])
    return new Producer(client, producerId)
  }

  send(baseSequence: number, values: readonly string[], producerEpoch = 0): Promise<ProducedPartition> {
    return produce(this.#client, 'a', batchOf(values, { producerId: this.producerId, producerEpoch, baseSequence }))
  }
}

async function begin(place: TestBroker): Promise<{ client: RawClient; producer: Producer }> {
  const client = await place.connect()
  await createTopic(client, 'a')
  return { client, producer: await Producer.start(client) }
}

const outcome = ({ errorCode, baseOffset }: ProducedPartition): number[] => [errorCode, baseOffset]

brokerTest('InitProducerId: a new id in every version, never the same twice, also after a restart', {}, async (place) => {
  const ids: number[] = []
  const ask = async (): Promise<void> => {
    const client = await place.connect()
    for (let version = 0; version <= 6; version++) {
      const { errorCode, producerId, producerEpoch } = await client.request(InitProducerId, version, ANYBODY)
      assert.deepEqual([errorCode, producerEpoch], [0, 0])
      ids.push(producerId)
    }
  }
  await ask()
  await place.restart()
  await ask()
  assert.equal(new Set(ids).size, ids.length)
  assert(ids.every((id) => id >= 0))
})

brokerTest('InitProducerId: many at once, across blocks of ids', {}, async (place) => {
  const clients = await Promise.all([1, 2, 3].map(() => place.connect()))
  const answers = await Promise.all(
    clients.flatMap((client) => Array.from({ length: 700 }, () => client.request(InitProducerId, 4, ANYBODY))),
  )
  assert.equal(new Set(answers.map(({ producerId }) => producerId)).size, 2100)
})

brokerTest('InitProducerId: a producer that brings its id gets the next epoch (KIP-360)', {}, async (place) => {
  const client = await place.connect()
  const { producerId } = await client.request(InitProducerId, 4, ANYBODY)
  const next = await client.request(InitProducerId, 4, { ...ANYBODY, producerId, producerEpoch: 3 })
  assert.deepEqual([next.errorCode, next.producerId, next.producerEpoch], [0, producerId, 4])
  const used = await client.request(InitProducerId, 4, { ...ANYBODY, producerId, producerEpoch: 32766 })
  assert.deepEqual([used.errorCode, used.producerEpoch], [0, 0])
  assert.notEqual(used.producerId, producerId)
})

brokerTest('a repeated batch is answered with its first offset and not appended', {}, async (place) => {
  const { client, producer } = await begin(place)
  for (let i = 0; i < 6; i++) assert.deepEqual(outcome(await producer.send(i * 2, [`${i}`, `${i}`])), [0, i * 2])
  for (let i = 1; i < 6; i++) assert.deepEqual(outcome(await producer.send(i * 2, [`${i}`, `${i}`])), [0, i * 2], 'one of the last five')
  const old = await producer.send(0, ['0', '0'])
  assert.equal(old.errorCode, ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, 'older than those remembered')
  assert.equal((await offsetAt(client, 'a', LATEST)).offset, 12)
})

brokerTest('a repeated batch on another connection, while the first is on its way', { seeds: 10 }, async (place) => {
  const { client, producer } = await begin(place)
  const other = new Producer(await place.connect(), producer.producerId)
  const answers = await Promise.all([producer.send(0, ['x']), other.send(0, ['x']), producer.send(0, ['x'])])
  assert.deepEqual(answers.map(outcome), [
    [0, 0],
    [0, 0],
    [0, 0],
  ])
  assert.deepEqual(valuesIn((await fetch(client, 'a', 0)).records), ['x'])
})

brokerTest('gaps and overlaps of sequence numbers are refused', {}, async (place) => {
  const { client, producer } = await begin(place)
  await producer.send(0, ['0', '1', '2'])
  for (const wrong of [4, 2, 1, 100]) {
    assert.deepEqual(outcome(await producer.send(wrong, ['x'])), [ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, -1], `sequence ${wrong}`)
  }
  assert.deepEqual(outcome(await producer.send(3, ['3'])), [0, 3])
  assert.deepEqual(valuesIn((await fetch(client, 'a', 0)).records), ['0', '1', '2', '3'])
})

brokerTest('of pipelined batches behind a gap none gets in, until the missing one comes', {}, async (place) => {
  const { client, producer } = await begin(place)
  await producer.send(0, ['0'])
  const refused = await Promise.all([2, 3, 4].map((sequence) => producer.send(sequence, [`${sequence}`])))
  assert(refused.every(({ errorCode }) => errorCode === ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER))
  const taken = await Promise.all([1, 2, 3, 4].map((sequence) => producer.send(sequence, [`${sequence}`])))
  assert.deepEqual(
    taken.map(({ errorCode }) => errorCode),
    [0, 0, 0, 0],
  )
  assert.deepEqual(valuesIn((await fetch(client, 'a', 0)).records), ['0', '1', '2', '3', '4'])
})

brokerTest('sequence numbers go on at 0 after 2147483647', {}, async (place) => {
  const { producer } = await begin(place)
  assert.deepEqual(outcome(await producer.send(0x7ffffffe, ['a', 'b'])), [0, 0], 'an unknown producer may begin anywhere')
  assert.deepEqual(outcome(await producer.send(0, ['c'])), [0, 2])
  assert.deepEqual(outcome(await producer.send(0x7ffffffe, ['a', 'b'])), [0, 0], 'a repetition')
})

brokerTest('a new epoch begins at sequence 0 and shuts the old one out', {}, async (place) => {
  const { producer } = await begin(place)
  await producer.send(0, ['0'])
  assert.equal((await producer.send(1, ['x'], 1)).errorCode, ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
  assert.deepEqual(outcome(await producer.send(0, ['1'], 1)), [0, 1])
  assert.equal((await producer.send(1, ['x'], 0)).errorCode, ErrorCode.INVALID_PRODUCER_EPOCH)
  assert.deepEqual(outcome(await producer.send(1, ['2'], 1)), [0, 2])
})

brokerTest('a producer id without a sequence is refused', {}, async (place) => {
  const { producer } = await begin(place)
  assert.equal((await producer.send(-1, ['x'])).errorCode, ErrorCode.INVALID_RECORD)
})

brokerTest('producers are remembered over a clean restart', {}, async (place) => {
  const { producer } = await begin(place)
  await producer.send(0, ['0'])
  await producer.send(1, ['1'])
  await place.restart()
  const again = new Producer(await place.connect(), producer.producerId)
  assert.deepEqual(outcome(await again.send(1, ['1'])), [0, 1], 'the last batch, repeated')
  assert.equal((await again.send(3, ['3'])).errorCode, ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
  assert.deepEqual(outcome(await again.send(2, ['2'])), [0, 2])
})

for (const how of ['kill', 'crash'] as const) {
  brokerTest(`producers are remembered over a ${how}`, { simulatedOnly: true, seeds: 10 }, async (place) => {
    const client = await place.connect()
    await createTopic(client, 'a', { configs: { 'flush.before.ack': true } })
    const producer = await Producer.start(client)
    for (let i = 0; i < 5; i++) assert.deepEqual(outcome(await producer.send(i, [`${i}`])), [0, i])
    void producer.send(5, ['5']).catch(() => {})
    await place.dieAndStart(how)
    const again = new Producer(await place.connect(), producer.producerId)
    assert.deepEqual(outcome(await again.send(4, ['4'])), [0, 4], 'acknowledged, so known')
    assert.deepEqual(outcome(await again.send(5, ['5'])), [0, 5], 'in doubt, so sent again')
    assert.deepEqual(outcome(await again.send(6, ['6'])), [0, 6])
    assert.deepEqual(valuesIn((await fetch(await place.connect(), 'a', 0)).records), ['0', '1', '2', '3', '4', '5', '6'])
  })
}
