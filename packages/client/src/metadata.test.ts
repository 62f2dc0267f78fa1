import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCode } from '@ottla/protocol'
import type { Metadata } from '@ottla/protocol/messages/03-metadata'
import type { Decoded } from '@ottla/wire'
import { MetadataCache } from './metadata.ts'

const ID = 'AAAAAAAAAAAAAAAAAAAAAQ'
const OTHER_ID = 'AAAAAAAAAAAAAAAAAAAAAg'

function answer(leaderId: number, leaderEpoch: number, topicId = ID, errorCode = 0): Decoded<typeof Metadata.response.fields> {
  const partition = {
    errorCode: 0,
    partitionIndex: 0,
    leaderId,
    leaderEpoch,
    replicaNodes: [1, 2],
    isrNodes: [1, 2],
    offlineReplicas: [],
  }
  return {
    throttleTimeMs: 0,
    brokers: [{ nodeId: 1, host: 'a', port: 1, rack: null }],
    clusterId: 'c',
    controllerId: 1,
    topics: [{ errorCode, name: 't', topicId, isInternal: false, partitions: [partition], topicAuthorizedOperations: 0 }],
    clusterAuthorizedOperations: 0,
    errorCode: 0,
  }
}

test('an answer of an earlier leader epoch does not take a leader back, but a topic made anew does', () => {
  const cache = new MetadataCache()
  cache.update(answer(1, 5), 0)
  cache.update(answer(2, 4), 0)
  assert.equal(cache.partition('t', 0)!.leaderId, 1)
  cache.update(answer(2, 6), 0)
  assert.equal(cache.partition('t', 0)!.leaderId, 2)
  cache.update(answer(1, 0, OTHER_ID), 0)
  assert.deepEqual([cache.partition('t', 0)!.leaderId, cache.nameOf(ID), cache.nameOf(OTHER_ID)], [1, undefined, 't'])
})

test('a leader told of in passing counts where it is newer (KIP-951)', () => {
  const cache = new MetadataCache()
  cache.update(answer(1, 5), 0)
  cache.moveLeader('t', 0, 2, 5)
  assert.equal(cache.partition('t', 0)!.leaderId, 1)
  cache.moveLeader('t', 0, 2, 6)
  assert.equal(cache.partition('t', 0)!.leaderId, 2)
})

test('a topic that is gone is forgotten', () => {
  const cache = new MetadataCache()
  cache.update(answer(1, 5), 0)
  assert.deepEqual(
    [...cache.update(answer(1, 5, ID, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION), 0)],
    [['t', ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]],
  )
  assert.equal(cache.topics.size, 0)
})
