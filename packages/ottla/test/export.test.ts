/** What an export refuses. What it writes is with the broker's take-over tests. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { BrokerProcess } from './ottla-process.ts'

test('an export ends with a sentence where it must not be: a broker runs, directories are wrong; and it makes none', async (t) => {
  const broker = new BrokerProcess()
  t.after(() => broker.stop())
  await broker.start()
  await broker.run(['topics', 'create', 'kept', '-p', '2'])
  const refused = async (sentence: RegExp, overrides: Readonly<Record<string, string>> = {}): Promise<void> => {
    const words = Object.entries(overrides).flatMap(([key, value]) => ['--override', `${key}=${value}`])
    const { code, err } = await broker.run(['export', '--kraft', ...broker.overrides, ...words])
    assert.match(err, sentence)
    assert.equal(code, 1)
  }
  await refused(/locked by another process/)
  await broker.end('SIGTERM')

  const [missing, empty, fresh] = ['missing', 'empty', 'fresh'].map((name) => join(broker.directory, name)) as [string, string, string]
  mkdirSync(empty)
  await refused(/log\.dirs: there is no directory \S+\/missing; nothing was written/, { 'log.dirs': `${broker.logs},${missing}` })
  await refused(/2 partition\(s\) of broker 1, kept-0 for one, and none lies in log\.dirs=\S+\/empty: set log\.dirs/, {
    'log.dirs': empty,
    'metadata.log.dir': fresh,
  })
  await refused(/keeper\.dir=\S+\/missing holds no tree/, { 'keeper.dir': missing })
  assert.deepEqual([missing, fresh].filter(existsSync), [])
  assert.deepEqual(
    readdirSync(empty).filter((name) => name !== '.lock'),
    [],
  )

  for (const controller of [':9093', 'CONTROLLER://:9093', 'host:0', 'host:65536', 'host']) {
    const { code, err } = await broker.run(['export', '--kraft', ...broker.overrides, '--controller', controller])
    assert.match(err, /--controller wants host:port with a port from 1 to 65535, not '/)
    assert.equal(code, 2)
  }
  const written = await broker.run([
    'export',
    '--kraft',
    ...broker.overrides,
    '--override',
    `metadata.log.dir=${fresh}`,
    '--controller',
    '[::1]:1',
  ])
  assert.deepEqual([written.code, written.err], [0, ''])
  assert.ok(existsSync(join(fresh, 'meta.properties')))
})
