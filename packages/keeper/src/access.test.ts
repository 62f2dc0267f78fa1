import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CREATOR_ALL_ACL, OPEN_ACL, PERMISSIONS, READ_ACL } from '@ottla/zookeeper'
import { digestId, isPermitted, resolveAcl, SUPER } from './access.ts'

const ANN = { scheme: 'digest', id: digestId('ann:secret') }
const HOST = { scheme: 'ip', id: '10.1.2.3' }

test('who may do what', () => {
  // The id is ZooKeeper's own for this user and password.
  assert.equal(ANN.id, 'ann:7RJfAeIvrl4zdj6sS2fXrQHDvHM=')
  const acl = [{ permissions: PERMISSIONS.write, ...ANN }, ...READ_ACL]
  assert.equal(isPermitted(acl, PERMISSIONS.read, []), true)
  assert.equal(isPermitted(acl, PERMISSIONS.write, []), false)
  assert.equal(isPermitted(acl, PERMISSIONS.write, [HOST, ANN]), true)
  assert.equal(isPermitted(acl, PERMISSIONS.admin, [ANN]), false)
  assert.equal(isPermitted(acl, PERMISSIONS.admin, [SUPER]), true)
  assert.equal(isPermitted(OPEN_ACL, PERMISSIONS.admin, []), true)
})

test('networks', () => {
  const within = (network: string, address: string): boolean =>
    isPermitted([{ permissions: 1, scheme: 'ip', id: network }], 1, [{ scheme: 'ip', id: address }])
  assert.equal(within('10.1.2.3', '10.1.2.3'), true)
  assert.equal(within('10.1.0.0/16', '10.1.2.3'), true)
  assert.equal(within('10.1.0.0/16', '10.2.2.3'), false)
  assert.equal(within('0.0.0.0/0', '10.2.2.3'), true)
  assert.equal(within('fd00::/8', 'fd12::1'), true)
  assert.equal(within('fd00::/8', 'fe80::1'), false)
  assert.equal(within('::ffff:10.0.0.0/104', '::ffff:10.9.9.9'), true)
  assert.equal(within('10.0.0.0/8', 'fd00::1'), false)
  assert.equal(within('1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8%eth0'), true)
  assert.equal(within('::/0', '::1'), true)
})

test('the ACL that is kept', () => {
  assert.deepEqual(resolveAcl(CREATOR_ALL_ACL, [HOST, ANN]), [{ permissions: 31, ...ANN }])
  assert.deepEqual(resolveAcl(CREATOR_ALL_ACL, [SUPER]), [{ permissions: 31, ...SUPER }])
  assert.deepEqual(resolveAcl(CREATOR_ALL_ACL, [SUPER, ANN]), [{ permissions: 31, ...ANN }])
  assert.equal(resolveAcl(CREATOR_ALL_ACL, [HOST]), null)
  assert.deepEqual(resolveAcl([...READ_ACL, ...READ_ACL], []), READ_ACL)
  const malformed = [
    ['world', 'all'],
    ['digest', 'ann'],
    ['ip', '10.0.0'],
    ['ip', '10.0.0.256'],
    ['ip', 'fd00:::1'],
    ['ip', 'fd00::1::2'],
    ['ip', '1:2:3:4:5:6:7'],
    ['ip', '1:2:3:4:5:6:7:8:9'],
    ['ip', '::1.2.3'],
    ['ip', 'fd00::/129'],
    ['ip', '10.0.0.0/33'],
    ['ip', '10.0.0.0/8/8'],
    ['digest', ':'],
    ['digest', 'ann:'],
    ['digest', 'ann:x:y'],
    ['sasl', 'ann'],
    ['x509', 'CN=ann'],
    ['none', 'x'],
  ] as const
  for (const [scheme, id] of malformed) assert.equal(resolveAcl([{ permissions: 1, scheme, id }], []), null, `${scheme}:${id}`)
  assert.equal(resolveAcl([], []), null)
})
