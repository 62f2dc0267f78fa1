import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { nodeEnv } from '@ottla/env/node'
import { ZooKeeperClient } from '@ottla/zookeeper'
import { ottla } from './ottla-process.ts'

const SCRIPT = new URL('../../../bin/zookeeper-server-start', import.meta.url).pathname
const FILE = 'clientPort=0\nclientPortAddress=127.0.0.1\ntickTime=2000\nmaxClientCnxns=0\nadmin.enableServer=false\n'

/** The script that Kafka's users know, until it says where it listens. */
async function started(file: string): Promise<{ child: ChildProcess; connect: string }> {
  const child = spawn(SCRIPT, [file], { stdio: ['ignore', 'pipe', 'inherit'] })
  for await (const bytes of child.stdout) {
    const connect = /clients of ZooKeeper to (127\.0\.0\.1:\d+)/.exec(String(bytes))?.[1]
    if (connect !== undefined) return { child, connect }
  }
  throw new Error('it ended')
}

test('a keeper alone by zookeeper-server-start: what is acknowledged is there after a kill, and the session too', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'ottla-zookeeper-'))
  const alive = setInterval(() => {}, 1 << 30)
  let child: ChildProcess | undefined
  t.after(() => {
    clearInterval(alive)
    child?.kill('SIGKILL')
    rmSync(directory, { recursive: true, force: true })
  })
  const file = join(directory, 'zookeeper.properties')
  writeFileSync(file, `dataDir=${directory}\n${FILE}`)
  const first = await started(file)
  child = first.child
  const env = nodeEnv({ logLevel: 'error' })
  const client = new ZooKeeperClient(env, { connect: first.connect })
  await new Promise<void>((resolve) => client.onSession(() => resolve()))
  await client.create('/own', Buffer.from('x'), { mode: 'ephemeral' })
  assert.deepEqual(readdirSync(directory).sort(), ['ottla-keeper', 'zookeeper.properties'])
  first.child.kill('SIGKILL')
  await once(first.child, 'exit')
  writeFileSync(file, `dataDir=${directory}\n${FILE.replace('=0', `=${first.connect.split(':')[1]}`)}`)
  const second = await started(file)
  child = second.child
  await new Promise<void>((resolve) => client.onSession((event) => event === 'connected' && resolve()))
  assert.equal((await client.exists('/own'))?.ephemeralOwner, client.sessionId)
  await client.close()
  second.child.kill('SIGTERM')
  assert.deepEqual(await once(second.child, 'exit'), [0, null])
})

test('the data of a ZooKeeper are not opened in place', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'ottla-zookeeper-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const file = join(directory, 'zookeeper.properties')
  writeFileSync(file, `dataDir=${directory}\n${FILE}`)
  mkdirSync(join(directory, 'version-2'))
  const ended = await ottla(['zookeeper', file])
  assert.equal(ended.code, 1)
  assert.match(ended.err, /in version-2, .*'ottla import --zookeeper-data \S+ --override keeper\.dir=\S+\/ottla-keeper' copy them/)
})

test('words that no keeper understands', async () => {
  const wrong = await ottla(['zookeeper', 'a', 'b'])
  assert.deepEqual([wrong.code, wrong.err], [2, 'ottla zookeeper: one file of properties, not 2: a b\n'])
  const absent = await ottla(['zookeeper', '/nonexistent/zookeeper.properties'])
  assert.deepEqual([absent.code, absent.err], [1, 'ottla zookeeper: there is no file /nonexistent/zookeeper.properties\n'])
})
