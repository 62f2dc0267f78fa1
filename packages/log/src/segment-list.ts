import type { Segment } from './segment.ts'

/** The last segment whose base is at or before `offset`; the first one where none is. */
export function segmentIndexFor(segments: readonly Segment[], offset: number): number {
  let low = 0
  let high = segments.length
  if (high > 0 && segments[high - 1]!.baseOffset <= offset) return high - 1
  while (low < high) {
    const middle = (low + high) >>> 1
    if (segments[middle]!.baseOffset <= offset) low = middle + 1
    else high = middle
  }
  return Math.max(0, low - 1)
}

/** Bytes of all. */
export function totalBytes(segments: readonly Segment[]): number {
  let size = 0
  for (const segment of segments) size += segment.sizeBytes
  return size
}
