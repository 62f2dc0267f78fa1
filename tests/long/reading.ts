/** Reads partitions from a place up to an end and hands every record to the ledger. */
import assert from 'node:assert/strict'
import type { Client } from '@ottla/client'
import type { Ledger, Passage } from './ledger.ts'

const STUCK_MS = 30_000

/** Goes on with each passage up to its end; `ends` by partition. */
export async function readOn(
  client: Client,
  topic: string,
  ledger: Ledger,
  passages: readonly Passage[],
  ends: readonly number[],
): Promise<number> {
  const consumer = client.consumer({ autoCommit: false, autoOffsetReset: 'none' })
  const open = new Set(ends.flatMap((end, partition) => (passages[partition]!.nextOffset < end ? [partition] : [])))
  consumer.assign([...open].map((partition) => ({ topic, partition })))
  for (const partition of open) consumer.seek({ topic, partition }, passages[partition]!.nextOffset)
  let count = 0
  try {
    while (open.size > 0) {
      const batch = await consumer.next(STUCK_MS)
      assert.ok(batch !== null, `nothing comes any more of partitions ${say(open, passages, ends)}`)
      if (!open.has(batch.partition)) continue
      const passage = passages[batch.partition]!
      for (const record of batch.records) {
        if (passage.nextOffset >= ends[batch.partition]!) break
        ledger.met(batch.partition, passage, record)
        count++
      }
      if (passage.nextOffset < ends[batch.partition]!) continue
      open.delete(batch.partition)
      consumer.assign([...open].map((partition) => ({ topic, partition })))
    }
  } finally {
    await consumer.close()
  }
  return count
}

/** Where the partitions end for a consumer. */
export async function endsOf(client: Client, topic: string, partitions: number): Promise<number[]> {
  const queries = Array.from({ length: partitions }, (_, partition) => ({ topic, partition, at: 'latest' as const }))
  return (await client.admin().listOffsets(queries)).map(({ offset }) => offset)
}

function say(open: ReadonlySet<number>, passages: readonly Passage[], ends: readonly number[]): string {
  return [...open].map((partition) => `${partition} (at ${passages[partition]!.nextOffset} of ${ends[partition]})`).join(', ')
}
