/** ZooKeeper is gone for a while, or the session with it: records are served on, nothing is lost, and tree and broker come together again. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCode } from '@ottla/protocol'
import { Metadata } from '@ottla/protocol/messages/03-metadata'
import { OffsetCommit } from '@ottla/protocol/messages/08-offset-commit'
import { FindCoordinator } from '@ottla/protocol/messages/10-find-coordinator'
import { CreateTopics } from '@ottla/protocol/messages/19-create-topics'
import { DeleteTopics } from '@ottla/protocol/messages/20-delete-topics'
import { InitProducerId } from '@ottla/protocol/messages/22-init-producer-id'
import type { ZooKeeper } from '@ottla/zookeeper'
import { alterTopic, createTopic, fetch, produce, valuesIn } from './actions.ts'
import { Elsewhere, SESSION_TIMEOUT_MS } from './elsewhere.ts'
import type { RawClient } from './raw-client.ts'

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))

async function tryCreate(client: RawClient, name: string, partitions = 1): Promise<{ errorCode: number; errorMessage: string | null }> {
  const asked = { name, numPartitions: partitions, replicationFactor: 1, assignments: [], configs: [] }
  return (await client.request(CreateTopics, 7, { topics: [asked] })).topics[0]!
}

async function tryDelete(client: RawClient, name: string): Promise<number> {
  return (await client.request(DeleteTopics, 5, { topicNames: [name], topics: [], timeoutMs: 30_000 })).responses[0]!.errorCode
}

async function locate(client: RawClient): Promise<number> {
  return (await client.request(FindCoordinator, 4, { keyType: 0, coordinatorKeys: ['g'] })).coordinators[0]!.errorCode
}

async function commit(client: RawClient, offset: number): Promise<number> {
  const partitions = [{ partitionIndex: 0, committedOffset: offset, committedMetadata: '' }]
  return (await client.request(OffsetCommit, 8, { groupId: 'g', topics: [{ name: 'kept', partitions }] })).topics[0]!.partitions[0]!
    .errorCode
}

/** As an administrator does with ZooKeeper's own tools. */
async function removeTopic(tree: ZooKeeper, name: string): Promise<void> {
  const topic = `/brokers/topics/${name}`
  const paths = [`${topic}/partitions/0/state`, `${topic}/partitions/0`, `${topic}/partitions`, topic, `/config/topics/${name}`]
  await tree.multi(paths.map((path) => ({ type: 'delete', path })))
}

