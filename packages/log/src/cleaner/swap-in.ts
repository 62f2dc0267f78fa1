import assert from 'node:assert/strict'
import type { LogHome } from '../log-home.ts'
import { removeSegments } from '../retention.ts'
import type { Segment } from '../segment.ts'
import type { SegmentGroup } from './clean-segments.ts'
import type { CompactedLog } from './cleanable.ts'

const SWAP_SUFFIX = '.swap'

/**
 * Puts a cleaned segment, whole and synced, in the place of its group. False, and nothing is done, where the log `hasChanged`
 * meanwhile.
 * A crash before `.swap` is durable leaves the old segments, one after it the new one (`finishSwaps`); each step is durable before the
 * next. Readers of old segments go on with them.
 */
export async function swapIn(
  home: LogHome,
  log: CompactedLog,
  cleaned: Segment,
  group: SegmentGroup,
  hasChanged: () => boolean,
): Promise<boolean> {
  return await log.rearrange(async () => {
    if (hasChanged()) return false
    const first = log.segments.indexOf(group.segments[0]!)
    assert(first >= 0 && log.segments[first + group.segments.length]!.baseOffset === group.endOffset)
    const { disk } = home.env
    await disk.syncDirectory(log.directory)
    // the batches last: where they are complete, so is the rest
    const hasFile = (path: string): boolean => cleaned.transactions !== null || !path.includes('.txnindex')
    await cleaned.rename(SWAP_SUFFIX, ['.txnindex', '.index', '.timeindex', '.log'], hasFile)
    await disk.syncDirectory(log.directory)
    try {
      log.segments.splice(first, group.segments.length, cleaned)
      await removeSegments(home, group.segments, log.directory, log.config, { replacedOffset: cleaned.baseOffset })
      await disk.syncDirectory(log.directory)
      await cleaned.rename('', ['.log', '.txnindex', '.index', '.timeindex'], hasFile)
      await disk.syncDirectory(log.directory)
    } catch (error) {
      // neither the old names nor the new ones stand: a start puts that right
      log.diskFailed(error as Error)
      throw error
    }
    cleaned.nameUnsynced = false
    cleaned.release()
    return true
  })
}
