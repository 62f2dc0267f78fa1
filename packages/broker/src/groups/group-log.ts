/** A record for `__consumer_offsets`; a value of null is a tombstone. */
export interface GroupRecord {
  readonly key: Buffer
  readonly value: Buffer | null
}

export interface StoredGroupRecord extends GroupRecord {
  /** The record's own timestamp, milliseconds since 1970. */
  readonly timestamp: number
}

/** Where groups are kept: the partitions of `__consumer_offsets`. */
export interface GroupLog {
  /** Partitions of the topic, or those that it will have once it is created. */
  readonly partitionCount: number
  /** Resolves once the topic exists, creating it if need be; rejects where that can't be done now. */
  ensure(): Promise<void>
  /** This broker leads the partition, and its log is online. False for all of them before the topic exists. */
  isLed(partition: number): boolean
  /**
   * Appends in the order of the calls; resolves once all records are stored as acks=all promises, and in that order too. Rejects with
   * a KafkaError, and then none of them counts.
   */
  append(partition: number, records: readonly GroupRecord[]): Promise<void>
  /**
   * The records from the log's start to its end that count (`decided-records.ts`): none of a transaction that isn't committed. The buffers
   * need last one step only.
   */
  read(partition: number): AsyncIterable<StoredGroupRecord>
}
