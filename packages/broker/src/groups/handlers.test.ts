import assert from 'node:assert/strict'
import test from 'node:test'
import { ErrorCode } from '@ottla/protocol'
import { Reader, ZERO_UUID, type Decoded, type Fields } from '@ottla/wire'
import { Later } from '../later.ts'
import type { Handler, RequestContext } from '../handler.ts'
import { offsetCommit } from '../handlers/08-offset-commit.ts'
import { offsetFetch } from '../handlers/09-offset-fetch.ts'
import { findCoordinator } from '../handlers/10-find-coordinator.ts'
import { joinGroup } from '../handlers/11-join-group.ts'
import { heartbeat } from '../handlers/12-heartbeat.ts'
import { leaveGroup } from '../handlers/13-leave-group.ts'
import { syncGroup } from '../handlers/14-sync-group.ts'
import { describeGroups } from '../handlers/15-describe-groups.ts'
import { listGroups } from '../handlers/16-list-groups.ts'
import { deleteGroups } from '../handlers/42-delete-groups.ts'
import { offsetDelete } from '../handlers/47-offset-delete.ts'
import { GROUP_CONFIG_DEFAULTS } from './group-config.ts'
import { GroupCoordinator } from './group-coordinator.ts'
import { CountingRandom, FakeClock, SILENT } from './testing/fake-clock.ts'
import { MemoryGroupLog } from './testing/memory-group-log.ts'

const TOPIC = { name: 't', id: 'dG9waWMtMTIzNDU2Nzg5MA', partitions: [{}, {}] }

/** As much of a broker and a connection as these handlers look at. */
class Stage {
  readonly clock = new FakeClock()
  readonly groups = new GroupCoordinator(
    { clock: this.clock, random: new CountingRandom(), log: SILENT },
    new MemoryGroupLog(),
    GROUP_CONFIG_DEFAULTS,
  )
  readonly session = new FakeSession()
  readonly broker = {
    env: { clock: this.clock },
    groups: this.groups,
    topics: {
      byName: (name: string) => (name === TOPIC.name ? TOPIC : undefined),
      byId: (id: string) => (id === TOPIC.id ? TOPIC : undefined),
    },
    advertisedAddress: () => ({ nodeId: 1, host: 'h', port: 9092 }),
  }

  /** Both sides through the bytes of their version; what an encoder refuses fails the test. */
  async ask<Q extends Fields, P extends Fields>(handler: Handler<Q, P>, version: number, request: object): Promise<Decoded<P>> {
    const { api } = handler
    const bytes = api.request.toBuffer(version, request as never)
    const decoded = api.request.decode(new Reader(bytes), version)
    const context = { broker: this.broker, session: this.session, version, clientId: 'c', slab: null }
    const answer = await handler.handle(decoded, context as unknown as RequestContext)
    assert(answer !== null && !(answer instanceof Later))
    return api.response.decode(new Reader(api.response.toBuffer(version, answer)), version)
  }

  /** The only member of a group, joined as that version does. */
  async member(groupId: string, version = 9): Promise<{ memberId: string; generationId: number }> {
    const request = {
      groupId,
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      memberId: '',
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: Buffer.from('m') }],
    }
    if (version >= 4) {
      const first = await this.ask(joinGroup, version, request)
      assert.equal(first.errorCode, ErrorCode.MEMBER_ID_REQUIRED)
      request.memberId = first.memberId
    }
    const joining = this.ask(joinGroup, version, request)
    this.clock.advance(100)
    const { errorCode, memberId, generationId, members, protocolName } = await joining
    assert.deepEqual([errorCode, protocolName, members.map((member) => member.metadata.toString())], [0, 'range', ['m']])
    return { memberId, generationId }
  }

  async stable(groupId: string, version = 5): Promise<{ groupId: string; memberId: string; generationId: number }> {
    const identity = { groupId, ...(await this.member(groupId)) }
    const assignments = [{ memberId: identity.memberId, assignment: Buffer.from('all') }]
    const synced = await this.ask(syncGroup, version, { ...identity, protocolType: 'consumer', protocolName: 'range', assignments })
    assert.deepEqual([synced.errorCode, synced.assignment.toString()], [0, 'all'])
    return identity
  }
}

class FakeSession {
  client = 'apache-kafka-java 4.3.1'
  readonly connection = { remote: { host: '10.0.0.1', port: 1 } }
  nextRequest: () => void = () => {}
  readonly closeListeners = new Set<() => void>()

  onNextRequest(listener: () => void): void {
    this.nextRequest = listener
  }

  onClose(listener: () => void): () => void {
    this.closeListeners.add(listener)
    return () => this.closeListeners.delete(listener)
  }
}

