import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ASSIGNORS, cooperativeStickyAssignor, rangeAssignor, roundRobinAssignor, type Assignor, type AssignorMember } from './assignors.ts'
import type { TopicPartition } from './offsets.ts'

const member = (memberId: string, topics: string[], owned: TopicPartition[] = [], generationId = -1): AssignorMember => ({
  memberId,
  groupInstanceId: null,
  topics,
  owned,
  generationId,
})

function shown(assignment: Map<string, TopicPartition[]>): Record<string, string> {
  return Object.fromEntries([...assignment].map(([id, list]) => [id, list.map(({ topic, partition }) => `${topic}${partition}`).join(' ')]))
}

test('range gives each member consecutive partitions of each topic', () => {
  const members = [member('b', ['x', 'y']), member('a', ['x', 'y'])]
  assert.deepEqual(
    shown(
      rangeAssignor.assign(
        members,
        new Map([
          ['x', 3],
          ['y', 3],
        ]),
      ),
    ),
    { b: 'x2 y2', a: 'x0 x1 y0 y1' },
  )
})

test('round robin deals partitions of all topics out', () => {
  const members = [member('b', ['x', 'y']), member('a', ['x', 'y'])]
  assert.deepEqual(
    shown(
      roundRobinAssignor.assign(
        members,
        new Map([
          ['x', 3],
          ['y', 3],
        ]),
      ),
    ),
    { b: 'x1 y0 y2', a: 'x0 x2 y1' },
  )
})

test('static members come first, by instance id', () => {
  const members = [member('a', ['x']), { ...member('z', ['x']), groupInstanceId: 'one' }]
  assert.deepEqual(shown(rangeAssignor.assign(members, new Map([['x', 2]]))), { z: 'x0', a: 'x1' })
})

test('sticky leaves what is owned; what changes hands is free first', () => {
  const owned = [0, 1, 2, 3].map((partition) => ({ topic: 'x', partition }))
  const counts = new Map([['x', 4]])
  const first = cooperativeStickyAssignor.assign([member('a', ['x'], owned, 1), member('b', ['x'])], counts)
  assert.deepEqual(shown(first), { a: 'x0 x1', b: '' })
  const second = cooperativeStickyAssignor.assign([member('a', ['x'], first.get('a')!, 2), member('b', ['x'], [], 2)], counts)
  assert.deepEqual(shown(second), { a: 'x0 x1', b: 'x2 x3' })
  const stale = cooperativeStickyAssignor.assign([member('a', ['x'], owned, 1), member('b', ['x'], owned.slice(0, 2), 2)], counts)
  assert.deepEqual(shown(stale), { a: 'x2 x3', b: 'x0 x1' })
})

/** Rounds of the assignor until nothing changes: more than one where partitions change hands. */
function settle(assignor: Assignor, members: AssignorMember[], counts: Map<string, number>): Map<string, TopicPartition[]> {
  let assignment = assignor.assign(members, counts)
  for (let round = 1; round < 4; round++) {
    assignment = assignor.assign(
      members.map((one) => ({ ...one, owned: assignment.get(one.memberId)!, generationId: round })),
      counts,
    )
  }
  return assignment
}

test('whatever the group, each partition has one owner that subscribes to it, and loads are even', () => {
  const topics = ['x', 'y', 'z']
  fc.assert(
    fc.property(
      fc.array(fc.subarray(topics, { minLength: 1 }), { minLength: 1, maxLength: 6 }),
      fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 3, maxLength: 3 }),
      fc.constantFrom(...ASSIGNORS),
      (subscriptions, sizes, assignor) => {
        const counts = new Map(topics.flatMap((topic, i) => (sizes[i]! > 0 ? [[topic, sizes[i]!] as const] : [])))
        const members = subscriptions.map((list, i) => member(`m${i}`, list))
        const assignment = settle(assignor, members, counts)
        const seen = new Set<string>()
        for (const { memberId, topics: subscribed } of members) {
          for (const { topic, partition } of assignment.get(memberId)!) {
            assert.ok(subscribed.includes(topic))
            assert.ok(!seen.has(`${topic}${partition}`), 'twice')
            seen.add(`${topic}${partition}`)
          }
        }
        let wanted = 0
        for (const [topic, count] of counts) if (members.some((one) => one.topics.includes(topic))) wanted += count
        assert.equal(seen.size, wanted)
        if (assignor === rangeAssignor || !subscriptions.every((list) => list.length === topics.length)) return
        const loads = members.map(({ memberId }) => assignment.get(memberId)!.length)
        assert.ok(Math.max(...loads) - Math.min(...loads) <= 1)
      },
    ),
    { numRuns: 300 },
  )
})
