import { codecOf, DECOMPRESSED_BYTES_MAX, recordBatch, recordsOf } from '@ottla/protocol'
import type { CodecWork } from '../codec-work.ts'

/** From so many bytes on, compressed or not, other threads do the work: below it takes about a millisecond. */
const LONG_COMPRESSED_BYTES = 16384
const LONG_BYTES = 32768

/** The records' bytes of a batch of magic 2, decompressed. Throws KafkaError where they can't be. */
export async function unpacked(batch: Buffer, codecs: CodecWork): Promise<Buffer> {
  const isShort = batch.length < LONG_COMPRESSED_BYTES
  if (isShort || recordBatch.codec(batch, 0) === 0 || recordBatch.recordCount(batch, 0) === 0) return recordsOf(batch, 0)
  return await codecs.decompress(recordBatch.codec(batch, 0), batch.subarray(recordBatch.BATCH_HEADER_BYTES), DECOMPRESSED_BYTES_MAX)
}

/** The records with the batch's codec. */
export async function packed(batch: Buffer, records: Buffer, codecs: CodecWork): Promise<Buffer> {
  const id = recordBatch.codec(batch, 0)
  return records.length < LONG_BYTES ? codecOf(id).compress(records) : await codecs.compress(id, records)
}
