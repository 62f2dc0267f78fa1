import { EnvError, type Disk, type File } from '@ottla/env'
import { fileName } from './file-names.ts'
import type { Segment } from './segment.ts'

const PIECE_BYTES = 262144

/** A name that no tool of Kafka's takes for a segment: `<offset>.log.cut-<n>`. */
function openAside(disk: Disk, directory: string, offset: number): File {
  for (let number = 1; ; number++) {
    try {
      return disk.open(`${directory}/${fileName(offset, '.log')}.cut-${number}`, 'create')
    } catch (error) {
      if (!(error instanceof EnvError) || error.code !== 'exists') throw error
    }
  }
}

/**
 * Moves what stands behind the segment's good batches (`sizeBytes`) to a file named after `offset`, and cuts it off; zeros alone are no
 * loss. Answers that file's path, or null.
 */
export async function setAsideTail(disk: Disk, segment: Segment, offset: number): Promise<string | null> {
  const file = segment.fileToWrite()
  const from = segment.sizeBytes
  const end = await endOfData(file, from, segment.writtenBytes)
  const path = end > from ? await copyAside(disk, segment, file, from, end, offset) : null
  await file.truncate(from)
  await file.sync()
  segment.writtenBytes = from
  return path
}

async function copyAside(disk: Disk, segment: Segment, file: File, from: number, end: number, offset: number): Promise<string> {
  const aside = openAside(disk, segment.directory, offset)
  try {
    for (let position = from; position < end; position += PIECE_BYTES) {
      const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, end - position))
      await file.readLater(position, piece)
      await aside.writeLater(position - from, [piece], false)
    }
    await aside.sync()
  } finally {
    aside.close()
  }
  await disk.syncDirectory(segment.directory)
  return aside.path
}

/** The end of the last piece of [from, end) that has more than zeros: a file that was made larger ahead of its data. */
async function endOfData(file: File, from: number, end: number): Promise<number> {
  const piece = Buffer.allocUnsafe(PIECE_BYTES)
  while (end > from) {
    const start = Math.max(from, end - PIECE_BYTES)
    const view = piece.subarray(0, end - start)
    await file.readLater(start, view)
    let last = view.length
    while (last > 0 && view[last - 1] === 0) last--
    if (last > 0) return start + last
    end = start
  }
  return from
}

/** Gives a whole segment such a name, if there is anything in it; its indexes go. */
export async function setAside(disk: Disk, segment: Segment): Promise<void> {
  segment.close()
  const { directory, baseOffset } = segment
  if (segment.writtenBytes === 0) {
    await disk.remove(segment.path('.log'))
  } else {
    const aside = openAside(disk, directory, baseOffset)
    aside.close()
    await disk.rename(segment.path('.log'), aside.path)
  }
  for (const suffix of ['.index', '.timeindex', '.txnindex'] as const) await disk.remove(segment.path(suffix))
}
