import { legacyCrcIsRight, recordBatch } from '@ottla/protocol'
import { wholeBatches } from '../batch-reader.ts'
import { CorruptLogError } from '../recovery.ts'
import type { Segment } from '../segment.ts'
import type { Turns } from './turns.ts'

/** A checksum of so many bytes, and what else is done with them all, is about as much work as a record: 2^10. */
const BYTES_PER_RECORD_BITS = 10

/**
 * The batches of a closed segment from position `from` on, each with a right checksum: what is damaged must not get a new one. Throws
 * CorruptLogError where a batch isn't whole or right. A batch holds until the next is asked for.
 */
export async function* checkedBatches(segment: Segment, from: number, turns: Turns): AsyncGenerator<Buffer> {
  const end = segment.writtenBytes
  let next = from
  for await (const { bytes, position } of wholeBatches(segment.file(), from, end, turns.blockBytes)) {
    const magic = recordBatch.magic(bytes, 0)
    const isRight = magic === 2 ? recordBatch.crcIsRight(bytes, 0) : magic >= 0 && magic < 2 && legacyCrcIsRight(bytes, 0)
    if (!isRight) throw new CorruptLogError(segment.path('.log'), position, 'a batch with a wrong checksum, so the log is not compacted')
    if (turns.worked(1 + (bytes.length >>> BYTES_PER_RECORD_BITS))) await turns.next()
    await turns.moved(bytes.length)
    yield bytes
    next = position + bytes.length
  }
  if (next !== end) throw new CorruptLogError(segment.path('.log'), next, 'no whole batch, so the log is not compacted')
}
