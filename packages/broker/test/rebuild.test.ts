/** A tree that is made anew from the logs: what is the same afterwards, what must be above all before, and what can't be decided. */
import assert from 'node:assert/strict'
import { rebuildTree, type RebuildAsked, type RebuildPlan } from '@ottla/broker'
import { withKeeper } from '@ottla/keeper'
import { InitProducerId } from '@ottla/protocol/messages/22-init-producer-id'
import { ErrorCode } from '@ottla/protocol'
import { batchOf, createTopic, describeTopic, fetch, produce, recordsIn, valuesIn } from './actions.ts'
import type { RawClient } from './raw-client.ts'
import { brokerTest, type TestBroker } from './test-broker.ts'

const NOTHING: RebuildAsked = { configs: new Map(), makeMissing: false, brokerDefaults: false, from: null }

async function plan(place: TestBroker, asked: Partial<RebuildAsked> = {}): Promise<RebuildPlan> {
  let planned: RebuildPlan | undefined
  await rebuildTree(place.env, place.config, { ...NOTHING, ...asked }, async (one) => void (planned = one))
  return planned!
}

/** The tree is lost; another one is made. */
async function rebuild(place: TestBroker, asked: Partial<RebuildAsked> = {}): Promise<RebuildPlan> {
  const { env, config } = place
  await env.disk.remove(config.keeperDir)
  let planned: RebuildPlan | undefined
  await withKeeper(env, config.keeperDir, (zooKeeper) =>
    rebuildTree(env, config, { ...NOTHING, ...asked }, async (one, write) => {
      planned = one
      await write(zooKeeper)
    }),
  )
  return planned!
}

const ANYBODY = { transactionalId: null, transactionTimeoutMs: 60_000 }
const newProducer = async (client: RawClient): Promise<number> => (await client.request(InitProducerId, 4, ANYBODY)).producerId

const send = async (client: RawClient, producerId: number, baseSequence: number, value: string): Promise<number[]> => {
  const { errorCode, baseOffset } = await produce(client, 'a', batchOf([value], { producerId, producerEpoch: 0, baseSequence }), {
    partition: 2,
  })
  return [errorCode, baseOffset]
}

for (const way of ['stop', 'kill'] as const) {
  const title = `rebuilt after a ${way}: ids, records, epochs above all, producers go on and get no id twice`
  brokerTest(title, { simulatedOnly: way === 'kill' }, async (place) => {
    await place.restart({ 'log.dirs': `${place.directory}/one,${place.directory}/two` })
    let client = await place.connect()
    const id = await createTopic(client, 'a', { partitions: 5, configs: { 'message.timestamp.type': 'LogAppendTime' } })
    await createTopic(client, 'b', { configs: { 'retention.ms': 1000, 'cleanup.policy': 'compact' } })
    const producer = await newProducer(client)
    // the logs know of later epochs than a tree that begins anew
    await place.restart()
    await place.restart()
    client = await place.connect()
    // of a cluster that has given away many more than one block, and no snapshot has it yet
    const high = 5_000_000
    assert.deepEqual(await send(client, producer, 0, 'x'), [0, 0])
    assert.deepEqual(await send(client, high, 0, 'y'), [0, 1])
    const { clusterId } = place.broker
    const before = (await describeTopic(client, 'a')).partitions.map(({ leaderEpoch }) => leaderEpoch)
    const records = recordsIn((await fetch(client, 'a', 0, { partition: 2 })).records)
    let rebuilt: RebuildPlan | undefined
    const meanwhile = async (): Promise<void> =>
      void (rebuilt = await rebuild(place, { configs: new Map([['b', new Map([['cleanup.policy', 'compact']])]]) }))
    if (way === 'kill') await place.dieAndStart('kill', meanwhile)
    else {
      await place.stop()
      await meanwhile()
      await place.start()
    }
    const next = await place.connect()
    assert.equal(place.broker.clusterId, clusterId)
    const topic = await describeTopic(next, 'a')
    assert.deepEqual([topic.topicId, topic.partitions.length], [id, 5])
    for (const { leaderEpoch, partitionIndex, errorCode, leaderId } of topic.partitions) {
      assert.deepEqual([errorCode, leaderId], [0, 1])
      assert(partitionIndex !== 2 || leaderEpoch > before[2]!, `epoch ${leaderEpoch} of partition ${partitionIndex}`)
    }
    assert.deepEqual(recordsIn((await fetch(next, 'a', 0, { partition: 2 })).records), records)
    assert.deepEqual(await send(next, producer, 0, 'x'), [0, 0], 'a batch that is sent again is the one that is there')
    assert.deepEqual(await send(next, producer, 2, 'gap'), [ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, -1])
    assert.deepEqual(await send(next, producer, 1, 'z'), [0, 2])
    const given = await newProducer(next)
    assert(given > high, `${given}`)
    const { overrides } = place.broker.topics.byName('a')!
    assert.deepEqual(Object.fromEntries(overrides), {
      'retention.ms': '-1',
      'retention.bytes': '-1',
      'message.timestamp.type': 'LogAppendTime',
    })
    assert.equal(place.broker.topics.byName('b')!.config.compact, true)
    assert.deepEqual(
      rebuilt!.topics.map(({ name, configsFrom }) => [name, configsFrom]),
      [
        ['a', 'lost'],
        ['b', 'given'],
      ],
    )
    await place.restart()
    assert.equal((await describeTopic(await place.connect(), 'a')).topicId, id)
  })
}

