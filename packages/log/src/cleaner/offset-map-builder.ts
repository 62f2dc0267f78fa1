import { decodeBatch, recordBatch } from '@ottla/protocol'
import type { Segment } from '../segment.ts'
import type { Cleanable } from './cleanable.ts'
import { CleanedTransactions } from './cleaned-transactions.ts'
import { KeyOffsetMap } from './key-offset-map.ts'
import { unpacked } from './packing.ts'
import { RecordCursor } from './record-cursor.ts'
import { checkedBatches } from './checked-batches.ts'
import type { Turns } from './turns.ts'

/**
 * The latest offset of each key in the dirty part, as far as the map has room: `endOffset` says how far that is. Aborted transactions don't
 * count.
 */
export async function buildOffsetMap(cleanable: Cleanable, map: KeyOffsetMap, turns: Turns): Promise<KeyOffsetMap> {
  const { log, firstDirtyOffset, endOffset } = cleanable
  map.endOffset = firstDirtyOffset
  const transactions = new CleanedTransactions(log.abortedTransactions(firstDirtyOffset, endOffset))
  const segments = log.segments.filter((segment) => segment.baseOffset < endOffset)
  for (let at = 0; at < segments.length; at++) {
    const segmentEnd = segments[at + 1]?.baseOffset ?? endOffset
    if (segmentEnd <= firstDirtyOffset) continue
    if (!(await enterSegment(map, segments[at]!, firstDirtyOffset, transactions, turns))) return map
    map.endOffset = segmentEnd
  }
  return map
}

/** False: the map is full. */
async function enterSegment(
  map: KeyOffsetMap,
  segment: Segment,
  from: number,
  transactions: CleanedTransactions,
  turns: Turns,
): Promise<boolean> {
  segment.hold()
  try {
    await segment.warm(Math.max(from, segment.baseOffset))
    const start = Math.max(0, segment.locate(Math.max(from, segment.baseOffset)))
    for await (const batch of checkedBatches(segment, start, turns)) {
      if (recordBatch.isControl(batch, 0)) transactions.isSpent(batch)
      else if (!transactions.isAborted(batch) && !(await enterBatch(map, batch, from, turns))) return false
      map.endOffset = Math.max(map.endOffset, recordBatch.lastOffset(batch, 0) + 1)
    }
    return true
  } finally {
    segment.release()
  }
}

async function enterBatch(map: KeyOffsetMap, batch: Buffer, from: number, turns: Turns): Promise<boolean> {
  if (recordBatch.magic(batch, 0) < 2) {
    for (const { key, offset } of decodeBatch(batch, 0, { fromOffset: from, checkCrc: false })) {
      if (!enter(map, key, offset)) return false
    }
    return true
  }
  const cursor = new RecordCursor(batch, await unpacked(batch, turns.codecs))
  while (cursor.next()) {
    if (turns.worked(1)) await turns.next()
    if (cursor.offset >= from && !enter(map, cursor.key, cursor.offset)) return false
  }
  return true
}

function enter(map: KeyOffsetMap, key: Buffer | null, offset: number): boolean {
  if (key === null || map.put(key, offset)) return true
  map.endOffset = offset
  return false
}
