import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { CodecWork, THREADS_MAX } from '@ottla/log'
import { BatchBuilder, codecNamed, type ProduceRules } from '@ottla/protocol'
import { Slab } from '@ottla/wire'
import { isLong, prepareLater, type ArrivedBatch } from './arrived-batch.ts'

const RULES: ProduceRules = {
  apiVersion: 12,
  now: 1,
  batchBytesMax: 1 << 20,
  isCompacted: false,
  timestampType: 'CreateTime',
  timestampBeforeMsMax: 1e13,
  timestampAfterMsMax: 1e13,
  decompressedBytesMax: 1 << 20,
}

/** Knows how many batches lie decompressed in memory. */
class CountingWork extends CodecWork {
  count = 0
  countMax = 0

  override async decompress(id: number, bytes: Buffer, sizeMax: number): Promise<Buffer> {
    const records = await super.decompress(id, bytes, sizeMax)
    this.countMax = Math.max(this.countMax, ++this.count)
    return records
  }

  override async compress(id: number, bytes: Buffer, level: number): Promise<Buffer> {
    const compressed = await super.compress(id, bytes, level)
    this.count--
    return compressed
  }
}

test('of the batches that wait to be compressed anew only as many are decompressed as threads work on them', async () => {
  const work = new CountingWork({ elsewhere: async (here) => here() })
  const builder = new BatchBuilder({ codec: codecNamed('zstd')!.id })
  builder.append(null, randomBytes(100_000), [], 1)
  const bytes = builder.build()
  const batch: ArrivedBatch = {
    slab: new Slab(bytes),
    start: 0,
    end: bytes.length,
    rules: RULES,
    compression: { codec: codecNamed('gzip')!.id, level: 1 },
  }
  assert.ok(isLong(batch))
  await Promise.all(Array.from({ length: 5 * THREADS_MAX }, () => prepareLater(batch, work)))
  assert.deepEqual([work.count, work.countMax], [0, THREADS_MAX])
})
