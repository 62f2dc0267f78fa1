import assert from 'node:assert/strict'
import { test } from 'node:test'
import { World, type Host } from '@ottla/env/sim'
import { openKeeper, type Keeper } from '@ottla/keeper'
import { ZooKeeperClient, ZooKeeperError, type SessionEvent } from '@ottla/zookeeper'
import { CLIENTS } from './clients.ts'

const LIMIT_MS = 120_000
const SESSION_TIMEOUT_MS = 6_000
const PORT = 2181

/** A keeper and a machine with clients, in one simulated world. */
class Place {
  readonly world: World
  readonly server: Host
  readonly near: Host
  keeper: Keeper | null = null

  private constructor(seed: number) {
    this.world = new World(seed)
    this.server = this.world.host('keeper')
    this.near = this.world.host('client')
  }

  static async open(seed = 1): Promise<Place> {
    const place = new Place(seed)
    await place.start()
    return place
  }

  async start(): Promise<void> {
    const clients = { ...CLIENTS, addresses: [{ host: 'keeper', port: PORT }] }
    this.keeper = await this.world.complete(openKeeper(this.server, '/keeper', { clients }), LIMIT_MS)
  }

  complete<T>(promise: Promise<T>): Promise<T> {
    return this.world.complete(promise, LIMIT_MS)
  }

  async until(condition: () => boolean): Promise<void> {
    assert.ok(await this.world.run(condition, LIMIT_MS), 'it never happens')
  }

  async passTime(ms: number): Promise<void> {
    const endMs = this.world.timeMs + ms
    await this.world.run(() => this.world.timeMs >= endMs, ms)
  }

  async connect(): Promise<{ client: ZooKeeperClient; events: SessionEvent[] }> {
    const client = new ZooKeeperClient(this.near, { connect: `keeper:${PORT}`, sessionTimeoutMs: SESSION_TIMEOUT_MS })
    const events: SessionEvent[] = []
    client.onSession((event) => void events.push(event))
    await this.until(() => events.includes('connected'))
    return { client, events }
  }
}

test('a session goes on over a lost connection: its ephemerals stay, its watches are restored', async () => {
  const place = await Place.open()
  const { client, events } = await place.connect()
  const other = await place.connect()
  const { sessionId } = client
  await place.complete(client.create('/mine', null, { mode: 'ephemeral' }))
  const heard: string[] = []
  await place.complete(client.addWatch('/', 'persistentRecursive', ({ type, path }) => void heard.push(`${type} ${path}`)))
  place.world.faults.unreachableMs = 10
  place.world.partition(place.server, place.near)
  await place.until(() => events.includes('disconnected'))
  await assert.rejects(client.getData('/mine'), { code: 'ConnectionLoss' })
  place.world.healAll()
  await place.until(() => events.at(-1) === 'connected' && other.events.at(-1) === 'connected')
  assert.equal(client.sessionId, sessionId)
  await place.complete(other.client.create('/new', null))
  await place.until(() => heard.length > 0)
  assert.deepEqual(heard, ['created /new'])
  assert.equal((await place.complete(client.exists('/mine')))?.ephemeralOwner, sessionId)
})

test('what was under way when the connection was lost is told as unknown', async () => {
  const place = await Place.open()
  const { client } = await place.connect()
  place.world.faults.unreachableMs = 10
  const asked = client.create('/a', null)
  const outcome = asked.then(
    () => 'made',
    (error: ZooKeeperError) => error.code,
  )
  place.world.partition(place.server, place.near)
  assert.equal(await place.complete(outcome), 'ConnectionLoss')
})

test('a silent client loses its session after its timeout, not before; it is told, and has a new one', async () => {
  const place = await Place.open()
  const { client, events } = await place.connect()
  const { sessionId } = client
  await place.complete(client.create('/mine', null, { mode: 'ephemeral' }))
  const far = place.world.host('far')
  const watcher = new ZooKeeperClient(far, { connect: `keeper:${PORT}`, sessionTimeoutMs: 20_000 })
  let isThere = false
  watcher.onSession(() => void (isThere = true))
  await place.until(() => isThere)
  place.world.partition(place.server, place.near)
  await place.passTime(SESSION_TIMEOUT_MS - 1000)
  assert.notEqual(await place.complete(watcher.exists('/mine')), null)
  await place.passTime(SESSION_TIMEOUT_MS)
  assert.equal(await place.complete(watcher.exists('/mine')), null)
  place.world.healAll()
  await place.until(() => events.filter((event) => event === 'connected').length === 2)
  assert.deepEqual(events, ['connected', 'disconnected', 'expired', 'connected'])
  assert.notEqual(client.sessionId, sessionId)
})

test('an idle session lives on', async () => {
  const place = await Place.open()
  const { client, events } = await place.connect()
  await place.complete(client.create('/mine', null, { mode: 'ephemeral' }))
  await place.passTime(20 * SESSION_TIMEOUT_MS)
  assert.deepEqual(events, ['connected'])
  assert.notEqual(await place.complete(client.exists('/mine')), null)
})

for (const how of ['kill', 'crash'] as const) {
  test(`sessions outlive a ${how} of the keeper`, async () => {
    const place = await Place.open()
    const { client, events } = await place.connect()
    const { sessionId } = client
    await place.complete(client.create('/mine', null, { mode: 'ephemeral' }))
    place.server[how]()
    await place.start()
    await place.until(() => events.filter((event) => event === 'connected').length === 2)
    assert.equal(client.sessionId, sessionId)
    assert.notEqual(await place.complete(client.exists('/mine')), null)
    await place.complete(client.close())
    const { client: other } = await place.connect()
    assert.equal(await place.complete(other.exists('/mine')), null)
  })
}

test('who has the password takes the session over, and the older connection is closed; who has not is refused', async () => {
  const place = await Place.open()
  const { client, events } = await place.connect()
  await place.complete(client.create('/mine', null, { mode: 'ephemeral' }))
  const { sessionId, password } = client.session
  const options = { connect: `keeper:${PORT}`, sessionTimeoutMs: SESSION_TIMEOUT_MS }
  const stranger = new ZooKeeperClient(place.near, { ...options, session: { sessionId, password: Buffer.alloc(16, 7) } })
  const strange: SessionEvent[] = []
  stranger.onSession((event) => void strange.push(event))
  await place.until(() => strange.includes('connected'))
  assert.deepEqual(strange, ['expired', 'connected'])
  assert.notEqual(stranger.sessionId, sessionId)
  assert.deepEqual(events, ['connected'])
  const heir = new ZooKeeperClient(place.near, { ...options, session: { sessionId, password } })
  let isHeir = false
  heir.onSession((event) => void (isHeir ||= event === 'connected'))
  await place.until(() => isHeir)
  await place.until(() => events.includes('disconnected'))
  assert.equal(heir.sessionId, sessionId)
})

test('without a port, sessions of clients of a former life are ended', async () => {
  const place = await Place.open()
  const { client } = await place.connect()
  await place.complete(client.create('/mine', null, { mode: 'ephemeral' }))
  place.server.kill()
  const keeper = await place.complete(openKeeper(place.server, '/keeper'))
  const inside = keeper.connect()
  await place.complete(inside.sync('/'))
  assert.equal(await place.complete(inside.exists('/mine')), null)
})
