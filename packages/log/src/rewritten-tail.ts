import type { Segment } from './segment.ts'

const PIECE_BYTES = 262144

/**
 * Writes what the segment has from `position` on over itself, so that the next sync brings it to the disk. After a failed sync the kernel
 * takes pages for clean that never got there; a process that comes later reads them, and its own sync would do nothing for them.
 */
export async function rewriteTail(segment: Segment, position: number): Promise<void> {
  const file = segment.fileToWrite()
  const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, Math.max(0, segment.writtenBytes - position)))
  for (let at = position; at < segment.writtenBytes; at += piece.length) {
    const view = piece.subarray(0, Math.min(piece.length, segment.writtenBytes - at))
    await file.readLater(at, view)
    await file.writeLater(at, [view], false)
  }
}