for (const [what, goneMs] of [
  ['for a moment', SESSION_TIMEOUT_MS / 3],
  ['for minutes', 180_000],
] as const) {
  test(`ZooKeeper is not to be reached ${what}: records go on, changes are refused, then what others changed is followed`, async () => {
    const place = await Elsewhere.open()
    await place.start()
    const client = await place.connect()
    const tree = await place.session()
    for (const name of ['kept', 'gone']) await place.complete(createTopic(client, name))
    assert.equal((await place.complete(produce(client, 'kept', ['a']))).errorCode, 0)
    while ((await place.complete(locate(client))) !== 0) await place.passTime(10)
    while ((await place.complete(commit(client, 1))) !== 0) await place.passTime(10)
    const { sessionId } = place.zooKeeper
    const incarnation = (await place.complete(tree.exists('/ottla/brokers/1')))!.version

    place.world.partition(place.keeperHost, place.brokerHost)
    await place.until('the loss is told', () => place.warnings.some((line) => line.startsWith('the connection to ZooKeeper is lost')))
    await place.complete(tree.setData('/config/topics/kept', json({ version: 1, config: { 'retention.ms': '77' } })))
    await place.complete(removeTopic(tree, 'gone'))
    await place.passTime(goneMs)
    assert.equal((await place.complete(produce(client, 'kept', ['b']))).errorCode, 0)
    assert.deepEqual(valuesIn((await place.complete(fetch(client, 'kept', 0))).records), ['a', 'b'])
    assert.equal(await place.complete(commit(client, 2)), 0)
    assert.equal(await place.complete(locate(client)), 0)
    const refused = await place.complete(tryCreate(client, 'new'))
    assert.equal(refused.errorCode, ErrorCode.NOT_CONTROLLER)
    assert.match(refused.errorMessage!, /no connection to its ZooKeeper.*try again later/)
    assert.equal(await place.complete(alterTopic(client, 'kept', { 'segment.bytes': 1 << 20 })), ErrorCode.NOT_CONTROLLER)
    assert.equal(await place.complete(tryDelete(client, 'kept')), ErrorCode.NOT_CONTROLLER)
    const { topics } = await place.complete(client.request(Metadata, 12, { topics: [{ name: 'new' }], allowAutoTopicCreation: true }))
    assert.equal(topics[0]!.errorCode, ErrorCode.LEADER_NOT_AVAILABLE)
    const asked = { transactionalId: null, transactionTimeoutMs: 0 }
    // of a block that was taken in time; more are asked for than it has
    const identities: { errorCode: number; producerId: number }[] = []
    for (let at = 0; at < 1001; at++) identities.push(await place.complete(client.request(InitProducerId, 4, asked)))
    assert.deepEqual(new Set(identities.slice(0, 1000).map(({ producerId }) => producerId)), new Set(Array(1000).keys()))
    assert.equal(identities[1000]!.errorCode, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)

    place.world.healAll()
    await place.until('it is joined again', () =>
      place.brokerHost.log.lines.some(({ message }) => message.includes('joined to its cluster')),
    )
    assert.equal(place.zooKeeper.sessionId === sessionId, goneMs < SESSION_TIMEOUT_MS)
    const registration = await place.complete(tree.exists('/brokers/ids/1'))
    assert.equal(registration!.ephemeralOwner, place.zooKeeper.sessionId)
    assert.equal((await place.complete(tree.exists('/controller')))!.ephemeralOwner, place.zooKeeper.sessionId)
    const again = (await place.complete(tree.exists('/ottla/brokers/1')))!.version
    assert.equal(again, incarnation + (goneMs < SESSION_TIMEOUT_MS ? 0 : 1))
    assert.equal(place.broker.topics.byName('gone'), undefined)
    assert.equal(place.broker.topics.byName('kept')!.overrides.get('retention.ms'), '77')
    assert.equal((await place.complete(tryCreate(client, 'new'))).errorCode, 0)
    assert.equal((await place.complete(client.request(InitProducerId, 4, asked))).producerId, 1000)
    // watches are there again
    await place.complete(tree.setData('/config/topics/kept', json({ version: 1, config: { 'retention.ms': '78' } })))
    await place.until('it follows', () => place.broker.topics.byName('kept')!.overrides.get('retention.ms') === '78')
    assert.deepEqual(valuesIn((await place.complete(fetch(client, 'kept', 0))).records), ['a', 'b'])
    assert.deepEqual(place.errors, [])
  })
}

test('a change whose answer is lost is told as unknown, and what became of it is found when ZooKeeper is back', async () => {
  let unknownCount = 0
  let halfMadeCount = 0
  for (let seed = 1; seed <= 24; seed++) {
    const place = await Elsewhere.open(seed)
    await place.start()
    const client = await place.connect()
    const created = tryCreate(client, 't', 700)
    place.world.after(seed / 1.5, () => place.world.partition(place.keeperHost, place.brokerHost))
    const { errorCode } = await place.complete(created)
    assert.ok(new Set<number>([0, ErrorCode.REQUEST_TIMED_OUT, ErrorCode.NOT_CONTROLLER]).has(errorCode), `${errorCode}`)
    const tree = await place.session()
    if (errorCode === ErrorCode.REQUEST_TIMED_OUT) unknownCount++
    const made = await place.complete(tree.getChildren('/brokers/topics/t/partitions').catch(() => ({ children: [] })))
    if (made.children.length > 0 && made.children.length < 700) halfMadeCount++
    if (seed % 2 === 0) await place.passTime(2 * SESSION_TIMEOUT_MS)
    place.world.healAll()
    await place.until('it is joined again', () =>
      place.brokerHost.log.lines.some(({ message }) => message.includes('joined to its cluster')),
    )
    const isThere = (await place.complete(tree.exists('/brokers/topics/t'))) !== null
    if (errorCode === 0) assert.ok(isThere)
    if (errorCode === ErrorCode.NOT_CONTROLLER) assert.ok(!isThere)
    assert.equal(place.broker.topics.byName('t') !== undefined, isThere)
    if (!isThere) continue
    // no partition is left without a leader
    const states = place.broker.topics.byName('t')!.partitions.map(({ leader }) => leader)
    assert.deepEqual(new Set(states), new Set([1]), `seed ${seed}`)
    assert.equal(states.length, 700)
  }
  assert.ok(unknownCount > 3 && halfMadeCount > 0, `${unknownCount} unknown, ${halfMadeCount} half made`)
})

