import assert from 'node:assert/strict'
import { test } from 'node:test'
import { World } from '@ottla/env/sim'
import { DEFAULT_LOG_CONFIG, type CleanerSettings } from '@ottla/log'
import { BatchBuilder } from '@ottla/protocol'
import { LogDirectories } from './log-directories.ts'

const LIMIT_MS = 1e6
const [OLD_ID, NEW_ID] = ['AAAAAAAAAAAAAAAAAAAAAQ', 'AAAAAAAAAAAAAAAAAAAAAg'] as const
const config = { ...DEFAULT_LOG_CONFIG, fileDeleteDelayMs: 10 }

test('what lies where a new topic is made, and is of another id, is kept aside, for good', async () => {
  const world = new World(1)
  const host = world.host('a')
  const { disk, clock } = host
  const identity = { brokerId: 1, clusterId: 'c' }
  const cleaner = { backoffMs: Infinity } as CleanerSettings
  const open = (): Promise<LogDirectories> => LogDirectories.open(host, ['/logs'], identity, cleaner, {})
  const run = async (): Promise<void> => {
    const builder = new BatchBuilder({})
    builder.append(null, Buffer.from('precious'), [], 1)
    const bytes = builder.build()
    const before = await open()
    await (await before.obtain('t', 0, OLD_ID, config, true)).appendBytes(Buffer.from(bytes), { acks: 1, origin: 'client' })
    await before.close()
    for (let start = 0; start < 2; start++) {
      const directories = await open()
      const log = await directories.obtain('t', 0, NEW_ID, config, start === 0)
      assert.deepEqual([log.topicId, log.logEndOffset], [NEW_ID, 0])
      await new Promise<void>((resolve) => void clock.after(1000, resolve))
      await directories.close()
      const kept = disk.paths().filter((path) => /^\/logs\/t-0\.[0-9a-f]{32}-stray\/0+\.log$/.test(path))
      assert.equal(kept.length, 1)
      assert.match(String(disk.peek(kept[0]!)), /precious/)
    }
  }
  await world.complete(run(), LIMIT_MS)
})
