import assert from 'node:assert/strict'
import test from 'node:test'
import { ErrorCode, KafkaError } from '@ottla/protocol'
import { ConsumerProtocolSubscription } from '@ottla/protocol/data/consumer-protocol'
import { Writer } from '@ottla/wire'
import type { PartitionOffset } from './committed-offsets.ts'
import { GROUP_CONFIG_DEFAULTS } from './group-config.ts'
import { GroupCoordinator, groupPartition } from './group-coordinator.ts'
import { groupFact } from './group-records.ts'
import type { JoinAnswer } from './group-member.ts'
import { CountingRandom, FakeClock, SILENT } from './testing/fake-clock.ts'
import { MemoryGroupLog } from './testing/memory-group-log.ts'

const HOUR_MS = 3_600_000
const RETENTION_MS = GROUP_CONFIG_DEFAULTS.offsetsRetentionMs
const SIMPLE = { generationId: -1, memberId: '', groupInstanceId: null, unknownGroupError: ErrorCode.ILLEGAL_GENERATION }

class Scene {
  readonly clock = new FakeClock()
  readonly log: MemoryGroupLog
  readonly groups: GroupCoordinator

  constructor(log = new MemoryGroupLog()) {
    this.log = log
    this.groups = new GroupCoordinator({ clock: this.clock, random: new CountingRandom(), log: SILENT }, log, GROUP_CONFIG_DEFAULTS)
  }

  offset(topic: string, partition: number, offset: number, metadata = ''): PartitionOffset {
    return { topic, partition, offset, leaderEpoch: 5, metadata, commitTimestampMs: this.clock.now(), expireTimestampMs: null }
  }

  join(groupId: string, memberId = '', topics: readonly string[] = ['t']): Promise<JoinAnswer> {
    const writer = new Writer()
    writer.int16(1)
    ConsumerProtocolSubscription.encode(writer, 1, { topics })
    return this.groups.join(groupId, {
      memberId,
      groupInstanceId: null,
      clientId: 'c',
      clientHost: '/h',
      sessionTimeoutMs: 45_000,
      rebalanceTimeoutMs: 60_000,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: writer.toBuffer() }],
      needsMemberId: false,
      maySkipAssignment: true,
      reason: null,
    })
  }

  /** A group with one member that has its assignment. */
  async member(groupId: string): Promise<{ memberId: string; generationId: number; groupInstanceId: null }> {
    const joining = this.join(groupId)
    this.clock.advance(100)
    const { memberId, generationId } = await joining
    const identity = { memberId, generationId, groupInstanceId: null }
    const { assignment } = await this.groups.sync(groupId, {
      ...identity,
      protocolType: null,
      protocolName: null,
      assignments: new Map([[memberId, Buffer.from('all')]]),
    })
    assert.equal(assignment.toString(), 'all')
    return identity
  }

  committed(groupId: string, topic: string, partition: number): number {
    return this.groups.fetchOffsets(groupId, [{ topic, partitions: [partition] }])[0]!.partitions[0]!.committed?.offset ?? -1
  }

  /** Time for the check of expired offsets, and for its appends. */
  async expire(afterMs: number): Promise<void> {
    this.clock.advance(afterMs)
    await settled()
  }
}

/** All promises that wait for nothing but one another are through. */
async function settled(): Promise<void> {
  for (let i = 0; i < 50; i++) await null
}

const code =
  (expected: keyof typeof ErrorCode) =>
  (error: unknown): boolean =>
    error instanceof KafkaError && error.code === ErrorCode[expected]

async function started(log?: MemoryGroupLog): Promise<Scene> {
  const scene = new Scene(log)
  await scene.groups.start()
  return scene
}

test('the partition of a group is that of Java', () => {
  assert.equal(groupPartition('console-consumer-1', 50), hash('console-consumer-1') % 50)
  // Its hash code is -2147483648, which has no absolute value in 32 bits: Kafka takes 0.
  assert.equal(groupPartition('polygenelubricants', 50), 0)
  assert.equal(groupPartition('', 50), 0)
  function hash(text: string): number {
    let sum = 0n
    for (const char of text) sum = BigInt.asIntN(32, sum * 31n + BigInt(char.charCodeAt(0)))
    return Math.abs(Number(sum))
  }
})

test('the topic is created for the first group that is looked for; until then other requests say that it is not there yet', async () => {
  const log = new MemoryGroupLog()
  log.exists = false
  const { groups } = await started(log)
  log.failure = new KafkaError(ErrorCode.INVALID_REPLICATION_FACTOR, 'too few brokers')
  await assert.rejects(groups.locate('g'), code('COORDINATOR_NOT_AVAILABLE'))
  log.failure = null
  assert.throws(() => groups.fetchOffsets('g', null), code('COORDINATOR_NOT_AVAILABLE'))
  await Promise.all([groups.locate('g'), groups.locate('h')])
  assert.equal(log.ensureCount, 2)
  await settled()
  assert.deepEqual(groups.fetchOffsets('g', null), [])
})