async function stage(): Promise<Stage> {
  const made = new Stage()
  await made.groups.start()
  return made
}

const versions = (first: number, last: number): number[] => Array.from({ length: last - first + 1 }, (_, i) => first + i)

test('JoinGroup and SyncGroup in every version', async () => {
  const on = await stage()
  for (const version of versions(0, 9)) await on.member(`j${version}`, version)
  for (const version of versions(0, 5)) await on.stable(`s${version}`, version)
  for (const version of versions(0, 9)) {
    const refused = await on.ask(joinGroup, version, {
      groupId: '',
      sessionTimeoutMs: 10_000,
      memberId: '',
      protocolType: '',
      protocols: [],
    })
    assert.equal(refused.errorCode, ErrorCode.INVALID_GROUP_ID)
  }
})

test('OffsetCommit and OffsetFetch in every version, by name and by id', async () => {
  const on = await stage()
  for (const version of versions(0, 10)) {
    const groupId = `g${version}`
    const at = (partitionIndex: number): object => ({ partitionIndex, committedOffset: 7, committedMetadata: null })
    const topics = [
      { name: 't', topicId: TOPIC.id, partitions: [at(1), at(2)] },
      { name: 'no', topicId: ZERO_UUID, partitions: [at(0)] },
    ]
    const committed = await on.ask(offsetCommit, version, { groupId, topics })
    const unknown = version >= 10 ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert.deepEqual(
      committed.topics.map((topic) => topic.partitions.map(({ errorCode }) => errorCode)),
      [[0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION], [unknown]],
    )
    const wanted = [{ name: 't', topicId: TOPIC.id, partitionIndexes: [0, 1] }]
    for (const named of version < 2 ? [wanted] : [wanted, null]) {
      const fetched = await on.ask(offsetFetch, version, { groupId, topics: named, groups: [{ groupId, topics: named }] })
      const answered = version >= 8 ? fetched.groups[0]! : fetched
      assert.equal(answered.errorCode, 0)
      const offsets = answered.topics[0]!.partitions.map((one) => [one.partitionIndex, one.committedOffset, one.errorCode])
      assert.deepEqual(
        offsets,
        named === null
          ? [[1, 7, 0]]
          : [
              [0, -1, version === 0 ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : 0],
              [1, 7, 0],
            ],
      )
      if (version >= 10) assert.equal((answered.topics[0] as { topicId?: string }).topicId, TOPIC.id)
    }
  }
  const missing = await on.ask(offsetCommit, 9, {
    groupId: 'none',
    generationIdOrMemberEpoch: 1,
    memberId: 'm',
    topics: [{ name: 't', partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: '' }] }],
  })
  assert.equal(missing.topics[0]!.partitions[0]!.errorCode, ErrorCode.GROUP_ID_NOT_FOUND)
})

test('OffsetFetch says what concerns a group where its version has a place for it', async () => {
  const on = await stage()
  on.groups.close()
  for (const version of versions(0, 10)) {
    const topics = [{ name: 't', topicId: TOPIC.id, partitionIndexes: [0] }]
    const fetched = await on.ask(offsetFetch, version, { groupId: 'g', topics, groups: [{ groupId: 'g', topics }] })
    const code =
      version >= 8 ? fetched.groups[0]!.errorCode : version >= 2 ? fetched.errorCode : fetched.topics[0]!.partitions[0]!.errorCode
    assert.equal(code, ErrorCode.NOT_COORDINATOR)
  }
})

test('FindCoordinator in every version; other coordinators are refused for good', async () => {
  const on = await stage()
  for (const version of versions(0, 6)) {
    const found = await on.ask(findCoordinator, version, { key: 'g', keyType: 0, coordinatorKeys: ['g'] })
    const { errorCode, nodeId, host, port } = version >= 4 ? found.coordinators[0]! : found
    assert.deepEqual([errorCode, nodeId, host, port], [0, 1, 'h', 9092])
    if (version < 1) continue
    const transaction = await on.ask(findCoordinator, version, { key: 'g', keyType: 1, coordinatorKeys: ['g'] })
    assert.equal((version >= 4 ? transaction.coordinators[0]! : transaction).errorCode, ErrorCode.INVALID_REQUEST)
  }
})