test('a deletion that was cut short is ended when ZooKeeper is back', async () => {
  let endedCount = 0
  for (let seed = 1; seed <= 20; seed++) {
    const place = await Elsewhere.open(seed)
    await place.start()
    const client = await place.connect()
    await place.complete(createTopic(client, 't', { partitions: 50 }))
    const tree = await place.session()
    const deleted = tryDelete(client, 't')
    place.world.after(seed / 1.5, () => place.world.partition(place.keeperHost, place.brokerHost))
    const errorCode = await place.complete(deleted)
    const isMarked = (await place.complete(tree.exists('/admin/delete_topics/t'))) !== null
    if (isMarked) endedCount++
    place.world.healAll()
    await place.until('it is joined again', () =>
      place.brokerHost.log.lines.some(({ message }) => message.includes('joined to its cluster')),
    )
    const isThere = (await place.complete(tree.exists('/brokers/topics/t'))) !== null
    if (errorCode === 0 || isMarked) assert.ok(!isThere, `seed ${seed}`)
    assert.equal(place.broker.topics.byName('t') !== undefined, isThere, `seed ${seed}`)
    assert.deepEqual((await place.complete(tree.getChildren('/admin/delete_topics'))).children, [], `seed ${seed}`)
  }
  assert.ok(endedCount > 0)
})

test("another cluster's tree in the place of its own is not followed: nothing is taken for deleted", async () => {
  const place = await Elsewhere.open()
  await place.start()
  const client = await place.connect()
  const tree = await place.session()
  await place.complete(createTopic(client, 't'))
  await place.complete(produce(client, 't', ['a']))
  place.world.partition(place.keeperHost, place.brokerHost)
  await place.passTime(1000)
  const { data } = await place.complete(tree.getData('/cluster/id'))
  await place.complete(tree.setData('/cluster/id', json({ version: '1', id: 'another' })))
  await place.complete(removeTopic(tree, 't'))
  place.world.healAll()
  await place.until('it says so', () => place.errors.some((line) => line.includes('tree of cluster another')))
  await place.passTime(60_000)
  assert.deepEqual(valuesIn((await place.complete(fetch(client, 't', 0))).records), ['a'])
  assert.equal((await place.complete(tryCreate(client, 'u'))).errorCode, ErrorCode.NOT_CONTROLLER)
  await place.complete(tree.setData('/cluster/id', data))
  await place.until('it follows its own', () => place.broker.topics.byName('t') === undefined)
})

/** What a client was told; what it was not told may be either way. */
class Told {
  readonly records: string[] = []
  readonly topics = new Map<string, 'there' | 'gone' | 'unknown'>()
}

function pause(place: Elsewhere, ms: number): Promise<void> {
  return new Promise((resolve) => place.near.clock.after(ms, resolve))
}

async function appends(place: Elsewhere, client: RawClient, told: Told, isOver: () => boolean): Promise<void> {
  for (let number = 0; !isOver(); number++) {
    assert.equal((await produce(client, 'log', [String(number)])).errorCode, 0)
    told.records.push(String(number))
    await pause(place, 20)
  }
}

