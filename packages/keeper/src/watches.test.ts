import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OPEN_ACL, type WatchEventType } from '@ottla/zookeeper'
import { Watches, type Watcher } from './watches.ts'

function bench(): { watches: Watches; watcher: (name: string) => Watcher; fire: (type: WatchEventType, path: string) => string[] } {
  const watches = new Watches()
  let heard: string[] = []
  return {
    watches,
    watcher: (name) => ({ notify: ({ type, path }) => void heard.push(`${name}: ${type} ${path}`) }),
    fire(type, path) {
      heard = []
      watches.trigger({ type, path, acl: OPEN_ACL }, 1)
      return heard
    },
  }
}

test('one-shot watches fire once, and a deletion tells each connection once', () => {
  const { watches, watcher, fire } = bench()
  const a = watcher('a')
  const b = watcher('b')
  watches.add(a, 'data', '/x')
  watches.add(a, 'data', '/x')
  watches.add(a, 'child', '/x')
  watches.add(b, 'child', '/x')
  assert.deepEqual(fire('childrenChanged', '/x'), ['a: childrenChanged /x', 'b: childrenChanged /x'])
  assert.deepEqual(fire('childrenChanged', '/x'), [])
  watches.add(a, 'child', '/x')
  watches.add(b, 'child', '/x')
  assert.deepEqual(fire('deleted', '/x'), ['a: deleted /x', 'b: deleted /x'])
  assert.deepEqual(fire('deleted', '/x'), [])
  watches.add(a, 'data', '/x')
  assert.deepEqual(fire('created', '/x'), ['a: created /x'])
  watches.add(a, 'data', '/x')
  assert.deepEqual(fire('dataChanged', '/x'), ['a: dataChanged /x'])
  assert.equal(watches.has(a, 'data', '/x'), false)
})

test('persistent watches stay; recursive ones cover all below and no list of children', () => {
  const { watches, watcher, fire } = bench()
  const a = watcher('a')
  const b = watcher('b')
  watches.add(a, 'persistent', '/x')
  watches.add(b, 'persistentRecursive', '/x')
  for (let times = 0; times < 2; times++) {
    assert.deepEqual(fire('dataChanged', '/x'), ['a: dataChanged /x', 'b: dataChanged /x'])
    assert.deepEqual(fire('childrenChanged', '/x'), ['a: childrenChanged /x'])
    assert.deepEqual(fire('created', '/x/y/z'), ['b: created /x/y/z'])
    assert.deepEqual(fire('created', '/xy'), [])
  }
  watches.add(a, 'persistentRecursive', '/')
  watches.add(a, 'data', '/x/y')
  assert.deepEqual(fire('deleted', '/x/y'), ['a: deleted /x/y', 'b: deleted /x/y'])
  assert.equal(watches.remove(b, 'persistentRecursive', '/x'), true)
  assert.equal(watches.remove(b, 'persistentRecursive', '/x'), false)
  watches.removeAll(a)
  assert.deepEqual(fire('dataChanged', '/x'), [])
})
