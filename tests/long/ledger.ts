/** What was acknowledged, and what is found: the books that a test of durability keeps. */
import assert from 'node:assert/strict'
import type { ConsumerRecord } from '@ottla/client'

/**
 * What a producer is held to. `once`: its records are there once each, without a gap. `inOrder`: some may be there again, after a retry.
 * `rising`: some may also be gone, where the power may fail before the sync.
 */
export type Promised = 'once' | 'inOrder' | 'rising'

const SEQUENCES_MAX = 2 ** 40
const FILLER = Array.from({ length: 64 }, (_, at) => `the quick brown fox ${at} jumps over the lazy dog; `).join('')

/** The value that a producer sends as its n-th to a partition; its length differs from one to the next. */
export function valueOf(producer: number, sequence: number): string {
  const mixed = Math.imul(sequence + 1, 0x9e3779b1) ^ Math.imul(producer + 1, 0x85ebca6b)
  return `${producer}:${sequence}:${FILLER.slice(mixed & 0xff, (mixed & 0xff) + ((mixed >>> 8) % 300))}`
}

export function keyOf(producer: number): string {
  return `producer-${producer}`
}

/** One partition's books. Offsets are indexes; what stands there is producer and sequence as one number. */
class PartitionBook {
  readonly acked: number[] = []
  readonly found: number[] = []
  /** The highest sequence that was acknowledged, by producer. */
  readonly ackedSequences = new Map<number, number>()
}

/** Where a reader of a whole partition is: what it has met of each producer. */
export interface Passage {
  readonly sequences: Map<number, number>
  nextOffset: number
}

export class Ledger {
  ackedCount = 0
  /** Records that came again after a retry, of producers that allow it. */
  repeatedCount = 0
  readonly #books: readonly PartitionBook[]
  readonly #promised: readonly Promised[]

  constructor(partitions: number, promised: readonly Promised[]) {
    this.#books = Array.from({ length: partitions }, () => new PartitionBook())
    this.#promised = promised
  }

  get partitions(): number {
    return this.#books.length
  }

  /** `offset` -1: it is there, but the broker no longer knows where. */
  acknowledged(partition: number, offset: number, producer: number, sequence: number): void {
    const book = this.#books[partition]!
    this.ackedCount++
    const highest = book.ackedSequences.get(producer) ?? -1
    assert.equal(sequence, highest + 1, `producer ${producer}: an ack of ${sequence} after that of ${highest}, partition ${partition}`)
    book.ackedSequences.set(producer, sequence)
    if (offset < 0 || this.#promised[producer] === 'rising') return
    const code = producer * SEQUENCES_MAX + sequence
    const before = book.acked[offset]
    assert.ok(before === undefined, `partition ${partition}, offset ${offset}: acknowledged for ${say(before)} and for ${say(code)}`)
    book.acked[offset] = code
  }

  /** Where a partition must at least end now. */
  ackedEnd(partition: number): number {
    return this.#books[partition]!.acked.length
  }

  /** A record that a consumer was given: the next one of its passage. One without a key is nobody's. */
  met(partition: number, passage: Passage, record: ConsumerRecord): void {
    const { offset } = record
    assert.equal(offset, passage.nextOffset, `partition ${partition}: offset ${offset} comes after ${passage.nextOffset - 1}`)
    passage.nextOffset = offset + 1
    const book = this.#books[partition]!
    if (record.key === null) return
    const { producer, sequence } = read(record, partition)
    const code = producer * SEQUENCES_MAX + sequence
    const acked = book.acked[offset]
    assert.ok(
      acked === undefined || acked === code,
      `partition ${partition}, offset ${offset}: ${say(code)}; acknowledged was ${say(acked)}`,
    )
    const before = book.found[offset]
    assert.ok(
      before === undefined || before === code,
      `partition ${partition}, offset ${offset}: ${say(code)}; a consumer had seen ${say(before)}`,
    )
    book.found[offset] = code
    this.#inOrder(partition, passage, producer, sequence, offset)
  }

  #inOrder(partition: number, { sequences }: Passage, producer: number, sequence: number, offset: number): void {
    const last = sequences.get(producer) ?? -1
    const promised = this.#promised[producer]
    if (sequence === last + 1 || (promised === 'rising' && sequence > last)) {
      sequences.set(producer, sequence)
      return
    }
    const where = `partition ${partition}, offset ${offset}`
    assert.ok(sequence <= last, `${where}: ${say(producer * SEQUENCES_MAX + sequence)} comes after its ${last}: what lies between is lost`)
    assert.notEqual(promised, 'once', `${where}: ${say(producer * SEQUENCES_MAX + sequence)} is there twice`)
    this.repeatedCount++
  }

  /** All that was acknowledged lies before the end of a passage that began at 0. */
  complete(partition: number, passage: Passage): void {
    const book = this.#books[partition]!
    const [end, ackedEnd, foundEnd] = [passage.nextOffset, book.acked.length, book.found.length]
    assert.ok(end >= ackedEnd, `partition ${partition} ends at ${end}; ${ackedEnd - end} acknowledged records are gone`)
    assert.ok(end >= foundEnd, `partition ${partition} ends at ${end}; a consumer had seen ${foundEnd - end} records beyond`)
    for (const [producer, sequence] of book.ackedSequences) {
      const last = passage.sequences.get(producer) ?? -1
      assert.ok(last >= sequence, `partition ${partition}: producer ${producer} was acknowledged up to ${sequence}; ${last} is its last`)
    }
  }
}

export const newPassage = (): Passage => ({ sequences: new Map(), nextOffset: 0 })

function read(record: ConsumerRecord, partition: number): { producer: number; sequence: number } {
  const text = record.value === null ? '' : record.value.toString('latin1')
  const [producerText, sequenceText] = text.split(':', 2)
  const producer = Number(producerText)
  const sequence = Number(sequenceText)
  const where = `partition ${partition}, offset ${record.offset}`
  assert.equal(text, valueOf(producer, sequence), `${where}: this value was never sent`)
  assert.equal(record.key?.toString('latin1'), keyOf(producer), `${where}: the key`)
  return { producer, sequence }
}

function say(code: number | undefined): string {
  return code === undefined ? 'nothing' : `record ${code % SEQUENCES_MAX} of producer ${Math.floor(code / SEQUENCES_MAX)}`
}
