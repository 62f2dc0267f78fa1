/** What compaction of a log directory obeys; it is looked at anew for each log. */
export interface CleanerSettings {
  /** `log.cleaner.backoff.ms`: how long it rests; Infinity, from the start on: it runs by `runCleaner` alone. */
  readonly backoffMs: number
  /** `log.cleaner.threads`: logs that are cleaned at the same time, in turns; 0: none. */
  readonly threads: number
  /** `log.cleaner.dedupe.buffer.size`: the most that the maps of keys may take, all together. */
  readonly dedupeBytesMax: number
  /** `log.cleaner.io.buffer.load.factor`: how full a map may get. */
  readonly loadFactor: number
  /** `log.cleaner.io.buffer.size`: what is read and written at once, all together; a larger batch gets what it needs. */
  readonly ioBufferBytes: number
  /** `log.cleaner.io.max.bytes.per.second`: read and written, all together. */
  readonly ioBytesPerSecondMax: number
}

export const DEFAULT_CLEANER_SETTINGS: CleanerSettings = {
  backoffMs: 15_000,
  threads: 1,
  dedupeBytesMax: 134_217_728,
  loadFactor: 0.9,
  ioBufferBytes: 524_288,
  ioBytesPerSecondMax: Infinity,
}
