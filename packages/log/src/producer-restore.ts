import type { Entry, Env } from '@ottla/env'
import { recordBatch } from '@ottla/protocol'
import { wholeBatches } from './batch-reader.ts'
import { CorruptFileError, readWhole } from './checkpoint.ts'
import { fileName, offsetOf } from './file-names.ts'
import { OlderBatches } from './older-batches.ts'
import type { ProducerStates } from './producer-state.ts'
import { trackBatch } from './producer-tracking.ts'
import type { Segment } from './segment.ts'
import { segmentIndexFor } from './segment-list.ts'

/** Version, checksum and a count of 0: no producer at all, as in most partitions. */
const EMPTY_SNAPSHOT_BYTES = 10

/** The offsets of the producer snapshots among a directory's files, newest first. */
export function snapshotOffsets(names: Iterable<string>): number[] {
  const offsets: number[] = []
  for (const name of names) {
    const offset = offsetOf(name, '.snapshot')
    if (offset !== null) offsets.push(offset)
  }
  return offsets.sort((a, b) => b - a)
}

/**
 * Makes `states` what the log below `endOffset` says: the newest whole snapshot at or before it, then the batches after that. Snapshots
 * that are damaged, or from after `endOffset`, are removed. `segments` is the log's own list: it is looked at again later.
 */
export async function restoreProducers(
  env: Env,
  states: ProducerStates,
  segments: readonly Segment[],
  directory: string,
  startOffset: number,
  endOffset: number,
  entries?: readonly Entry[],
): Promise<void> {
  const found = entries ?? (await env.disk.list(directory))
  states.clear(startOffset)
  const newest = fileName(endOffset, '.snapshot')
  if (found.some((entry) => entry.name === newest && entry.sizeBytes === EMPTY_SNAPSHOT_BYTES)) {
    states.clear(endOffset)
    return
  }
  let from = startOffset
  for (const offset of snapshotOffsets(found.map((entry) => entry.name))) {
    const path = `${directory}/${fileName(offset, '.snapshot')}`
    if (offset > endOffset || !(await decodes(env, states, path, offset))) {
      await env.disk.remove(path)
      continue
    }
    from = offset
    if (hasSequences(states)) states.older = new OlderBatches(segments, startOffset, from)
    break
  }
  await replay(states, segments, from, endOffset)
  states.advance(endOffset)
}

function hasSequences(states: ProducerStates): boolean {
  for (const state of states.all()) if (state.lastSequence >= 0) return true
  return false
}

async function decodes(env: Env, states: ProducerStates, path: string, offset: number): Promise<boolean> {
  const bytes = await readWhole(env.disk, path)
  if (bytes === null) return false
  try {
    states.decodeSnapshot(bytes, path, offset, env.clock.now())
    return true
  } catch (error) {
    if (!(error instanceof CorruptFileError)) throw error
    env.log.warn(`${error.message}; an older one is taken`)
    return false
  }
}

async function replay(states: ProducerStates, segments: readonly Segment[], from: number, endOffset: number): Promise<void> {
  for (let at = segmentIndexFor(segments, from); at < segments.length; at++) {
    const segment = segments[at]!
    if (segment.sizeBytes === 0 || segment.baseOffset >= endOffset || from >= endOffset) continue
    segment.hold()
    try {
      await replaySegment(states, segment, from, endOffset)
    } finally {
      segment.release()
    }
  }
}

async function replaySegment(states: ProducerStates, segment: Segment, from: number, endOffset: number): Promise<void> {
  let start = 0
  if (from > segment.baseOffset) {
    await segment.warm(from)
    start = Math.max(0, segment.locate(from))
  }
  for await (const { bytes } of wholeBatches(segment.file(), start, segment.writtenBytes)) {
    const baseOffset = recordBatch.baseOffset(bytes, 0)
    if (baseOffset >= endOffset) return
    if (baseOffset < from || recordBatch.producerId(bytes, 0) < 0) continue
    trackBatch(states, bytes, 0, recordBatch.maxTimestamp(bytes, 0))
  }
}
