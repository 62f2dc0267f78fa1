import { decodeBatch, recordBatch } from '@ottla/protocol'
import { sizeOfVarlong, writeVarint, writeVarlong } from '@ottla/wire'
import type { KeyOffsetMap } from './key-offset-map.ts'
import { packed, unpacked } from './packing.ts'
import { RecordCursor } from './record-cursor.ts'
import type { Turns } from './turns.ts'

/** What one pass over a log obeys. */
export interface CleaningRules {
  readonly latest: KeyOffsetMap
  /** What lies below was cleaned by an earlier pass. */
  readonly firstDirtyOffset: number
  readonly nowMs: number
  readonly deleteRetentionMs: number
  readonly turns: Turns
}

const KEPT_ATTRIBUTES = recordBatch.ATTRIBUTE_LOG_APPEND_TIME | recordBatch.ATTRIBUTE_TRANSACTIONAL | recordBatch.ATTRIBUTE_CONTROL

/**
 * The batch of data as it is after cleaning: itself where all of it stays, null where nothing does. A record stays if it has the latest
 * offset of its key; a tombstone until the horizon that its batch gets when a pass first meets it (KIP-534). Offsets, sequences and the
 * bytes of what stays are the same.
 */
export async function cleanData(batch: Buffer, rules: CleaningRules): Promise<Buffer | null> {
  if (recordBatch.magic(batch, 0) < 2) return legacyStays(batch, rules) ? batch : null
  const horizonMs = recordBatch.hasDeleteHorizon(batch, 0) ? recordBatch.baseTimestamp(batch, 0) : -1
  const cursor = new RecordCursor(batch, await unpacked(batch, rules.turns.codecs))
  const ranges: number[] = []
  let count = 0
  let hasTombstone = false
  let maxTimestamp = -1
  while (cursor.next()) {
    if (rules.turns.worked(1)) await rules.turns.next()
    if (!stays(cursor, horizonMs, rules)) continue
    count++
    hasTombstone ||= cursor.isTombstone
    if (cursor.timestamp > maxTimestamp) maxTimestamp = cursor.timestamp
    if (ranges.length > 0 && ranges[ranges.length - 1] === cursor.start) ranges[ranges.length - 1] = cursor.end
    else ranges.push(cursor.start, cursor.end)
  }
  if (count === 0) return null
  const isWhole = count === recordBatch.recordCount(batch, 0)
  if (hasTombstone && horizonMs < 0) return withHorizon(batch, cursor.records, ranges, count, maxTimestamp, rules)
  return isWhole ? batch : await rebuilt(batch, joined(cursor.records, ranges), count, maxTimestamp, -1, rules)
}

function stays(record: RecordCursor, horizonMs: number, rules: CleaningRules): boolean {
  if (record.offset >= rules.latest.endOffset) return true
  if (record.key === null || rules.latest.get(record.key) > record.offset) return false
  return !record.isTombstone || horizonMs < 0 || rules.nowMs < horizonMs
}

/**
 * Old messages stay or go as they came, a compressed set of them as one. There is no place for a horizon: their tombstones go by their own
 * time, once an earlier pass has seen them.
 */
function legacyStays(batch: Buffer, rules: CleaningRules): boolean {
  for (const { key, value, offset, timestamp } of decodeBatch(batch, 0, { checkCrc: false })) {
    if (offset >= rules.latest.endOffset) return true
    if (key === null || rules.latest.get(key) > offset) continue
    if (value !== null || offset >= rules.firstDirtyOffset || timestamp + rules.deleteRetentionMs > rules.nowMs) return true
  }
  return false
}

/** A marker of a transaction of which no batch is left: it stays until the horizon that it gets now. */
export async function cleanSpentMarker(batch: Buffer, rules: CleaningRules): Promise<Buffer | null> {
  if (recordBatch.hasDeleteHorizon(batch, 0)) return rules.nowMs < recordBatch.baseTimestamp(batch, 0) ? batch : null
  const records = await unpacked(batch, rules.turns.codecs)
  const maxTimestamp = recordBatch.maxTimestamp(batch, 0)
  return withHorizon(batch, records, [0, records.length], recordBatch.recordCount(batch, 0), maxTimestamp, rules)
}

