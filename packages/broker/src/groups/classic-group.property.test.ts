import assert from 'node:assert/strict'
import test from 'node:test'
import { ErrorCode } from '@ottla/protocol'
import fc from 'fast-check'
import { ClassicGroup } from './classic-group.ts'
import { GROUP_CONFIG_DEFAULTS } from './group-config.ts'
import type { JoinAnswer, SyncAnswer } from './group-member.ts'
import type { GroupSnapshot } from './group-requests.ts'
import { CountingRandom, FakeClock, SILENT } from './testing/fake-clock.ts'

const CLIENT_COUNT = 5

type ClientAction = 'join' | 'rejoin changed' | 'sync' | 'heartbeat' | 'held heartbeat' | 'next request' | 'leave' | 'forget' | 'commit'
type Action =
  | { readonly kind: ClientAction; readonly client: number }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'store'; readonly fails: boolean }

const client = fc.nat({ max: CLIENT_COUNT - 1 })
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'join',
        'join',
        'join',
        'sync',
        'sync',
        'sync',
        'heartbeat',
        'held heartbeat',
        'next request',
        'rejoin changed',
        'leave',
        'forget',
        'commit',
      ),
      client,
    }) as fc.Arbitrary<Action>,
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(1, 100, 400, 3_000, 6_000, 11_000) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('store' as const), fails: fc.boolean() }) },
)

/** A client as the group sees it; 0 and 1 are static. */
interface Client {
  readonly name: string
  readonly instance: string | null
  memberId: string
  generationId: number
  leads: boolean
  members: readonly string[]
  metadata: string
  joining: boolean
  syncing: boolean
  assignment: string | null
  release: ((there: boolean) => void) | null
}

/** A group among clients that do anything at any time, and what must hold of every answer. */
class World {
  readonly clock = new FakeClock()
  readonly group: ClassicGroup
  readonly clients: Client[] = []
  unanswered = 0
  #generationId = 0
  /** By generation: who leads, by which protocol, and what each member was given. */
  readonly #leaders = new Map<number, string>()
  readonly #assignments = new Map<string, string>()
  readonly #storing: { readonly group: GroupSnapshot; readonly done: (errorCode: number) => void }[] = []

  constructor() {
    this.group = new ClassicGroup('g', {
      clock: this.clock,
      random: new CountingRandom(),
      log: SILENT,
      config: { ...GROUP_CONFIG_DEFAULTS, maxSize: CLIENT_COUNT - 1 },
      save: (group, done) => void this.#storing.push({ group, done }),
    })
    for (let i = 0; i < CLIENT_COUNT; i++) {
      this.clients.push({
        name: `c${i}`,
        instance: i < 2 ? `i${i}` : null,
        memberId: '',
        generationId: -1,
        leads: false,
        members: [],
        metadata: 'm',
        joining: false,
        syncing: false,
        assignment: null,
        release: null,
      })
    }
  }

  do(action: Action): void {
    if (action.kind === 'wait') this.clock.advance(action.ms)
    else if (action.kind === 'store') this.store(action.fails ? ErrorCode.COORDINATOR_NOT_AVAILABLE : 0)
    else this.#act(this.clients[action.client]!, action.kind)
    this.check()
  }

  store(errorCode: number): boolean {
    const next = this.#storing.shift()
    next?.done(errorCode)
    return next !== undefined
  }

  #act(client: Client, kind: Action['kind']): void {
    switch (kind) {
      case 'join':
        return this.join(client)
      case 'rejoin changed':
        client.metadata += '+'
        return this.join(client)
      case 'sync':
        return this.sync(client)
      case 'heartbeat':
        return this.heartbeat(client, 0)
      case 'held heartbeat':
        return this.heartbeat(client, 2_000)
      case 'next request':
        return client.release?.(true)
      case 'leave':
        return void this.group.leave([{ memberId: client.memberId, groupInstanceId: null, reason: null }])
      case 'forget':
        client.memberId = ''
        return
      case 'commit':
        return void this.group.commitError(this.#identity(client))
    }
  }

  join(client: Client): void {
    client.joining = true
    const asked = client.memberId
    this.group.join(
      {
        memberId: client.memberId,
        groupInstanceId: client.instance,
        clientId: client.name,
        clientHost: '/h',
        sessionTimeoutMs: 10_000,
        rebalanceTimeoutMs: 12_000,
        protocolType: 'consumer',
        protocols: [{ name: 'range', metadata: Buffer.from(client.metadata) }],
        needsMemberId: true,
        maySkipAssignment: true,
        reason: null,
      },
      this.#once((answer: JoinAnswer) => this.#joined(client, asked, answer)),
    )
  }