brokerTest('rebuilt: ids of producers that have written nothing are not given again', {}, async (place) => {
  const client = await place.connect()
  const ids = await Promise.all(Array.from({ length: 1500 }, () => newProducer(client)))
  await place.stop()
  await rebuild(place)
  await place.start()
  assert((await newProducer(await place.connect())) > Math.max(...ids))
})

brokerTest('rebuilt: topic directories of before topic ids get one, and a damaged partition.metadata the others', {}, async (place) => {
  const client = await place.connect()
  await createTopic(client, 'old', { partitions: 2 })
  const id = await createTopic(client, 'mixed', { partitions: 2 })
  await produce(client, 'old', ['x'])
  await produce(client, 'mixed', ['y'])
  await place.stop()
  const { env, logDirectory } = place
  for (const name of ['old-0', 'old-1']) await env.disk.remove(`${logDirectory}/${name}/partition.metadata`)
  const file = env.disk.open(`${logDirectory}/mixed-0/partition.metadata`, 'write')
  file.write(4, [Buffer.from('#')])
  file.close()
  const { notes, topics } = await rebuild(place)
  const made = topics.find(({ name }) => name === 'old')!.id
  assert.match(notes.join('\n'), new RegExp(`old has no partition.metadata.*new id ${made}`))
  assert.match(notes.join('\n'), /mixed-0\/partition.metadata, line 1: .*gets one with the id of mixed/)
  for (let life = 0; life < 2; life++) {
    await place.restart()
    const next = await place.connect()
    assert.equal((await describeTopic(next, 'old')).topicId, made)
    assert.equal((await describeTopic(next, 'mixed')).topicId, id)
    assert.deepEqual(valuesIn((await fetch(next, 'old', 0)).records), ['x'])
    assert.deepEqual(valuesIn((await fetch(next, 'mixed', 0)).records), ['y'])
  }
})

brokerTest('what directories leave open is a problem, and is not written', {}, async (place) => {
  await place.restart({ 'log.dirs': `${place.directory}/one,${place.directory}/two` })
  const { env, directory } = place
  const client = await place.connect()
  await createTopic(client, 'a', { partitions: 4 })
  await createTopic(client, 'b')
  await place.stop()
  const paths = new Map<string, string>()
  for (const home of ['one', 'two']) {
    for (const { name } of await env.disk.list(`${directory}/${home}`)) paths.set(name, `${directory}/${home}/${name}`)
  }
  const at = (name: string): string => paths.get(name)!
  const inOne = [...paths.keys()].find((name) => name.startsWith('a-') && at(name).includes('/one/'))!
  const inTwo = [...paths.keys()].find((name) => name.startsWith('a-') && at(name).includes('/two/'))!
  assert.deepEqual((await plan(place)).problems, [])
  const twice = new RegExp(`${inTwo} and \\S+${inTwo} are of the same partition: move away`)
  await env.disk.rename(at(inOne), `${directory}/one/${inTwo}`)
  await assert.rejects(place.start(), twice, 'a start says so too')
  await env.disk.rename(`${directory}/one/${inTwo}`, at(inOne))
  const rename = async (from: string, to: string, problem: RegExp): Promise<void> => {
    await env.disk.rename(from, to)
    const { problems } = await plan(place)
    assert.match(problems.join('\n'), problem)
    await assert.rejects(rebuild(place), problem)
    await env.disk.rename(to, from)
  }
  await rename(at('a-1'), `${directory}/a-1`, /a has no directory for partition 1 of 4/)
  await rename(at('b-0'), at('b-0').replace('b-0', 'a-4'), /a has two topic ids \(\S+ in \S+a-0, \S+a-1, \S+a-2; \S+ in \S+a-4\)/)
  await rename(at(inOne), `${directory}/one/${inTwo}`, twice)
  await rename(at('a-3'), at('a-3').replace('a-3', 'c-0'), /a and c have the same topic id/)
  await rename(at('b-0'), at('b-0').replace('b-0', 'b-4000000000'), /b-4000000000: no topic has so many partitions/)
  const configs = new Map([
    ['nope', new Map([['retention.ms', '1']])],
    ['b', new Map([['retention.nope', '1']])],
  ])
  const { problems } = await plan(place, { configs })
  assert.match(problems.join('\n'), /--config b: unknown topic config retention\.nope[^]*--config nope: there is no such topic/)
  await env.disk.rename(`${directory}/two/meta.properties`, `${directory}/two/meta`)
  await assert.rejects(plan(place), /two has no meta.properties: if its disk is missing, mount it/)
})

brokerTest('what the old tree says of a topic is passed over where it can not be read, and told', {}, async (place) => {
  const client = await place.connect()
  const id = await createTopic(client, 'a')
  await produce(client, 'a', ['kept'])
  await place.stop()
  const { env, config } = place
  let planned: RebuildPlan | undefined
  await withKeeper(env, config.keeperDir, async (tree) => {
    await tree.setData('/brokers/topics/a', Buffer.from('{garbage'))
    await rebuildTree(env, config, { ...NOTHING, from: tree }, async (plan, write) => {
      planned = plan
      await write(tree)
    })
  })
  assert.ok(planned!.notes.some((note) => note.includes('the znode /brokers/topics/a has the data "{garbage"')))
  await place.start()
  const next = await place.connect()
  assert.equal((await describeTopic(next, 'a')).topicId, id)
  assert.deepEqual(valuesIn((await fetch(next, 'a', 0)).records), ['kept'])
})