/** The batch without its records: it keeps the producer's last sequence and time. */
export function emptied(batch: Buffer): Buffer {
  const bytes = Buffer.allocUnsafeSlow(recordBatch.BATCH_HEADER_BYTES)
  const attributes = recordBatch.attributes(batch, 0) & KEPT_ATTRIBUTES
  writeHeader(bytes, batch, attributes, recordBatch.NO_TIMESTAMP, recordBatch.maxTimestamp(batch, 0), 0)
  return bytes
}

/** Timestamps in a batch count from its horizon once it has one. */
async function withHorizon(
  batch: Buffer,
  records: Buffer,
  ranges: readonly number[],
  count: number,
  maxTimestamp: number,
  rules: CleaningRules,
): Promise<Buffer> {
  const horizonMs = rules.nowMs + rules.deleteRetentionMs
  // a length and a delta of time grow by a few bytes each
  const moved = Buffer.allocUnsafe(joinedBytes(ranges) + count * 14)
  const cursor = new RecordCursor(batch, records)
  let at = 0
  let range = 0
  while (range < ranges.length && cursor.next()) {
    if (rules.turns.worked(1)) await rules.turns.next()
    if (cursor.start < ranges[range]!) continue
    const timestampDelta = cursor.timestamp - horizonMs
    const length = 1 + sizeOfVarlong(timestampDelta) + cursor.end - cursor.bodyAt
    at = writeVarint(moved, at, length)
    moved[at++] = 0
    at = writeVarlong(moved, at, timestampDelta)
    at += records.copy(moved, at, cursor.bodyAt, cursor.end)
    if (cursor.end === ranges[range + 1]) range += 2
  }
  return await rebuilt(batch, moved.subarray(0, at), count, maxTimestamp, horizonMs, rules)
}

function joinedBytes(ranges: readonly number[]): number {
  let size = 0
  for (let at = 0; at < ranges.length; at += 2) size += ranges[at + 1]! - ranges[at]!
  return size
}

function joined(records: Buffer, ranges: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(joinedBytes(ranges))
  let end = 0
  for (let at = 0; at < ranges.length; at += 2) end += records.copy(bytes, end, ranges[at]!, ranges[at + 1]!)
  return bytes
}

/** `horizonMs` -1: the batch keeps what it has. */
async function rebuilt(
  batch: Buffer,
  records: Buffer,
  count: number,
  maxTimestamp: number,
  horizonMs: number,
  rules: CleaningRules,
): Promise<Buffer> {
  const body = await packed(batch, records, rules.turns.codecs)
  const bytes = Buffer.allocUnsafe(recordBatch.BATCH_HEADER_BYTES + body.length)
  body.copy(bytes, recordBatch.BATCH_HEADER_BYTES)
  const hasHorizon = horizonMs >= 0
  const attributes = recordBatch.attributes(batch, 0) | (hasHorizon ? recordBatch.ATTRIBUTE_DELETE_HORIZON : 0)
  const latest = recordBatch.hasLogAppendTime(batch, 0) ? recordBatch.maxTimestamp(batch, 0) : maxTimestamp
  writeHeader(bytes, batch, attributes, hasHorizon ? horizonMs : recordBatch.baseTimestamp(batch, 0), latest, count)
  return bytes
}

function writeHeader(bytes: Buffer, batch: Buffer, attributes: number, baseTimestamp: number, maxTimestamp: number, count: number): void {
  recordBatch.writeHeader(bytes, 0, {
    baseOffset: recordBatch.baseOffset(batch, 0),
    sizeBytes: bytes.length,
    leaderEpoch: recordBatch.leaderEpoch(batch, 0),
    attributes,
    lastOffsetDelta: recordBatch.lastOffsetDelta(batch, 0),
    baseTimestamp,
    maxTimestamp,
    producerId: recordBatch.producerId(batch, 0),
    producerEpoch: recordBatch.producerEpoch(batch, 0),
    baseSequence: recordBatch.baseSequence(batch, 0),
    recordCount: count,
  })
  recordBatch.setCrc(bytes, 0)
}
