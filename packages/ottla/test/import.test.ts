import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ottla } from './ottla-process.ts'

// of ZooKeeper 3.8.4: /plain with three children, and more
const GOLDEN = new URL('../../keeper/test/golden/', import.meta.url).pathname

test('ottla import copies what a ZooKeeper knew, once, below the znode that zookeeper.connect names', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'ottla-import-command-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const data = join(directory, 'zookeeper')
  cpSync(join(GOLDEN, 'zookeeper-3.8.4-snapshot.16'), join(data, 'version-2', 'snapshot.16'))
  cpSync(join(GOLDEN, 'zookeeper-3.8.4-log.1'), join(data, 'version-2', 'log.1'))
  const file = join(directory, 'server.properties')
  writeFileSync(file, `broker.id=7\nkeeper.dir=${join(directory, 'keeper')}\nzookeeper.connect=a:2181,b:2181/plain/\n`)

  const done = await ottla(['import', '--zookeeper-data', data, file])
  assert.equal(done.code, 0, done.err)
  // /plain, its children and ZooKeeper's own
  assert.match(done.out, /^Copied 7 znodes from .*zookeeper to .*keeper; sessions that ended with it: 2\n/)
  assert.match(done.out, /Start Ottla on it with broker\.id=7, log\.dirs=.* and without zookeeper\.connect\./)
  assert.deepEqual(readdirSync(join(directory, 'keeper')), ['lock', 'snapshot.18', 'snapshot.18.meta'])

  const again = await ottla(['import', '--zookeeper-data', data, file])
  assert.deepEqual([again.code, again.out], [1, ''])
  assert.match(again.err, /keeper has a tree already, in snapshot\.18: name a keeper\.dir that is empty, or remove it first/)
})

test('ottla import says what it lacks', async () => {
  const wordless = await ottla(['import'])
  assert.deepEqual([wordless.code, wordless.err], [2, 'ottla import: say what to import: --zookeeper-data DIR\n'])
  const nowhere = await ottla(['import', '--zookeeper-data', '/nonexistent/zookeeper'])
  assert.deepEqual([nowhere.code, nowhere.err], [1, 'ottla import: there is no directory /nonexistent/zookeeper\n'])
})
