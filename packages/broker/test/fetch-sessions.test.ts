import assert from 'node:assert/strict'
import { ErrorCode } from '@ottla/protocol'
import { Fetch } from '@ottla/protocol/messages/01-fetch'
import {
  batchOf,
  createTopic,
  deleteTopic,
  fetchRequest,
  produce,
  recordsIn,
  valuesIn,
  type AskedPartition,
  type Fetched,
} from './actions.ts'
import type { RawClient } from './raw-client.ts'
import { brokerTest } from './test-broker.ts'

type Session = readonly [id: number, epoch: number]
interface Options {
  readonly version?: number
  readonly forget?: readonly (readonly [topic: string, partition: number])[]
  readonly maxBytes?: number
}

const FULL: Session = [0, 0]

async function ask(client: RawClient, session: Session, asked: readonly AskedPartition[], options: Options = {}): Promise<Fetched> {
  const { version = 12, forget = [], maxBytes = 1 << 20 } = options
  const forgottenTopicsData = forget.map(([topic, partition]) => ({ topic, partitions: [partition] }))
  return client.request(Fetch, version, { ...fetchRequest(asked, { session, maxBytes }), forgottenTopicsData })
}

const at = (topic: string, partition: number, offset: number): AskedPartition => ({ topic, partition, offset })
const told = ({ responses }: Fetched): [string, number, string[]][] =>
  responses.flatMap(({ topic, partitions }) =>
    partitions.map((one): [string, number, string[]] => [topic, one.partitionIndex, valuesIn(one.records)]),
  )

brokerTest('a fetch session tells only what is new', {}, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'a', { partitions: 2 })
  await produce(client, 'a', ['x'], { partition: 1 })
  const opened = await ask(client, FULL, [at('a', 0, 0), at('a', 1, 0)])
  const id = opened.sessionId
  assert.notEqual(id, 0)
  assert.deepEqual(told(opened), [
    ['a', 0, []],
    ['a', 1, ['x']],
  ])
  const same = await ask(client, [id, 1], [])
  assert.deepEqual([same.sessionId, told(same)], [id, [['a', 1, ['x']]]], 'the offset stays where it was put')
  assert.deepEqual(told(await ask(client, [id, 2], [at('a', 1, 1)])), [])
  await produce(client, 'a', ['y'], { partition: 0 })
  assert.deepEqual(told(await ask(client, [id, 3], [])), [['a', 0, ['y']]])
  assert.deepEqual(told(await ask(client, [id, 4], [at('a', 0, 1)])), [])
})

brokerTest('a fetch session takes partitions up and forgets them', {}, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'a', { partitions: 2 })
  await createTopic(client, 'b')
  for (const [topic, partition] of [
    ['a', 0],
    ['a', 1],
    ['b', 0],
  ] as const)
    await produce(client, topic, ['x'], { partition })
  const { sessionId } = await ask(client, FULL, [at('a', 0, 0)])
  assert.deepEqual(
    told(await ask(client, [sessionId, 1], [at('b', 0, 0)]))
      .map(([topic]) => topic)
      .toSorted(),
    ['a', 'b'],
  )
  assert.deepEqual(told(await ask(client, [sessionId, 2], [], { forget: [['a', 0]] })), [['b', 0, ['x']]])
  const emptied = await ask(client, [sessionId, 3], [], { forget: [['b', 0]] })
  assert.deepEqual([emptied.sessionId, told(emptied)], [0, []], 'an empty session is closed')
  assert.equal((await ask(client, [sessionId, 4], [])).errorCode, ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
})

brokerTest('fetch sessions: ids and epochs that are not the next', {}, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'a')
  assert.equal((await ask(client, [12345, 1], [])).errorCode, ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
  const { sessionId } = await ask(client, FULL, [at('a', 0, 0)])
  const early = await ask(client, [sessionId, 2], [])
  assert.deepEqual([early.errorCode, early.responses], [ErrorCode.INVALID_FETCH_SESSION_EPOCH, []])
  assert.equal((await ask(client, [sessionId, 1], [])).errorCode, 0, 'a wrong epoch does no harm')
  assert.equal((await ask(client, [sessionId, 1], [])).errorCode, ErrorCode.INVALID_FETCH_SESSION_EPOCH)
})

