import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { nodeEnv } from './index.ts'

const { O_WRONLY, O_NONBLOCK } = fs.constants

test('a lane whose device hangs leaves threads to the others', { skip: process.platform === 'win32' }, async () => {
  const directory = fs.mkdtempSync(join(tmpdir(), 'ottla-lane-'))
  const pipe = `${directory}/pipe`
  execFileSync('mkfifo', [pipe])
  const { disk } = nodeEnv({ logLevel: 'silent' })
  const hanging = disk.lane()
  const well = disk.lane()
  assert.equal(hanging.waitingSinceMs, Infinity)
  // a pipe that nobody writes to is opened by nobody
  const calls = Array.from({ length: 20 }, () => hanging.syncDirectory(pipe).catch(() => {}))
  assert.ok(hanging.waitingSinceMs < Infinity)
  for (let round = 0; round < 20; round++) {
    const [entry] = await well.list(directory)
    assert.equal(entry!.name, 'pipe')
    await disk.createDirectory(directory)
  }
  assert.equal(well.waitingSinceMs, Infinity)
  let left = calls.length
  for (const call of calls) void call.then(() => left--)
  while (left > 0) {
    try {
      fs.closeSync(fs.openSync(pipe, O_WRONLY | O_NONBLOCK))
    } catch {
      // none of them waits at this moment
    }
    await disk.list(directory)
  }
  assert.equal(hanging.waitingSinceMs, Infinity)
  fs.rmSync(directory, { recursive: true })
})
