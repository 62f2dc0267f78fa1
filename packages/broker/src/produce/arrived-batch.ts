import type { CodecWork } from '@ottla/log'
import {
  batchWith,
  CODECS,
  recordBatch,
  recompress,
  validateProduced,
  validateBatch,
  validateRecords,
  validateSize,
  type ProduceRules,
} from '@ottla/protocol'
import { Slab } from '@ottla/wire'
import type { StoredCompression } from '../topic.ts'

/** Where a batch lies. */
export interface PlacedBatch {
  readonly slab: Slab
  readonly start: number
  readonly end: number
}

/** A batch as a client sent it, and what its topic wants of it. */
export interface ArrivedBatch extends PlacedBatch {
  readonly rules: ProduceRules
  /** Null: it is stored as it came. */
  readonly compression: StoredCompression | null
}

/**
 * From so many bytes on a batch is checked or compressed by other threads: a few milliseconds of work, at the usual ratios. Decompressing
 * takes 1 (zstd) to 3 ms for a MiB of records, compressing 4 (zstd) to 18 (gzip), and as much for a tenth of it at the highest levels; lz4
 * and snappy 3 either way, which stays on the loop.
 */
const LONG_BYTES = 65536
const LONG_COMPRESSED_BYTES = 32768
const LONG_HIGH_LEVEL_BYTES = 4096
const HIGH_LEVEL = 9

/** Whether to prepare the batch would hold the loop up. */
export function isLong({ slab, start, end, compression }: ArrivedBatch): boolean {
  const sizeBytes = end - start
  if (sizeBytes < LONG_HIGH_LEVEL_BYTES) return false
  const id = recordBatch.codec(slab.bytes, start)
  if (CODECS[id]?.threaded !== undefined && sizeBytes >= LONG_COMPRESSED_BYTES) return true
  if (compression === null || compression.codec === id || CODECS[compression.codec]!.threaded === undefined) return false
  return sizeBytes >= (compression.level >= HIGH_LEVEL ? LONG_HIGH_LEVEL_BYTES : id === 0 ? LONG_BYTES : LONG_COMPRESSED_BYTES)
}

/** Checks the batch, and compresses it anew where its topic wants another codec. Throws KafkaError. */
export function prepare(batch: ArrivedBatch): PlacedBatch {
  const { slab, start, end, rules, compression } = batch
  const { bytes } = slab
  validateProduced(bytes, start, end, rules)
  if (compression === null || compression.codec === recordBatch.codec(bytes, start)) return batch
  return placed(recompress(bytes, start, compression.codec, compression.level, rules.decompressedBytesMax), rules)
}

/** The same, with the help of other threads where it is long. The batch's memory stays as it is until then. */
export async function prepareLater(batch: ArrivedBatch, work: CodecWork): Promise<PlacedBatch> {
  return isLong(batch) ? await work.run(() => prepareLong(batch, work)) : prepare(batch)
}

async function prepareLong(batch: ArrivedBatch, work: CodecWork): Promise<PlacedBatch> {
  const { slab, start, end, rules, compression } = batch
  const { bytes } = slab
  validateBatch(bytes, start, end, rules)
  const codec = recordBatch.codec(bytes, start)
  const records = await work.decompress(codec, bytes.subarray(start + recordBatch.BATCH_HEADER_BYTES, end), rules.decompressedBytesMax)
  validateRecords(bytes, start, records, 0, records.length, rules)
  if (compression === null || compression.codec === codec) return batch
  return placed(batchWith(bytes, start, compression.codec, await work.compress(compression.codec, records, compression.level)), rules)
}

function placed(bytes: Buffer, rules: ProduceRules): PlacedBatch {
  validateSize(bytes.length, rules)
  return { slab: new Slab(bytes), start: 0, end: bytes.length }
}
