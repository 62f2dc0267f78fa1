import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, test } from 'node:test'
import { BrokerProcess } from './ottla-process.ts'

let broker = new BrokerProcess()
afterEach(() => broker.stop())

test('a killed broker starts again with all that it acknowledged', async () => {
  broker = new BrokerProcess()
  await broker.start()
  await broker.run(['produce', 'kept'], 'one\ntwo\n')
  assert.equal(await broker.end('SIGKILL'), null)
  await broker.start()
  assert.equal((await broker.run(['consume', 'kept', '--from', 'beginning', '--exit'])).out, 'one\ntwo\n')
  assert.equal(await broker.end('SIGTERM'), 0)
})

test('a partition whose synced records are damaged stays where it is; the others are served', async () => {
  broker = new BrokerProcess()
  await broker.start()
  await broker.run(['produce', 'damaged'], 'one\ntwo\n')
  await broker.run(['produce', 'sound'], 'three\n')
  await broker.end('SIGTERM')
  const directory = join(broker.logs, 'damaged-0')
  const path = join(directory, '00000000000000000000.log')
  const bytes = readFileSync(path)
  bytes[30]! ^= 1
  writeFileSync(path, bytes)
  // after a clean stop little is read; after a kill all is
  await broker.start()
  await broker.end('SIGKILL')
  await broker.start()
  assert.equal((await broker.run(['consume', 'sound', '--from', 'beginning', '--exit'])).out, 'three\n')
  assert.deepEqual(readFileSync(path), bytes)
  assert.ok(existsSync(directory))
  assert.deepEqual(
    readdirSync(broker.logs).filter((name) => name.endsWith('-delete')),
    [],
  )
})