brokerTest('fetch sessions: closed by their client, or replaced', {}, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'a')
  const first = await ask(client, FULL, [at('a', 0, 0)])
  const second = await ask(client, [first.sessionId, 0], [at('a', 0, 0)])
  assert(second.sessionId !== 0 && second.sessionId !== first.sessionId)
  assert.equal((await ask(client, [first.sessionId, 1], [])).errorCode, ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
  const closed = await ask(client, [second.sessionId, -1], [at('a', 0, 0)])
  assert.deepEqual([closed.errorCode, closed.sessionId, told(closed)], [0, 0, [['a', 0, []]]])
  assert.equal((await ask(client, [second.sessionId, 1], [])).errorCode, ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
})

brokerTest('fetch sessions end with the connection that used them last', {}, async (place) => {
  const [one, other, asking] = [await place.connect(), await place.connect(), await place.connect()]
  await createTopic(one, 'a')
  const stays = await ask(one, FULL, [at('a', 0, 0)])
  const goes = await ask(one, FULL, [at('a', 0, 0)])
  assert.equal((await ask(other, [stays.sessionId, 1], [])).errorCode, 0)
  // of an epoch that is not the next: asking so changes nothing
  const stateOf = async ({ sessionId }: Fetched): Promise<number> => (await ask(asking, [sessionId, 99], [])).errorCode
  assert.equal(await stateOf(goes), ErrorCode.INVALID_FETCH_SESSION_EPOCH)
  one.close()
  while ((await stateOf(goes)) !== ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
  assert.equal((await ask(other, [stays.sessionId, 2], [])).errorCode, 0)
})

brokerTest('fetch sessions: names and ids do not mix', {}, async (place) => {
  const client = await place.connect()
  const topicId = await createTopic(client, 'a')
  const byName = await ask(client, FULL, [at('a', 0, 0)])
  assert.equal((await ask(client, [byName.sessionId, 1], [], { version: 13 })).errorCode, ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR)
  const byId = await ask(client, FULL, [{ topic: '', topicId, offset: 0 }], { version: 13 })
  assert.equal((await ask(client, [byId.sessionId, 1], [], { version: 12 })).errorCode, ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR)
})

brokerTest('fetch sessions: a partition that gave records comes last the next time', {}, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'a', { partitions: 3 })
  const big = (text: string): Buffer => batchOf([Buffer.alloc(1000, text)])
  for (const partition of [0, 1, 2]) for (let i = 0; i < 3; i++) await produce(client, 'a', big(`${partition}`), { partition })
  const opened = await ask(client, FULL, [at('a', 0, 0), at('a', 1, 0), at('a', 2, 0)], { maxBytes: 1100 })
  const served = (response: Fetched): number[] =>
    response.responses.flatMap(({ partitions }) =>
      partitions.filter((one) => recordsIn(one.records).length > 0).map((one) => one.partitionIndex),
    )
  assert.deepEqual(served(opened), [0])
  const order: number[] = []
  for (let epoch = 1; epoch <= 5; epoch++) order.push(...served(await ask(client, [opened.sessionId, epoch], [], { maxBytes: 1100 })))
  assert.deepEqual(order, [1, 2, 0, 1, 2])
})

brokerTest('fetch sessions: an error is told every time', {}, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'a')
  await createTopic(client, 'b')
  const { sessionId } = await ask(client, FULL, [at('a', 0, 0), at('b', 0, 0)])
  await deleteTopic(client, 'b')
  for (const epoch of [1, 2, 3]) {
    const { responses } = await ask(client, [sessionId, epoch], [])
    assert.deepEqual(
      responses.map(({ topic, partitions: [one] }) => [topic, one!.errorCode]),
      [['b', ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]],
    )
  }
})

brokerTest(
  'fetch sessions: no more than there are slots; old ones make room',
  {
    simulatedOnly: true,
    settings: { 'max.incremental.fetch.session.cache.slots': 2 },
  },
  async (place) => {
    const client = await place.connect()
    await createTopic(client, 'a')
    const open = async (): Promise<number> => (await ask(client, FULL, [at('a', 0, 0)])).sessionId
    const [first, second] = [await open(), await open()]
    assert.equal(await open(), 0, 'without a slot there is no session, and the answer is full')
    await place.passTime(100_000)
    assert.equal((await ask(client, [second, 1], [])).errorCode, 0)
    await place.passTime(100_000)
    assert.notEqual(await open(), 0)
    assert.equal((await ask(client, [first, 1], [])).errorCode, ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
    assert.equal((await ask(client, [second, 2], [])).errorCode, 0)
  },
)
