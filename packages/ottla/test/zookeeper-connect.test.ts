import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { nodeEnv } from '@ottla/env/node'
import { ZooKeeperClient } from '@ottla/zookeeper'
import { BrokerProcess } from './ottla-process.ts'

const far = new BrokerProcess()
const broker = new BrokerProcess()
const alive = setInterval(() => {}, 1 << 30)
after(async () => {
  clearInterval(alive)
  await Promise.all([far.stop(), broker.stop()])
})

/** The keeper is that of another broker; below a chroot a second cluster has its tree. */
const places = (): Record<string, string> => ({ 'keeper.port': '-1', 'zookeeper.connect': `${far.zookeeper}/second` })

test('a broker on a keeper in another process, which is killed and started again; then the broker is killed, and started at once', async () => {
  await far.start()
  const port = far.zookeeper.split(':')[1]!
  await broker.start(places())
  await broker.run(['topics', 'create', 't'])
  assert.equal((await broker.run(['produce', 't'], 'one\n')).code, 0)

  await far.end('SIGKILL')
  assert.equal((await broker.run(['produce', 't'], 'two\n')).code, 0)
  // refused for as long as there is no ZooKeeper; the client tries again until there is
  const created = broker.run(['topics', 'create', 'later'])
  await far.start({ 'keeper.port': port })
  assert.equal((await created).code, 0, (await created).err)
  assert.equal((await broker.run(['produce', 't'], 'three\n')).code, 0)

  await broker.end('SIGKILL')
  const { bootstrap } = broker
  await broker.start(places())
  assert.notEqual(broker.bootstrap, bootstrap)
  const read = await broker.run(['consume', 't', '--from', 'beginning', '--max', '3'])
  assert.deepEqual(read.out.trim().split('\n'), ['one', 'two', 'three'])
  const client = new ZooKeeperClient(nodeEnv({ logLevel: 'error' }), { connect: `${far.zookeeper}/second` })
  await new Promise<void>((resolve) => client.onSession(() => resolve()))
  assert.deepEqual((await client.getChildren('/brokers/topics')).children.sort(), ['later', 't'])
  const { data } = await client.getData('/brokers/ids/1')
  assert.equal((JSON.parse(data!.toString()) as { port: number }).port, Number(broker.bootstrap.split(':')[1]))
  assert.equal(await broker.end('SIGTERM'), 0)
  assert.deepEqual((await client.getChildren('/brokers/ids')).children, [])
  await client.close()
})
