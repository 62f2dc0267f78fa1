import assert from 'node:assert/strict'
import { test } from 'node:test'
import { World } from '@ottla/env/sim'
import { DirectoryCheckpoints } from './directory-checkpoints.ts'

test('where a log is gone, or cut, by the time of the write, compaction leaves the checkpoints as they are', async () => {
  const world = new World(1)
  const host = world.host('a')
  const work = async (): Promise<void> => {
    await host.disk.createDirectory('/d')
    const checkpoints = await DirectoryCheckpoints.read(host, '/d')
    await checkpoints.raiseRecoveryPoint('t-0', 5, () => true)
    await checkpoints.setCleanedOffset('t-0', 5, () => true)
    assert.equal(checkpoints.of('t-0').recoveryPoint, 0)
    assert.equal(checkpoints.cleanedOffset('t-0'), undefined)
    await checkpoints.raiseRecoveryPoint('t-0', 8, () => false)
    await checkpoints.setCleanedOffset('t-0', 8, () => false)
    await checkpoints.raiseRecoveryPoint('t-0', 3, () => false)
    assert.equal(checkpoints.of('t-0').recoveryPoint, 8, 'it is not lowered by that')
    let isCut = false
    const hasChanged = (): boolean => isCut
    const lowering = checkpoints.lower('t-0', 6)
    isCut = true
    await Promise.all([lowering, checkpoints.raiseRecoveryPoint('t-0', 8, hasChanged), checkpoints.setCleanedOffset('t-0', 8, hasChanged)])
    const again = await DirectoryCheckpoints.read(host, '/d')
    assert.deepEqual([again.of('t-0').recoveryPoint, again.of('t-0').cleanedOffset], [6, 6])
    await again.forget('t-0')
    assert.deepEqual((await DirectoryCheckpoints.read(host, '/d')).of('t-0'), {
      recoveryPoint: 0,
      highWatermark: 0,
      logStartOffset: 0,
      cleanedOffset: 0,
    })
  }
  await world.complete(work(), 10_000)
})