test('while its partition is read a group says so, and heartbeats live on; a partition of another broker is not ours', async () => {
  const log = new MemoryGroupLog()
  log.notLed.add(groupPartition('other', 50))
  const scene = new Scene(log)
  const { groups } = scene
  const starting = groups.start()
  assert.throws(() => groups.fetchOffsets('g', null), code('COORDINATOR_LOAD_IN_PROGRESS'))
  const beat = groups.heartbeat('g', { memberId: 'm', groupInstanceId: null, generationId: 1, holdMs: 0, retriesSoon: false })
  const joining = scene.join('g')
  assert.equal(groups.list().loading, true)
  assert.equal((await joining).errorCode, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
  assert.equal(await beat.answer, ErrorCode.NONE)
  await starting
  assert.equal(groups.list().loading, false)
  assert.equal((await scene.join('other')).errorCode, ErrorCode.NOT_COORDINATOR)
  await assert.rejects(groups.locate('other'), code('NOT_COORDINATOR'))
})

test('requests that no group can take', async () => {
  const scene = await started()
  const { groups } = scene
  assert.equal((await scene.join('')).errorCode, ErrorCode.INVALID_GROUP_ID)
  assert.equal((await scene.join('g', 'nobody')).errorCode, ErrorCode.UNKNOWN_MEMBER_ID)
  assert.deepEqual(groups.leave('g', [{ memberId: 'x', groupInstanceId: null, reason: null }]), [ErrorCode.UNKNOWN_MEMBER_ID])
  await assert.rejects(groups.deleteGroup('g'), code('GROUP_ID_NOT_FOUND'))
  await assert.rejects(groups.deleteOffsets('g', []), code('GROUP_ID_NOT_FOUND'))
  const codes = await groups.commit('g', { ...SIMPLE, generationId: 3, memberId: 'x' }, [scene.offset('t', 0, 1)])
  assert.deepEqual(codes, [ErrorCode.ILLEGAL_GENERATION])
  assert.equal(groups.describe('g'), undefined)
  assert.deepEqual(groups.list().groups, [])
})

test('session timeouts outside the bounds are refused', async () => {
  const { groups } = await started()
  for (const sessionTimeoutMs of [5_999, 1_800_001]) {
    const answer = await groups.join('g', {
      memberId: '',
      groupInstanceId: null,
      clientId: 'c',
      clientHost: '/h',
      sessionTimeoutMs,
      rebalanceTimeoutMs: 1,
      protocolType: 'consumer',
      protocols: [],
      needsMemberId: true,
      maySkipAssignment: true,
      reason: null,
    })
    assert.equal(answer.errorCode, ErrorCode.INVALID_SESSION_TIMEOUT)
  }
  assert.deepEqual(groups.list().groups, [])
})

test('a commit is seen once it is stored, and not at all where storing fails', async () => {
  const scene = await started()
  const { groups, log } = scene
  log.held = []
  const committing = groups.commit('g', SIMPLE, [scene.offset('t', 0, 7), scene.offset('t', 1, 8, 'x'.repeat(4097))])
  assert.equal(scene.committed('g', 't', 0), -1)
  log.store()
  assert.deepEqual(await committing, [ErrorCode.NONE, ErrorCode.OFFSET_METADATA_TOO_LARGE])
  assert.equal(scene.committed('g', 't', 0), 7)
  assert.equal(scene.committed('g', 't', 1), -1)
  log.failure = new KafkaError(ErrorCode.NOT_ENOUGH_REPLICAS, 'no')
  assert.deepEqual(await groups.commit('g', SIMPLE, [scene.offset('t', 0, 9)]), [ErrorCode.COORDINATOR_NOT_AVAILABLE])
  assert.equal(scene.committed('g', 't', 0), 7)
})

test('a restart finds groups and offsets as they were stored', async () => {
  const before = await started()
  const identity = await before.member('g')
  const committed = [before.offset('t', 0, 7), before.offset('u', 2, 9, 'm')]
  assert.deepEqual(await before.groups.commit('g', { ...identity, unknownGroupError: 0 }, committed), [0, 0])
  assert.deepEqual(await before.groups.commit('simple', SIMPLE, [before.offset('t', 0, 1)]), [0])
  const described = before.groups.describe('g')
  const offsets = before.groups.fetchOffsets('g', null)
  before.groups.close()
  assert.equal(before.clock.timerCount, 0)

  const after = await started(before.log)
  assert.deepEqual({ ...after.groups.describe('g'), stateTimestampMs: 0 }, { ...described, stateTimestampMs: 0 })
  assert.deepEqual(after.groups.fetchOffsets('g', null), offsets)
  assert.equal(after.committed('simple', 't', 0), 1)
  assert.equal(await after.groups.heartbeat('g', { ...identity, holdMs: 0, retriesSoon: false }).answer, ErrorCode.NONE)
  assert.deepEqual(
    after.groups
      .list()
      .groups.map(({ groupId, state }) => `${groupId} ${state}`)
      .sort(),
    ['g Stable', 'simple Empty'],
  )
})

test('offsets of a group expire from when it became empty, and the group with them', async () => {
  const scene = await started()
  const identity = await scene.member('g')
  await scene.groups.commit('g', { ...identity, unknownGroupError: 0 }, [scene.offset('t', 0, 7)])
  scene.groups.leave('g', [{ ...identity, reason: null }])
  await settled()
  await scene.expire(RETENTION_MS - HOUR_MS)
  assert.equal(scene.committed('g', 't', 0), 7)
  await scene.expire(2 * HOUR_MS)
  assert.equal(scene.groups.describe('g'), undefined)
  const last = scene.log.records[groupPartition('g', 50)]!.slice(-2).map(({ key, value }) => [groupFact(key, value).kind, value])
  assert.deepEqual(last, [
    ['offset', null],
    ['group', null],
  ])
  const again = await started(scene.log)
  assert.deepEqual(again.groups.list().groups, [])
})

test('offsets of a group with members stay, but for topics that nobody subscribes to any more', async () => {
  const scene = await started()
  const identity = await scene.member('g')
  await scene.groups.commit('g', { ...identity, unknownGroupError: 0 }, [scene.offset('t', 0, 7), scene.offset('left', 0, 8)])
  for (let atMs = 0; atMs < RETENTION_MS + HOUR_MS; atMs += 30_000) {
    scene.clock.advance(30_000)
    await scene.groups.heartbeat('g', { ...identity, holdMs: 0, retriesSoon: false }).answer
  }
  await settled()
  assert.equal(scene.committed('g', 't', 0), 7)
  assert.equal(scene.committed('g', 'left', 0), -1)
})

test('offsets of simple consumers expire from their commit, or when their client said', async () => {
  const scene = await started()
  await scene.groups.commit('s', SIMPLE, [
    scene.offset('t', 0, 1),
    { ...scene.offset('t', 1, 2), expireTimestampMs: scene.clock.now() + HOUR_MS },
  ])
  await scene.expire(2 * HOUR_MS)
  assert.equal(scene.committed('s', 't', 0), 1)
  assert.equal(scene.committed('s', 't', 1), -1)
  await scene.groups.commit('s', SIMPLE, [scene.offset('t', 0, 3)])
  await scene.expire(RETENTION_MS - HOUR_MS)
  assert.equal(scene.committed('s', 't', 0), 3)
  await scene.expire(2 * HOUR_MS)
  assert.deepEqual(scene.groups.list().groups, [])
})

test('a group is deleted while it is empty, with commits in flight too', async () => {
  const scene = await started()
  const { groups, log } = scene
  const identity = await scene.member('g')
  await assert.rejects(groups.deleteGroup('g'), code('NON_EMPTY_GROUP'))
  groups.leave('g', [{ ...identity, reason: null }])
  await settled()
  log.held = []
  const committing = groups.commit('g', SIMPLE, [scene.offset('t', 0, 7)])
  const deleting = groups.deleteGroup('g')
  assert.throws(() => groups.describe('g'), code('COORDINATOR_NOT_AVAILABLE'))
  log.store()
  log.held = null
  await Promise.all([committing, deleting])
  assert.equal(groups.describe('g'), undefined)
  assert.deepEqual((await started(log)).groups.list().groups, [])
})

test('offsets are deleted where no member subscribes to their topic', async () => {
  const scene = await started()
  const identity = await scene.member('g')
  await scene.groups.commit('g', { ...identity, unknownGroupError: 0 }, [scene.offset('t', 0, 7), scene.offset('u', 0, 8)])
  const codes = await scene.groups.deleteOffsets('g', [
    { topic: 't', partition: 0 },
    { topic: 'u', partition: 0 },
    { topic: 'u', partition: 1 },
  ])
  assert.deepEqual(codes, [ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC, ErrorCode.NONE, ErrorCode.NONE])
  assert.equal(scene.committed('g', 't', 0), 7)
  assert.equal(scene.committed('g', 'u', 0), -1)
})

test('offsets of a deleted topic are deleted', async () => {
  const scene = await started()
  await scene.groups.commit('g', SIMPLE, [scene.offset('t', 0, 7), scene.offset('u', 0, 8)])
  await scene.groups.topicDeleted('t')
  const again = await started(scene.log)
  assert.deepEqual(
    again.groups.fetchOffsets('g', null).map(({ topic }) => topic),
    ['u'],
  )
})

test('a partition that goes to another broker takes its groups along: what waits is answered', async () => {
  const scene = await started()
  const joining = scene.join('g')
  scene.groups.resigned(groupPartition('g', 50))
  assert.equal((await joining).errorCode, ErrorCode.NOT_COORDINATOR)
  assert.equal((await scene.join('g')).errorCode, ErrorCode.NOT_COORDINATOR)
  scene.groups.elected(groupPartition('g', 50))
  await settled()
  assert.deepEqual(scene.groups.list().groups, [])
})
