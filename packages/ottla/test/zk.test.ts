import assert from 'node:assert/strict'
import { once } from 'node:events'
import { spawn } from 'node:child_process'
import { after, test } from 'node:test'
import { BrokerProcess, MAIN, ottla, type Ended } from './ottla-process.ts'

const broker = new BrokerProcess()
after(() => broker.stop())

const zk = (...words: string[]): Promise<Ended> => ottla(['zk', '--connect', broker.zookeeper, ...words])

async function said(...words: string[]): Promise<string> {
  const { code, out, err } = await zk(...words)
  assert.equal(code, 0, err)
  return out
}

async function refused(...words: string[]): Promise<string> {
  const { code, out, err } = await zk(...words)
  assert.deepEqual([code, out], [1, ''])
  return err
}

test('ottla zk shows and changes the tree, for people and for programs; what is wrong is a sentence', async () => {
  await broker.start()
  assert.match(await said('ls'), /^admin\nbrokers\ncluster\n/)
  assert.equal(await said('create', '--parents', '/a/b', 'one'), 'Created /a/b.\n')
  assert.equal(await said('get', '/a/b'), 'one\n')
  assert.equal(await said('set', '/a/b', 'two', '--version', '0'), 'Set /a/b, which has version 1 now.\n')
  assert.match(await refused('set', '/a/b', 'three', '--version', '0'), /^ottla zk: \/a\/b has another version: /)
  assert.deepEqual(JSON.parse(await said('--json', 'get', '/a/b')), { path: '/a/b', data: 'two', version: 1 })
  assert.match(await said('create', '/a/n', '--sequential'), /^Created \/a\/n0000000001\.\n$/)
  assert.equal(await said('tree', '/a'), 'a\n  b  two\n  n0000000001\n')
  assert.equal(await said('tree', '/a', '--depth', '0'), 'a\n')
  assert.match(await said('tree', '/brokers'), /^brokers\n {2}ids\n {4}1 {2}\(ephemeral\) {2}\{"version":5/)
  assert.match(await said('stat', '/a'), /\nversion +0\n(.*\n)*numChildren +2\n/)
  assert.match(
    String((JSON.parse(await said('--json', 'stat', '/controller')) as { ephemeralOwner: string }).ephemeralOwner),
    /^0x[0-9a-f]+$/,
  )
  assert.deepEqual((await said('--json', 'ls', '/a')).trim().split('\n'), ['{"path":"/a/b"}', '{"path":"/a/n0000000001"}'])
  assert.equal(await refused('delete', '/a'), 'ottla zk: /a has children: --recursive deletes them too\n')
  assert.equal(await said('delete', '/a', '--recursive'), 'Deleted /a, and 2 below it.\n')
  assert.equal(await refused('get', '/a'), 'ottla zk: there is no znode /a, or none above it\n')
  assert.equal(await refused('create', '/brokers'), 'ottla zk: there is a znode /brokers already\n')
  assert.match(await refused('get', 'brokers'), /^ottla zk: BadArguments at brokers: /)
  assert.match((await ottla(['zk', '-c', 'a:b', 'ls'])).err, /^ottla zk: 'a:b' in 'a:b' is not host:port/)
})

test('ottla zk watch tells each change, there and below', async () => {
  const child = spawn(process.execPath, [MAIN, 'zk', '--json', '-c', broker.zookeeper, 'watch', '/brokers', '--max', '2'])
  let out = ''
  child.stdout.on('data', (bytes: Buffer) => (out += bytes.toString()))
  const closed = once(child, 'close')
  await once(child.stderr, 'data')
  await said('create', '/brokers/x')
  await said('delete', '/brokers/x')
  assert.equal((await closed)[0], 0)
  assert.deepEqual(
    out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object),
    [
      { type: 'created', path: '/brokers/x' },
      { type: 'deleted', path: '/brokers/x' },
    ],
  )
})