async function changes(place: Elsewhere, client: RawClient, told: Told, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    const name = `t${place.world.dice.below(6)}`
    const isCreation = place.world.dice.chance(0.6)
    const errorCode = isCreation ? (await tryCreate(client, name, 3)).errorCode : await tryDelete(client, name)
    if (errorCode === 0) told.topics.set(name, isCreation ? 'there' : 'gone')
    else if (errorCode === ErrorCode.REQUEST_TIMED_OUT) told.topics.set(name, 'unknown')
    else if (errorCode === ErrorCode.TOPIC_ALREADY_EXISTS) assert.notEqual(told.topics.get(name) ?? 'gone', 'gone', name)
    else if (errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) assert.notEqual(told.topics.get(name), 'there', name)
    else assert.equal(errorCode, ErrorCode.NOT_CONTROLLER)
    await pause(place, place.world.dice.below(700))
  }
}

/** One after the other, with pauses: cuts of any length, kills and losses of power of the keeper. */
async function faults(place: Elsewhere, count: number): Promise<void> {
  const { world, keeperHost, brokerHost } = place
  const pass = (ms: number): Promise<void> => new Promise((resolve) => world.after(ms, resolve))
  for (let fault = 0; fault < count; fault++) {
    await pass(world.dice.below(8000))
    const kind = world.dice.below(3)
    if (kind === 0) {
      world.partition(keeperHost, brokerHost)
      await pass(world.dice.below(3 * SESSION_TIMEOUT_MS))
      world.healAll()
      continue
    }
    if (kind === 1) keeperHost.kill()
    else keeperHost.crash()
    await pass(world.dice.below(2 * SESSION_TIMEOUT_MS))
    await place.openKeeper()
  }
}

test('cuts, kills and losses of power of the keeper, in any order: nothing that was told is lost, and broker and tree agree', async () => {
  let expired = 0
  let unknown = 0
  for (let seed = 1; seed <= 12; seed++) {
    const place = await Elsewhere.open(seed)
    await place.start()
    const [one, two] = [await place.connect(), await place.connect()]
    const told = new Told()
    await place.complete(createTopic(one, 'log'))
    let isOver = false
    const work = [appends(place, one, told, () => isOver), changes(place, two, told, () => isOver)]
    await place.complete(faults(place, 6))
    isOver = true
    await place.complete(Promise.all(work))
    const { lines } = place.brokerHost.log
    const losses = lines.filter(({ message }) => message.startsWith('the connection to ZooKeeper is lost')).length
    await place.until('it is joined again', () => lines.filter(({ message }) => message.includes('joined to its cluster')).length >= losses)
    const tree = await place.session()
    const { children } = await place.complete(tree.getChildren('/brokers/topics'))
    assert.deepEqual([...place.broker.topics.all()].map(({ name }) => name).sort(), children.sort(), `seed ${seed}`)
    assert.deepEqual((await place.complete(tree.getChildren('/admin/delete_topics'))).children, [], `seed ${seed}`)
    for (const [name, state] of told.topics) {
      if (state === 'unknown') unknown++
      else assert.equal(children.includes(name), state === 'there', `seed ${seed}: ${name}`)
    }
    for (const topic of place.broker.topics.all()) {
      assert.ok(
        topic.logs.every((log) => log !== undefined && log.failed === null),
        `seed ${seed}: ${topic.name}`,
      )
    }
    expired += Number((await place.complete(tree.exists('/ottla/brokers/1')))!.version)
    const read = valuesIn((await place.complete(fetch(one, 'log', 0, { partitionMaxBytes: 64 << 20 }))).records)
    assert.deepEqual(read.slice(0, told.records.length), told.records.slice(0, read.length), `seed ${seed}`)
    assert.equal((await place.complete(produce(one, 'log', ['last']))).baseOffset, told.records.length, `seed ${seed}`)
    assert.deepEqual(place.errors, [], `seed ${seed}`)
  }
  assert.ok(expired > 5 && unknown > 0, `${expired} registrations, ${unknown} unknown`)
})
