import type { Env } from '@ottla/env'
import { recordBatch } from '@ottla/protocol'
import { SEGMENT_SUFFIXES } from '../file-names.ts'
import type { LogHome } from '../log-home.ts'
import { Segment } from '../segment.ts'
import { TransactionIndex } from '../txn-index.ts'
import { checkedBatches } from './checked-batches.ts'
import { cleanData, cleanSpentMarker, emptied, type CleaningRules } from './clean-batch.ts'
import type { CompactedLog } from './cleanable.ts'
import type { CleanedTransactions } from './cleaned-transactions.ts'
import { CleanedOutput } from './cleaned-output.ts'

const CLEANED_SUFFIX = '.cleaned'
/** Offsets in an index are int32 from the base. */
const OFFSET_RANGE = 2147483647

/** Neighbours that become one segment. */
export interface SegmentGroup {
  readonly segments: readonly Segment[]
  /** The base of the segment after them. */
  readonly endOffset: number
}

/** Groups the segments that begin below `endOffset` so that the largest that each may come to is a legal segment. */
export function groupSegments(log: CompactedLog, endOffset: number): SegmentGroup[] {
  const { segmentBytes, segmentIndexBytes } = log.config
  const groups: SegmentGroup[] = []
  let segments: Segment[] = []
  let sizeBytes = 0
  let indexEntries = 0
  const entriesMax = Math.floor(segmentIndexBytes / 12)
  const all = log.segments
  for (let at = 0; at < all.length - 1 && all[at]!.baseOffset < endOffset; at++) {
    const segment = all[at]!
    const end = all[at + 1]!.baseOffset
    const entries = Math.max(segment.offsets.count, segment.times.count)
    const fits =
      sizeBytes + segment.sizeBytes <= segmentBytes &&
      indexEntries + entries <= entriesMax &&
      end - 1 - (segments[0] ?? segment).baseOffset <= OFFSET_RANGE
    if (segments.length > 0 && !fits) {
      groups.push({ segments, endOffset: segment.baseOffset })
      segments = []
      sizeBytes = indexEntries = 0
    }
    segments.push(segment)
    sizeBytes += segment.sizeBytes
    indexEntries += entries
  }
  if (segments.length > 0) groups.push({ segments, endOffset: all[all.indexOf(segments[segments.length - 1]!) + 1]!.baseOffset })
  return groups
}

/**
 * Writes what stays of a group to `.cleaned` files, synced, and answers the segment, which is held; it may end before the next one begins,
 * as Kafka's do: an empty batch in between would be an answer without a record, and a consumer's poll would end early. Nothing is left
 * where it throws.
 */
export async function cleanGroup(
  home: LogHome,
  log: CompactedLog,
  group: SegmentGroup,
  rules: CleaningRules,
  transactions: CleanedTransactions,
): Promise<Segment> {
  const cleaned = await beginCleaned(home, log, group, rules)
  try {
    const transactionIndex = cleaned.transactions!
    transactions.index = transactionIndex
    const output = new CleanedOutput(cleaned, log.config.indexIntervalBytes, rules.turns)
    for (const segment of group.segments) {
      segment.hold()
      try {
        for await (const batch of checkedBatches(segment, 0, rules.turns)) {
          const stays = await cleanedBatch(batch, log, rules, transactions)
          if (stays !== null) await output.add(stays)
        }
      } finally {
        segment.release()
      }
    }
    // an empty one takes the place of one whose markers are gone: that must not be left, whatever a crash does to names
    if (group.segments[0]!.transactions !== null) transactionIndex.create()
    else if (transactionIndex.count === 0) cleaned.transactions = null
    await output.end()
    return cleaned
  } catch (error) {
    await discardCleaned(home.env, cleaned).catch(() => {})
    throw error
  }
}

async function beginCleaned(home: LogHome, log: CompactedLog, group: SegmentGroup, rules: CleaningRules): Promise<Segment> {
  const { disk } = home.env
  const first = group.segments[0]!
  const last = group.segments[group.segments.length - 1]!
  const sizes = { log: 0, index: 0, timeIndex: 0 }
  const cleaned = new Segment(disk, home.open, log.directory, first.baseOffset, sizes, last.createdMs)
  cleaned.suffix = CLEANED_SUFFIX
  for (const suffix of ['.log', '.index', '.timeindex'] as const) await disk.remove(cleaned.path(suffix))
  cleaned.transactions = await TransactionIndex.rebuild(disk, cleaned.path('.txnindex'))
  rules.turns.check()
  cleaned.hold()
  cleaned.create()
  return cleaned
}

/** It won't be needed. */
export async function discardCleaned(env: Env, cleaned: Segment): Promise<void> {
  cleaned.release()
  cleaned.close()
  for (const suffix of SEGMENT_SUFFIXES) await env.disk.remove(cleaned.path(suffix))
}

/** What is written in place of the batch; null: nothing. */
async function cleanedBatch(
  batch: Buffer,
  log: CompactedLog,
  rules: CleaningRules,
  transactions: CleanedTransactions,
): Promise<Buffer | null> {
  const producer = log.producer(recordBatch.producerId(batch, 0))
  let stays: Buffer | null
  if (recordBatch.isControl(batch, 0)) {
    const isSpent = transactions.isSpent(batch)
    // the last thing known of an active producer is this marker's epoch
    const isEpoch = producer?.lastBatch === null && producer.epoch === recordBatch.producerEpoch(batch, 0)
    stays = isSpent && !isEpoch ? await spent(batch, rules) : batch
  } else {
    stays = transactions.isAborted(batch) ? null : await cleanData(batch, rules)
  }
  if (stays !== null) return stays
  return producer?.lastBatch?.lastOffset === recordBatch.lastOffset(batch, 0) ? emptied(batch) : null
}

async function spent(batch: Buffer, rules: CleaningRules): Promise<Buffer | null> {
  return recordBatch.recordCount(batch, 0) === 0 ? null : await cleanSpentMarker(batch, rules)
}