  #joined(client: Client, asked: string, answer: JoinAnswer): void {
    client.joining = false
    if (answer.errorCode === ErrorCode.MEMBER_ID_REQUIRED) client.memberId = answer.memberId
    else if (answer.errorCode === ErrorCode.UNKNOWN_MEMBER_ID || answer.errorCode === ErrorCode.FENCED_INSTANCE_ID) {
      if (client.memberId === asked) client.memberId = ''
    }
    if (answer.errorCode !== 0) return
    assert.equal(answer.generationId, this.group.generationId, 'an answer is of the generation that the group has')
    client.memberId = answer.memberId
    client.generationId = answer.generationId
    client.leads = answer.leader === answer.memberId && !answer.skipAssignment
    client.members = answer.members.map((member) => member.memberId)
    client.assignment = null
    const leader = nameOf(answer.leader)
    assert.equal(this.#leaders.get(answer.generationId) ?? leader, leader, 'one leader a generation')
    this.#leaders.set(answer.generationId, leader)
    assert.equal(answer.members.length > 0, answer.leader === answer.memberId, 'the leader and no other sees the members')
    if (answer.members.length > 0) assert(client.members.includes(answer.memberId))
  }

  sync(client: Client): void {
    const { generationId, memberId } = client
    client.syncing = true
    const assignments = new Map(client.leads ? client.members.map((id) => [id, Buffer.from(`${generationId} ${nameOf(id)}`)]) : [])
    this.group.sync(
      { ...this.#identity(client), protocolType: null, protocolName: null, assignments },
      this.#once((answer: SyncAnswer) => {
        client.syncing = false
        if (answer.errorCode !== 0) return
        assert.equal(generationId, this.group.generationId)
        const key = `${generationId} ${nameOf(memberId)}`
        const given = answer.assignment.toString()
        assert(given === '' || given === key, `${key} was given ${given}`)
        assert.equal(this.#assignments.get(key) ?? given, given, 'one assignment a member and generation')
        this.#assignments.set(key, given)
        client.assignment = given
      }),
    )
  }

  heartbeat(client: Client, holdMs: number): void {
    client.release = this.group.heartbeat(
      { ...this.#identity(client), holdMs, retriesSoon: client.instance === null },
      this.#once((code: number) => {
        if (code === 0) assert.equal(client.generationId >= 0, true)
      }),
    )
  }

  check(): void {
    const { state, generationId, memberCount } = this.group
    assert(generationId >= this.#generationId, 'generations only grow')
    this.#generationId = generationId
    assert(memberCount <= CLIENT_COUNT, 'no more members than clients ask for')
    if (state === 'Empty') assert.equal(memberCount, 0)
    else if (state !== 'PreparingRebalance') assert(memberCount > 0)
    if (state === 'Stable') {
      const given = this.group
        .snapshot()
        .members.map(({ assignment }) => assignment.toString())
        .filter((text) => text !== '')
      assert.equal(new Set(given).size, given.length, 'nothing is given to two')
    }
  }

  #identity(client: Client): { memberId: string; groupInstanceId: string | null; generationId: number } {
    return { memberId: client.memberId, groupInstanceId: client.instance, generationId: client.generationId }
  }

  #once<T>(take: (answer: T) => void): (answer: T) => void {
    let answered = false
    this.unanswered++
    return (answer) => {
      assert.equal(answered, false, 'no request is answered twice')
      answered = true
      this.unanswered--
      take(answer)
    }
  }
}

/** The client or instance that an id was made for: static members change their ids. */
const nameOf = (memberId: string): string => memberId.slice(0, memberId.indexOf('-'))

test('whatever members do: generations follow one another, no two have one assignment, every request is answered once', () => {
  fc.assert(
    fc.property(fc.array(action, { minLength: 10, maxLength: 80 }), (actions) => {
      const world = new World()
      for (const one of actions) world.do(one)
      world.group.close(ErrorCode.NOT_COORDINATOR)
      while (world.store(0));
      assert.equal(world.unanswered, 0)
      assert.equal(world.clock.timerCount, 0)
    }),
    { numRuns: 1500 },
  )
})

test('whatever happened before: members that behave come to one stable generation, each with its assignment', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
      const world = new World()
      for (const one of actions) world.do(one)
      const behaving = world.clients.slice(0, CLIENT_COUNT - 1)
      const settled = (): boolean =>
        world.group.state === 'Stable' &&
        world.group.memberCount === behaving.length &&
        behaving.every((one) => one.generationId === world.group.generationId && one.assignment !== null)
      for (let round = 0; round < 200 && !settled(); round++) {
        world.store(0)
        for (const one of behaving) behave(world, one)
        world.clock.advance(1_000)
        world.check()
      }
      assert(settled(), `${world.group.state} with ${world.group.memberCount} members`)
      assert.equal(new Set(behaving.map((one) => one.assignment)).size, behaving.length)
    }),
    { numRuns: 500 },
  )
})

/** What a good client does next. */
function behave(world: World, one: Client): void {
  if (one.joining || one.syncing) return
  if (one.memberId === '' || one.generationId !== world.group.generationId || world.group.state === 'PreparingRebalance') world.join(one)
  else if (one.assignment === null) world.sync(one)
  else world.heartbeat(one, 0)
}
