import assert from 'node:assert/strict'
import test from 'node:test'
import { ConsumerProtocolSubscription } from '@ottla/protocol/data/consumer-protocol'
import { Writer } from '@ottla/wire'
import { groupFact, groupRecord, groupTombstone, offsetRecord, offsetTombstone, subscribedTopics } from './group-records.ts'
import type { GroupSnapshot } from './group-requests.ts'

const OFFSET = { topic: 't', partition: 3, offset: 258, leaderEpoch: 7, metadata: 'm', commitTimestampMs: 1000, expireTimestampMs: null }

const GROUP: GroupSnapshot = {
  groupId: 'g',
  generationId: 4,
  protocolType: 'consumer',
  protocolName: 'range',
  leader: 'a',
  stateTimestampMs: 99,
  members: [
    {
      memberId: 'a',
      groupInstanceId: 'i',
      clientId: 'c',
      clientHost: '/h',
      rebalanceTimeoutMs: 5,
      sessionTimeoutMs: 6,
      metadata: Buffer.from('say'),
      assignment: Buffer.from('do'),
    },
  ],
}

test('an offset is a record of key type 1, value version 3', () => {
  const { key, value } = offsetRecord('g', OFFSET)
  assert.equal(key.toString('hex'), '0001' + '0001' + '67' + '0001' + '74' + '00000003')
  assert.equal(value!.toString('hex'), '0003' + '0000000000000102' + '00000007' + '0001' + '6d' + '00000000000003e8')
  assert.deepEqual(groupFact(key, value), { kind: 'offset', groupId: 'g', topic: 't', partition: 3, offset: OFFSET })
  assert.deepEqual(groupFact(offsetTombstone('g', OFFSET).key, null), {
    kind: 'offset',
    groupId: 'g',
    topic: 't',
    partition: 3,
    offset: null,
  })
})

test('an offset with a time of expiry has value version 1, which has no leader epoch', () => {
  const { key, value } = offsetRecord('g', { ...OFFSET, expireTimestampMs: 2000 })
  assert.equal(value!.toString('hex'), '0001' + '0000000000000102' + '0001' + '6d' + '00000000000003e8' + '00000000000007d0')
  const fact = groupFact(key, value)
  assert.deepEqual(fact.kind === 'offset' && fact.offset, { ...OFFSET, leaderEpoch: -1, expireTimestampMs: 2000 })
})

test('a group is a record of key type 2, value version 3', () => {
  const { key, value } = groupRecord(GROUP)
  assert.equal(key.toString('hex'), '0002' + '0001' + '67')
  assert.equal(
    value!.toString('hex'),
    [
      '0003',
      '0008',
      Buffer.from('consumer').toString('hex'),
      '00000004',
      '0005',
      Buffer.from('range').toString('hex'),
      '0001',
      '61',
      '0000000000000063',
      '00000001',
      '0001',
      '61',
      '0001',
      '69',
      '0001',
      '63',
      '0002',
      Buffer.from('/h').toString('hex'),
      '00000005',
      '00000006',
      '00000003',
      Buffer.from('say').toString('hex'),
      '00000002',
      Buffer.from('do').toString('hex'),
    ].join(''),
  )
  assert.deepEqual(groupFact(key, value), { kind: 'group', groupId: 'g', group: GROUP })
  assert.deepEqual(groupFact(groupTombstone('g').key, null), { kind: 'group', groupId: 'g', group: null })
})

test('an empty group has no protocol and no leader', () => {
  const empty = { ...GROUP, protocolType: null, protocolName: null, leader: null, members: [] }
  const { key, value } = groupRecord(empty)
  assert.deepEqual(groupFact(key, value), { kind: 'group', groupId: 'g', group: empty })
})

test('keys of the oldest brokers are read, kinds that are not known are named', () => {
  const old = Buffer.from('0000' + '0001' + '67' + '0001' + '74' + '00000003', 'hex')
  const value = Buffer.from('0000' + '0000000000000102' + '0001' + '6d' + '00000000000003e8', 'hex')
  const fact = groupFact(old, value)
  assert.deepEqual(fact.kind === 'offset' && fact.offset, { ...OFFSET, leaderEpoch: -1 })
  assert.deepEqual(groupFact(Buffer.from('0003000167', 'hex'), null), { kind: 'other', type: 3 })
})

test('subscriptions are read where they are in the form of the consumer protocol', () => {
  const writer = new Writer()
  writer.int16(1)
  ConsumerProtocolSubscription.encode(writer, 1, { topics: ['t', 'u'] })
  const metadata = writer.toBuffer()
  assert.deepEqual(subscribedTopics({ ...GROUP, members: [{ ...GROUP.members[0]!, metadata }] }), new Set(['t', 'u']))
  assert.equal(subscribedTopics(GROUP), null)
})
