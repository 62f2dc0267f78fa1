import { ControlType, controlType, readRecords } from '@ottla/protocol'
import type { StoredGroupRecord } from './group-log.ts'

interface Pending extends StoredGroupRecord {
  readonly offset: number
}

/**
 * The records of a coordinator's log that count: those of a transaction only once its marker says that it was committed, and never where
 * it was aborted or is open still. Of two records of one key the later one in the log counts, whenever its transaction ended. The buffers
 * of a record last one step only.
 */
export async function* decidedRecords(batches: AsyncIterable<Buffer>): AsyncGenerator<StoredGroupRecord> {
  // by producer; the records of each by key
  const open = new Map<number, Map<string, Pending>>()
  const overtake = (id: string, offset: number): void => {
    for (const pending of open.values()) if ((pending.get(id)?.offset ?? offset) < offset) pending.delete(id)
  }
  for await (const bytes of batches) {
    for (const record of readRecords(bytes)) {
      const { key, value, timestamp, offset, batch } = record
      if (batch.isControl) {
        const type = controlType(record)
        if (type !== ControlType.COMMIT && type !== ControlType.ABORT) continue
        const ended = open.get(batch.producerId)
        open.delete(batch.producerId)
        if (ended === undefined || type === ControlType.ABORT) continue
        for (const [id, committed] of ended) {
          overtake(id, committed.offset)
          yield committed
        }
      } else if (key === null) continue
      else if (batch.isTransactional) {
        const pending = open.get(batch.producerId) ?? new Map<string, Pending>()
        open.set(batch.producerId, pending)
        const copied = { key: Buffer.from(key), value: value === null ? null : Buffer.from(value), timestamp, offset }
        pending.set(key.toString('latin1'), copied)
      } else {
        if (open.size > 0) overtake(key.toString('latin1'), offset)
        yield { key, value, timestamp }
      }
    }
  }
}
