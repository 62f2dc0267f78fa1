import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_LOG_CONFIG } from '../log-config.ts'
import type { Segment } from '../segment.ts'
import { groupSegments } from './clean-segments.ts'
import { cleanableOf, type CompactedLog } from './cleanable.ts'

/** Segments of 10 offsets and 100 bytes each, the last one active. */
function logOf(changes: Partial<CompactedLog>): CompactedLog {
  const segments = [0, 10, 20, 30, 40].map((baseOffset) => ({ baseOffset, sizeBytes: 100 }) as Segment)
  const known = { logStartOffset: 0, lastStableOffset: 45, recoveryPoint: 45, failed: null, cutCount: 0 }
  const log = { segments, config: { ...DEFAULT_LOG_CONFIG, compact: true, minCleanableDirtyRatio: 0.5 }, ...known, ...changes }
  return log as unknown as CompactedLog
}

const rangeOf = async (changes: Partial<CompactedLog>, cleanedOffset?: number): Promise<unknown> => {
  const found = await cleanableOf(logOf(changes), cleanedOffset, 0)
  return found === null ? null : [found.firstDirtyOffset, found.endOffset, found.dirtyRatio, found.isDue]
}

test('closed segments are cleaned up to the last stable offset and the recovery point, whichever comes first', async () => {
  assert.deepEqual(await rangeOf({}), [0, 40, 1, true])
  assert.deepEqual(await rangeOf({ lastStableOffset: 29 }), [0, 20, 1, true])
  assert.deepEqual(await rangeOf({ recoveryPoint: 29 }), [0, 20, 1, true])
  assert.deepEqual(await rangeOf({ recoveryPoint: 30 }), [0, 30, 1, true])
  assert.deepEqual(await rangeOf({ recoveryPoint: 9 }), null)
})

test('they are dirty from the checkpoint on, or from the start where it does not fit the log', async () => {
  assert.deepEqual(await rangeOf({}, 20), [20, 40, 0.5, false])
  assert.deepEqual(await rangeOf({}, 19), [19, 40, 0.75, true])
  assert.deepEqual(await rangeOf({}, 40), null)
  assert.deepEqual(await rangeOf({}, 41), [0, 40, 1, true])
  assert.deepEqual(await rangeOf({ logStartOffset: 13 }), [13, 40, 0.75, true])
  assert.deepEqual(await rangeOf({ logStartOffset: 13 }, 25), [25, 40, 0.5, false])
})

test('min.compaction.lag.ms ends the range at the first segment with a young record, whatever comes behind', async () => {
  const log = logOf({ config: { ...DEFAULT_LOG_CONFIG, compact: true, minCompactionLagMs: 100 } })
  ;[500, 901, 700, 800].forEach((largestTimestamp, at) => Object.assign(log.segments[at]!, { timesKnown: true, largestTimestamp }))
  assert.equal((await cleanableOf(log, undefined, 1000))?.endOffset, 10)
  assert.equal((await cleanableOf(log, undefined, 1001))?.endOffset, 40)
})

test('neighbours become one segment as far as its size, its index and its offsets allow', () => {
  const bases = (changes: Partial<CompactedLog['config']>, entries = 1, far = 0): number[][] => {
    const log = logOf({ config: { ...DEFAULT_LOG_CONFIG, ...changes } })
    const counts = { offsets: { count: entries }, times: { count: 1 } }
    const segments = log.segments.map(({ baseOffset, sizeBytes }, at) => ({
      ...counts,
      sizeBytes,
      baseOffset: baseOffset + (at > 2 ? far : 0),
    }))
    const groups = groupSegments({ ...log, segments: segments as unknown as Segment[] }, Infinity)
    assert.equal(groups.at(-1)!.endOffset, segments.at(-1)!.baseOffset)
    return groups.map((group) => group.segments.map(({ baseOffset }) => baseOffset))
  }
  assert.deepEqual(bases({}), [[0, 10, 20, 30]])
  assert.deepEqual(bases({ segmentBytes: 200 }), [
    [0, 10],
    [20, 30],
  ])
  assert.deepEqual(bases({ segmentBytes: 50 }), [[0], [10], [20], [30]])
  assert.deepEqual(bases({ segmentIndexBytes: 12 * 6 }, 2), [[0, 10, 20], [30]])
  assert.deepEqual(bases({}, 1, 2 ** 31 - 40), [[0, 10, 20, 2 ** 31 - 10]], 'an index has room for 2^31 offsets')
  assert.deepEqual(bases({}, 1, 2 ** 31 - 39), [[0, 10, 20], [2 ** 31 - 9]])
})
