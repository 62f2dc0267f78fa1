import {
  controlType,
  decodeBatch,
  ControlType,
  ErrorCode,
  KafkaError,
  recordBatch,
  wholeSizeBytes,
  type KafkaRecord,
} from '@ottla/protocol'

/** A record as consumers see it: views on what was fetched, not copies. */
export type ConsumerRecord = KafkaRecord

/** A ConsumedBatch ends once it holds so much, at the end of a record batch. */
const RECORDS_MIN = 2000
const SIZE_BYTES_MIN = 128 << 10
const MAGIC_WITH_COUNT = 2

/** Consecutive records of one partition. They are decoded when `records` is first asked for. */
export class ConsumedBatch {
  readonly topic: string
  readonly partition: number
  /** Where to read on after this. Offsets may be missing: compacted away, or of transactions. */
  readonly nextOffset: number
  /** Of the leader that wrote the last of them; -1: not known. */
  readonly leaderEpoch: number
  /** What the partition's end was when they were fetched. */
  readonly highWatermark: number
  /** Bytes of their record batches, compressed as they are. */
  readonly sizeBytes: number
  readonly #bytes: Buffer
  /** Where the record batches are. */
  readonly #positions: readonly number[]
  readonly #fromOffset: number
  readonly #checkCrc: boolean
  #records: KafkaRecord[] | null = null

  constructor(topic: string, partition: number, part: Part, highWatermark: number, checkCrc: boolean) {
    this.topic = topic
    this.partition = partition
    this.nextOffset = part.nextOffset
    this.leaderEpoch = part.leaderEpoch
    this.highWatermark = highWatermark
    this.sizeBytes = part.sizeBytes
    this.#bytes = part.bytes
    this.#positions = part.positions
    this.#fromOffset = part.fromOffset
    this.#checkCrc = checkCrc
  }

  /** Rejects damaged records with CORRUPT_MESSAGE. */
  get records(): readonly ConsumerRecord[] {
    if (this.#records === null) {
      const options = { fromOffset: this.#fromOffset, checkCrc: this.#checkCrc }
      const all: KafkaRecord[] = []
      for (const at of this.#positions) for (const record of decodeBatch(this.#bytes, at, options)) all.push(record)
      this.#records = all
    }
    return this.#records
  }

  /** How many `records` there are, where possible without decoding them. */
  get recordCount(): number {
    let count = 0
    for (const at of this.#positions) {
      const cut = recordBatch.baseOffset(this.#bytes, at) < this.#fromOffset
      if (cut || recordBatch.magic(this.#bytes, at) < MAGIC_WITH_COUNT) return this.records.length
      count += recordBatch.recordCount(this.#bytes, at)
    }
    return count
  }
}

export interface Part {
  readonly bytes: Buffer
  readonly positions: readonly number[]
  readonly fromOffset: number
  readonly nextOffset: number
  readonly leaderEpoch: number
  readonly sizeBytes: number
}

export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
}

/**
 * Cuts what a fetch brought into parts, at the bounds of record batches. Control batches are left out, and with `aborted` (not null: read
 * committed) the batches of aborted transactions (formats §9). A part without positions only moves the position on. A batch whose end
 * is missing is left. With `checkCrc` what is left out has a right checksum, lest a flipped bit hide a batch: else CORRUPT_MESSAGE, once
 * all before it is given.
 */
export function cutParts(bytes: Buffer, fromOffset: number, aborted: readonly AbortedTransaction[] | null, checkCrc = false): Part[] {
  const filter = aborted === null ? null : new AbortedFilter(aborted)
  const parts: Part[] = []
  let positions: number[] = []
  let records = 0
  let start = 0
  let nextOffset = fromOffset
  let leaderEpoch = -1
  let at = 0
  const cut = (): void => {
    if (at > start) parts.push({ bytes, positions, fromOffset, nextOffset, leaderEpoch, sizeBytes: at - start })
    positions = []
    records = 0
    start = at
  }
  for (;;) {
    const size = wholeSizeBytes(bytes, at)
    if (size === 0) break
    const lastOffset = recordBatch.lastOffset(bytes, at)
    const hidden = recordBatch.isControl(bytes, at) || lastOffset < fromOffset || recordBatch.recordCount(bytes, at) === 0
    if (filter?.hides(bytes, at) !== true && !hidden) {
      positions.push(at)
      records += Math.max(1, recordBatch.recordCount(bytes, at))
    } else if (checkCrc && recordBatch.magic(bytes, at) === 2 && !recordBatch.crcIsRight(bytes, at)) {
      if (at > 0) break
      throw new KafkaError(ErrorCode.CORRUPT_MESSAGE, `The batch at offset ${recordBatch.baseOffset(bytes, at)} has a wrong checksum.`)
    }
    nextOffset = Math.max(nextOffset, lastOffset + 1)
    leaderEpoch = recordBatch.leaderEpoch(bytes, at)
    at += size
    if (records >= RECORDS_MIN || at - start >= SIZE_BYTES_MIN) cut()
  }
  cut()
  return parts
}

/** Which batches belong to transactions that were aborted: those of a producer from its first offset up to its marker. */
class AbortedFilter {
  readonly #ahead: AbortedTransaction[]
  readonly #producers = new Set<number>()
  #next = 0

  constructor(aborted: readonly AbortedTransaction[]) {
    this.#ahead = [...aborted].sort((a, b) => a.firstOffset - b.firstOffset)
  }

  hides(bytes: Buffer, at: number): boolean {
    const lastOffset = recordBatch.lastOffset(bytes, at)
    while (this.#next < this.#ahead.length && this.#ahead[this.#next]!.firstOffset <= lastOffset) {
      this.#producers.add(this.#ahead[this.#next++]!.producerId)
    }
    if (!recordBatch.isTransactional(bytes, at)) return false
    const producerId = recordBatch.producerId(bytes, at)
    if (!recordBatch.isControl(bytes, at)) return this.#producers.has(producerId)
    const [marker] = decodeBatch(bytes, at, { checkCrc: false })
    if (marker !== undefined && controlType(marker) === ControlType.ABORT) this.#producers.delete(producerId)
    return true
  }
}
