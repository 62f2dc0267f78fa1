/** A broker on a ZooKeeper that is elsewhere: who may start on whose tree, and when. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTopic, fetch, produce, valuesIn } from './actions.ts'
import { Elsewhere, SESSION_TIMEOUT_MS } from './elsewhere.ts'

test('the chroot is made, the broker registered and controller; a stop ends all of it, and what was written is there again', async () => {
  const place = await Elsewhere.open()
  await place.start()
  const client = await place.connect()
  await place.complete(createTopic(client, 't'))
  assert.equal((await place.complete(produce(client, 't', ['a', 'b']))).errorCode, 0)
  const tree = await place.session()
  const registration = await place.complete(tree.getData('/brokers/ids/1'))
  assert.equal(registration.stat.ephemeralOwner, place.zooKeeper.sessionId)
  // all interfaces are told as the machine's name
  assert.deepEqual((JSON.parse(registration.data!.toString()) as { endpoints: string[] }).endpoints, ['PLAINTEXT://broker:9092'])
  assert.equal((await place.complete(tree.exists('/controller')))?.ephemeralOwner, place.zooKeeper.sessionId)
  await place.stop()
  assert.deepEqual((await place.complete(tree.getChildren('/brokers/ids'))).children, [])
  assert.equal(await place.complete(tree.exists('/controller')), null)
  await place.start()
  assert.deepEqual(valuesIn((await place.complete(fetch(await place.connect(), 't', 0))).records), ['a', 'b'])
  assert.equal((await place.complete(tree.getData('/controller_epoch'))).data?.toString(), '2')
  assert.deepEqual(place.errors, [])
})

for (const how of ['kill', 'crash'] as const) {
  test(`after a ${how} the former session is ended by the start, which waits for nothing`, async () => {
    for (let seed = 1; seed <= 5; seed++) {
      const place = await Elsewhere.open(seed)
      for (let life = 1; life <= 3; life++) {
        const fromMs = place.world.timeMs
        await place.start()
        assert.ok(place.world.timeMs - fromMs < SESSION_TIMEOUT_MS / 2, `life ${life} of seed ${seed}`)
        place.brokerHost[how]()
      }
    }
  })
}

test('a session that is not written down, or of a copied directory, is waited for until it is over', async () => {
  const place = await Elsewhere.open()
  await place.start()
  place.brokerHost.kill()
  await place.complete(place.brokerHost.disk.remove('/logs/ottla.zookeeper-session.json'))
  const fromMs = place.world.timeMs
  await place.start()
  assert.ok(place.world.timeMs - fromMs > SESSION_TIMEOUT_MS / 2)
  assert.ok(place.brokerHost.log.lines.some(({ message }) => message.startsWith('waiting for the end of an earlier session')))
})

test('who has another machine’s session file leaves that session alone, and is refused while it lasts', async () => {
  const place = await Elsewhere.open()
  // which is the same on both
  const listeners = 'PLAINTEXT://127.0.0.1:9092'
  const { zooKeeper } = await place.start({ listeners })
  const { sessionId } = zooKeeper
  const copy = place.world.host('copy')
  const file = '/logs/ottla.zookeeper-session.json'
  const kept = place.brokerHost.disk.open(file, 'read')
  const bytes = Buffer.alloc(kept.sizeBytes())
  kept.read(0, bytes)
  await place.complete(copy.disk.createDirectory('/logs'))
  copy.disk.open(file, 'create').write(0, [bytes])
  await assert.rejects(place.start({ listeners }, copy), /broker 1 is the controller, and its session lasts/)
  assert.equal((await place.complete(zooKeeper.exists('/brokers/ids/1')))?.ephemeralOwner, sessionId)
  assert.deepEqual(place.warnings, [])
})

test('without a ZooKeeper a start waits as long as zookeeper.connection.timeout.ms, and says so', async () => {
  const place = await Elsewhere.open()
  place.keeperHost.kill()
  await assert.rejects(
    place.start({ 'zookeeper.connection.timeout.ms': 9000 }),
    /^Error: zookeeper\.connect=keeper:2181\/kafka: no ZooKeeper answered within 9000 ms .*; the last word was: keeper:2181: /,
  )
  const started = place.start({ 'zookeeper.connection.timeout.ms': 60_000 })
  place.world.after(30_000, () => void place.openKeeper())
  await started
})

test('another broker id on one tree is refused, whether the first runs or not', async () => {
  const place = await Elsewhere.open()
  await place.start()
  const other = place.world.host('other')
  const refusal = /the tree is of broker 1, and this one is broker\.id=2: clusters of several brokers are not built yet/
  await assert.rejects(place.start({ 'broker.id': 2 }, other), refusal)
  await place.stop()
  await assert.rejects(place.start({ 'broker.id': 2 }, other), refusal)
  await place.start({ 'broker.id': 2, 'zookeeper.connect': 'keeper:2181/another' }, other)
})

test("a tree that has Kafka's brokers registered is refused; one that Kafka left and log.dirs do not know, too", async () => {
  const place = await Elsewhere.open()
  await place.start()
  await place.stop()
  const kafka = await place.session()
  await place.complete(kafka.create('/brokers/ids/1', Buffer.from('{"version":5,"host":"k","port":9092}'), { mode: 'ephemeral' }))
  await assert.rejects(place.start(), /the tree has Kafka's brokers 1 registered: stop them first/)
  await place.complete(kafka.delete('/brokers/ids/1'))
  await place.start()
  await place.stop()

  const root = await place.session('')
  for (const path of ['/old', '/old/cluster', '/old/brokers', '/old/brokers/ids']) await place.complete(root.create(path, null))
  await place.complete(root.create('/old/cluster/id', Buffer.from('{"version":"1","id":"anotherCluster12345678"}')))
  await assert.rejects(place.start({ 'zookeeper.connect': 'keeper:2181/old' }), /the tree is of Kafka's cluster anotherCluster12345678/)
  const empty = place.start({ 'zookeeper.connect': 'keeper:2181/old', 'log.dirs': '/new' })
  await assert.rejects(empty, /Kafka's cluster anotherCluster12345678, and log\.dirs \(\/new\) are of none: to take it over, name/)
})
