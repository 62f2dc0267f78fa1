import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Api } from '@ottla/protocol'
import { Metadata } from '@ottla/protocol/messages/03-metadata'
import { ApiVersions } from '@ottla/protocol/messages/18-api-versions'
import { DescribeCluster } from '@ottla/protocol/messages/60-describe-cluster'
import { BrokerConnection, ClientError, createClient, parseBootstrap } from '../src/index.ts'
import { DROP, FakeCluster, HANG } from './fake-cluster.ts'
import { env, setUp } from './setup.ts'

const kind =
  (expected: string) =>
  (error: unknown): boolean =>
    error instanceof ClientError && error.kind === expected

test('a connection speaks the highest version that both sides know', async (t) => {
  const { cluster } = await setUp(t)
  cluster.versions.set(Metadata.key, { min: 0, max: 5 })
  const connection = await BrokerConnection.open(env, cluster.brokers[0]!.address, { clientId: 'tester' })
  assert.equal(connection.version(Metadata as unknown as Api), 5)
  await connection.request(Metadata, { topics: null })
  await connection.request(Metadata, { topics: null }, { versionMax: 3 })
  assert.deepEqual(
    cluster.calls.filter(({ api }) => api === 'Metadata').map(({ version }) => version),
    [5, 3],
  )
  assert.equal(cluster.calls[0]!.version, 4, 'ApiVersions itself')
  connection.close()
})

test('a broker of an old ApiVersions is asked again in its version (KIP-511)', async (t) => {
  const { cluster } = await setUp(t)
  cluster.versions.set(ApiVersions.key, { min: 0, max: 2 })
  const connection = await BrokerConnection.open(env, cluster.brokers[0]!.address, { clientId: 'tester' })
  assert.equal(cluster.calls[0]!.version, 2)
  assert.equal(connection.supports(Metadata as unknown as Api), true)
  connection.close()
})

test('what the broker lacks is an error that says so, and the connection stays', async (t) => {
  const { cluster } = await setUp(t)
  cluster.versions.set(Metadata.key, { min: 90, max: 99 })
  const connection = await BrokerConnection.open(env, cluster.brokers[0]!.address, { clientId: 'tester' })
  await assert.rejects(connection.request(DescribeCluster, { includeClusterAuthorizedOperations: false }), kind('unsupported'))
  await assert.rejects(connection.request(Metadata, { topics: null }), /speaks Metadata 90-99, this client 0-13/)
  assert.equal(connection.open, true)
  connection.close()
})

test('requests are pipelined and answered in order', async (t) => {
  const { cluster } = await setUp(t)
  for (let i = 0; i < 50; i++) cluster.createTopic(`t${i}`)
  const connection = await BrokerConnection.open(env, cluster.brokers[0]!.address, { clientId: 'tester' })
  const asked = Array.from({ length: 50 }, (_, i) => connection.request(Metadata, { topics: [{ name: `t${i}` }] }))
  assert.equal(connection.unanswered, 50)
  const answers = await Promise.all(asked)
  assert.deepEqual(
    answers.map(({ topics }) => topics[0]!.name),
    answers.map((_, i) => `t${i}`),
  )
  connection.close()
})

test('when the peer closes, all that is unanswered is rejected as disconnected', async (t) => {
  const { cluster } = await setUp(t)
  cluster.intercept(Metadata, () => DROP)
  const connection = await BrokerConnection.open(env, cluster.brokers[0]!.address, { clientId: 'tester' })
  const asked = await Promise.allSettled([connection.request(Metadata, { topics: null }), connection.request(Metadata, { topics: null })])
  for (const result of asked) assert.ok(result.status === 'rejected' && kind('disconnected')(result.reason))
  assert.equal(connection.open, false)
  await assert.rejects(connection.request(Metadata, { topics: null }), kind('disconnected'))
})

test('a request without an answer in time closes the connection', async (t) => {
  const { cluster } = await setUp(t)
  cluster.intercept(Metadata, () => HANG)
  const connection = await BrokerConnection.open(env, cluster.brokers[0]!.address, { clientId: 'tester' })
  const slow = connection.request(Metadata, { topics: null }, { timeoutMs: 60_000 })
  const quick = connection.request(Metadata, { topics: null }, { timeoutMs: 5 })
  await assert.rejects(quick, kind('timeout'))
  await assert.rejects(slow, kind('timeout'))
})

test('where nobody listens, the error names the address', async () => {
  const cluster = await FakeCluster.start(env)
  const { host, port } = cluster.brokers[0]!.address
  await cluster.stop()
  await assert.rejects(BrokerConnection.open(env, { host, port }, { clientId: 'tester' }), new RegExp(`No connection to ${host}:${port}`))
  const client = createClient(env, { bootstrap: `${host}:${port},${host}:${port}`, retryBackoffMs: 1, requestTimeoutMs: 5 })
  await assert.rejects(client.admin().describeCluster(), /None of the brokers/)
  client.close()
})

test('what is no Kafka is told from what is', async (t) => {
  const listener = await env.net.listen({ host: '127.0.0.1', port: 0 }, (connection) => ({
    space: () => Buffer.alloc(1024),
    received: () => connection.write(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')),
    drained() {},
    closed() {},
  }))
  t.after(() => listener.close())
  await assert.rejects(BrokerConnection.open(env, listener.address, { clientId: 'tester' }), kind('protocol'))
})

test('bootstrap addresses', () => {
  assert.deepEqual(parseBootstrap('a:1, [::1]:9093,b'), [
    { host: 'a', port: 1 },
    { host: '::1', port: 9093 },
    { host: 'b', port: 9092 },
  ])
  for (const wrong of ['', 'a:b', 'a:99999', ' , ']) assert.throws(() => parseBootstrap(wrong), kind('usage'), wrong)
})
