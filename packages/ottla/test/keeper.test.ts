import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, test } from 'node:test'
import { nodeEnv } from '@ottla/env/node'
import { ZooKeeperClient, type SessionEvent } from '@ottla/zookeeper'
import { BrokerProcess } from './ottla-process.ts'

const broker = new BrokerProcess()
const alive = setInterval(() => {}, 1 << 30)
after(async () => {
  clearInterval(alive)
  await broker.stop()
})

test('clients of ZooKeeper see the broker in the tree, hear of its topics, and keep their session through a restart of it', async () => {
  await broker.start()
  const client = new ZooKeeperClient(nodeEnv({ logLevel: 'error' }), { connect: broker.zookeeper })
  const events: SessionEvent[] = []
  await new Promise<void>((resolve) => client.onSession((event) => void (events.push(event), resolve())))
  const [id] = (await client.getChildren('/brokers/ids')).children
  const { data } = await client.getData(`/brokers/ids/${id}`)
  assert.equal((JSON.parse(data!.toString()) as { port: number }).port, Number(broker.bootstrap.split(':')[1]))
  await client.create('/own', null, { mode: 'ephemeral' })
  const heard = new Promise<string>((resolve) => {
    void client.addWatch('/brokers/topics', 'persistentRecursive', ({ path }) => resolve(path))
  })
  await client.sync('/')
  await broker.run(['topics', 'create', 'told'])
  assert.equal(await heard, '/brokers/topics/told')
  const { sessionId } = client
  await broker.end('SIGTERM')
  await broker.start({ 'keeper.port': broker.zookeeper.split(':')[1]! })
  while (events.filter((event) => event === 'connected').length < 2) await new Promise<void>((resolve) => client.onSession(() => resolve()))
  assert.deepEqual(events, ['connected', 'disconnected', 'connected'])
  assert.equal(client.sessionId, sessionId)
  assert.equal((await client.exists('/own'))?.ephemeralOwner, sessionId)
  await client.close()
})

test("of the four-letter words those are answered that ZooKeeper's defaults answer", async () => {
  const ask = async (word: string): Promise<string> => {
    const socket = connect(Number(broker.zookeeper.split(':')[1]), '127.0.0.1')
    socket.end(word)
    let answer = ''
    socket.on('data', (bytes) => (answer += bytes.toString()))
    await once(socket, 'close')
    return answer
  }
  assert.match(await ask('srvr'), /^Zookeeper version: /)
  assert.match(await ask('ruok'), /not in the whitelist/)
})
