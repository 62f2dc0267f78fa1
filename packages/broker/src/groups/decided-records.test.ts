import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BatchBuilder, buildEndTransactionMarker } from '@ottla/protocol'
import { decidedRecords } from './decided-records.ts'

/** What stands in the log, in order: `key=value` of nobody's transaction or of a producer's, or the end of a producer's. */
type Entry = { readonly record: string; readonly producer?: number } | { readonly producer: number; readonly end: 'commit' | 'abort' }

async function* batchesOf(entries: readonly Entry[]): AsyncGenerator<Buffer> {
  for (const [baseOffset, entry] of entries.entries()) {
    if ('end' in entry) {
      const marker = { producerId: entry.producer, producerEpoch: 0, isCommit: entry.end === 'commit', coordinatorEpoch: 0, timestamp: 5 }
      yield buildEndTransactionMarker({ ...marker, baseOffset })
      continue
    }
    const { record, producer } = entry
    const isTransactional = producer !== undefined
    const builder = new BatchBuilder({ baseOffset, producerId: producer ?? -1, producerEpoch: isTransactional ? 0 : -1, isTransactional })
    const [key, value] = record.split('=')
    builder.append(Buffer.from(key!), value === '' ? null : Buffer.from(value!), [], baseOffset)
    const bytes = builder.build()
    yield bytes
    // the buffer is another batch's from now on
    bytes.fill(0xff)
  }
}

/** As the last record of each key tells; null: a tombstone. */
async function stateOf(...entries: readonly Entry[]): Promise<Record<string, string | null>> {
  const state: Record<string, string | null> = {}
  for await (const { key, value } of decidedRecords(batchesOf(entries))) state[key.toString()] = value?.toString() ?? null
  return state
}

test('records of a transaction count once it is committed, and in no other case', async () => {
  assert.deepEqual(await stateOf({ record: 'a=1' }, { record: 'a=2', producer: 7 }), { a: '1' })
  assert.deepEqual(await stateOf({ record: 'a=1' }, { record: 'a=2', producer: 7 }, { producer: 7, end: 'abort' }), { a: '1' })
  assert.deepEqual(await stateOf({ record: 'a=1' }, { record: 'a=2', producer: 7 }, { producer: 7, end: 'commit' }), { a: '2' })
  assert.deepEqual(await stateOf({ record: 'a=1' }, { record: 'a=', producer: 7 }, { producer: 7, end: 'commit' }), { a: null })
  // the end of another, and a second transaction of the same
  assert.deepEqual(
    await stateOf(
      { record: 'a=1', producer: 7 },
      { record: 'b=1', producer: 8 },
      { producer: 8, end: 'commit' },
      { producer: 7, end: 'abort' },
      { record: 'c=1', producer: 7 },
      { producer: 7, end: 'commit' },
    ),
    { b: '1', c: '1' },
  )
})

test('of two records of one key the later in the log counts, whichever transaction ends later', async () => {
  const early: Entry = { record: 'a=early', producer: 7 }
  assert.deepEqual(await stateOf(early, { record: 'a=plain' }, { producer: 7, end: 'commit' }), { a: 'plain' })
  assert.deepEqual(await stateOf(early, { record: 'a=' }, { producer: 7, end: 'commit' }), { a: null })
  const late: Entry = { record: 'a=late', producer: 8 }
  assert.deepEqual(await stateOf(early, late, { producer: 8, end: 'commit' }, { producer: 7, end: 'commit' }), { a: 'late' })
  assert.deepEqual(await stateOf(early, late, { producer: 7, end: 'commit' }, { producer: 8, end: 'commit' }), { a: 'late' })
  assert.deepEqual(await stateOf(early, late, { producer: 8, end: 'abort' }, { producer: 7, end: 'commit' }), { a: 'early' })
})
