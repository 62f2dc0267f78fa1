import type { GroupLog, GroupRecord, StoredGroupRecord } from '../group-log.ts'

/** `__consumer_offsets` in memory. `hold` keeps appends from being stored until `store`. */
export class MemoryGroupLog implements GroupLog {
  readonly partitionCount = 50
  readonly records: GroupRecord[][] = Array.from({ length: 50 }, () => [])
  exists = true
  /** What the next appends and creations fail with. */
  failure: Error | null = null
  held: (() => void)[] | null = null
  readonly notLed = new Set<number>()
  ensureCount = 0

  async ensure(): Promise<void> {
    this.ensureCount++
    if (this.failure !== null) throw this.failure
    this.exists = true
  }

  isLed(partition: number): boolean {
    return this.exists && !this.notLed.has(partition)
  }

  async append(partition: number, records: readonly GroupRecord[]): Promise<void> {
    if (this.failure !== null) throw this.failure
    this.records[partition]!.push(
      ...records.map(({ key, value }) => ({ key: Buffer.from(key), value: value === null ? null : Buffer.from(value) })),
    )
    const held = this.held
    if (held !== null) await new Promise<void>((resolve) => held.push(resolve))
  }

  async *read(partition: number): AsyncIterable<StoredGroupRecord> {
    for (const record of this.records[partition]!) yield { ...record, timestamp: 0 }
  }

  /** All appends that are held are stored now. */
  store(): void {
    for (const resolve of this.held?.splice(0) ?? []) resolve()
  }
}