test('Heartbeat: held for a client that heartbeats aside, answered by what happens next', async () => {
  const on = await stage()
  const identity = await on.stable('g')
  const events: string[] = []
  const beat = (): Promise<void> => on.ask(heartbeat, 4, identity).then(({ errorCode }) => void events.push(`beat ${errorCode}`))
  const held = beat()
  on.session.nextRequest()
  await held
  // A commit comes: the connection says so first, then its handler begins.
  const overtaken = beat()
  on.session.nextRequest()
  const topics = [{ name: 't', partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: '' }] }]
  await on.ask(offsetCommit, 9, { ...identity, generationIdOrMemberEpoch: identity.generationId, topics })
  await overtaken
  const waiting = beat()
  const other = on.member('g')
  await waiting
  on.session.client = ''
  await beat()
  const { RETRY, REBALANCE } = { RETRY: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, REBALANCE: ErrorCode.REBALANCE_IN_PROGRESS }
  assert.deepEqual(events, ['beat 0', `beat ${RETRY}`, `beat ${REBALANCE}`, `beat ${REBALANCE}`])
  assert.equal(on.session.closeListeners.size, 0)
  on.groups.close()
  await assert.rejects(other)
})

test('LeaveGroup in every version', async () => {
  const on = await stage()
  for (const version of versions(0, 5)) {
    const { groupId, memberId } = await on.stable(`g${version}`)
    const left = await on.ask(leaveGroup, version, { groupId, memberId, members: [{ memberId }, { memberId: 'x', groupInstanceId: 'i' }] })
    assert.equal(left.errorCode, 0)
    const answered = left.members.map((one) => [one.memberId, one.groupInstanceId, one.errorCode])
    if (version >= 3)
      assert.deepEqual(answered, [
        [memberId, null, 0],
        ['x', 'i', ErrorCode.UNKNOWN_MEMBER_ID],
      ])
    else assert.equal((await on.ask(leaveGroup, version, { groupId, memberId })).errorCode, ErrorCode.UNKNOWN_MEMBER_ID)
    assert.equal((await on.ask(leaveGroup, version, { groupId: '', memberId, members: [] })).errorCode, ErrorCode.INVALID_GROUP_ID)
  }
})

test('DescribeGroups and ListGroups in every version', async () => {
  const on = await stage()
  await on.stable('g')
  await on.member('h')
  for (const version of versions(0, 6)) {
    const { groups } = await on.ask(describeGroups, version, { groups: ['g', 'h', 'none', ''], includeAuthorizedOperations: true })
    assert.deepEqual(
      groups.map((group) => [group.groupState, group.errorCode]),
      [
        ['Stable', 0],
        ['CompletingRebalance', 0],
        ['Dead', version >= 6 ? ErrorCode.GROUP_ID_NOT_FOUND : 0],
        ['', ErrorCode.INVALID_GROUP_ID],
      ],
    )
    const { memberMetadata, memberAssignment, clientId, clientHost } = groups[0]!.members[0]!
    assert.deepEqual([memberMetadata.toString(), memberAssignment.toString(), clientId, clientHost], ['m', 'all', 'c', '/10.0.0.1'])
    assert.equal(groups[1]!.members[0]!.memberMetadata.length, 0)
  }
  for (const version of versions(0, 5)) {
    const list = async (statesFilter: string[], typesFilter: string[]): Promise<string[]> =>
      (await on.ask(listGroups, version, { statesFilter, typesFilter })).groups.map(({ groupId }) => groupId).sort()
    assert.deepEqual(await list([], []), ['g', 'h'])
    if (version >= 4) assert.deepEqual(await list(['stable', 'Nonsense'], []), ['g'])
    if (version >= 5) assert.deepEqual([await list([], ['Classic']), await list([], ['consumer'])], [['g', 'h'], []])
  }
})

test('DeleteGroups and OffsetDelete', async () => {
  const on = await stage()
  const partitions = [{ partitionIndex: 0, committedOffset: 1, committedMetadata: '' }]
  await on.ask(offsetCommit, 9, { groupId: 'g', topics: [{ name: 't', partitions }] })
  await on.stable('used')
  const topics = [
    { name: 't', partitions: [{ partitionIndex: 0 }, { partitionIndex: 9 }] },
    { name: 'no', partitions: [{ partitionIndex: 0 }] },
  ]
  const deleted = await on.ask(offsetDelete, 0, { groupId: 'g', topics })
  assert.deepEqual(
    deleted.topics.map((topic) => topic.partitions.map(({ errorCode }) => errorCode)),
    [[0, 3], [3]],
  )
  assert.equal((await on.ask(offsetDelete, 0, { groupId: 'none', topics })).errorCode, ErrorCode.GROUP_ID_NOT_FOUND)
  for (const version of versions(0, 3)) {
    const { results } = await on.ask(deleteGroups, version, { groupsNames: ['g', 'used', ''] })
    assert.deepEqual(
      results.map(({ errorCode }) => errorCode),
      [version === 0 ? 0 : ErrorCode.GROUP_ID_NOT_FOUND, ErrorCode.NON_EMPTY_GROUP, ErrorCode.INVALID_GROUP_ID],
    )
  }
})
