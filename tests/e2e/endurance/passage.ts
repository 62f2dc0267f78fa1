/** Records whose value follows from their key, and what a reader of a whole partition holds them to. */
import assert from 'node:assert/strict'
import type { Client, ConsumerRecord } from '@ottla/client'

const FILLER = Array.from({ length: 64 }, (_, at) => `the quick brown fox ${at} jumps over the lazy dog; `).join('')
const LENGTH_MAX = 500

/** What writer `writer` sends as its n-th record to a partition. */
export function recordOf(writer: number, sequence: number): { key: string; value: string } {
  const key = `${writer}:${sequence}`
  return { key, value: valueOf(key) }
}

/** The value that belongs to a key; its length differs from one to the next. */
export function valueOf(key: string): string {
  let mixed = 0x811c9dc5
  for (let at = 0; at < key.length; at++) mixed = Math.imul(mixed ^ key.charCodeAt(at), 0x01000193)
  const from = (mixed >>> 20) & 0xff
  return `${key} ${FILLER.slice(from, from + ((mixed >>> 4) % LENGTH_MAX))}`
}

/** Where a reader of a partition is. Offsets come without a gap, and of each writer every record, in its order. */
export class Passage {
  readonly #where: string
  readonly #nextSequences = new Map<number, number>()
  nextOffset: number
  count = 0
  /** Whether it began, or went on, in the middle: then a writer's first record may be any. */
  #inTheMiddle: boolean

  constructor(where: string, nextOffset: number) {
    this.#where = where
    this.nextOffset = nextOffset
    this.#inTheMiddle = nextOffset > 0
  }

  /** The next record; answers whose it is. */
  meet(record: ConsumerRecord): { writer: number; sequence: number } {
    const { offset } = record
    assert.equal(offset, this.nextOffset, `${this.#where}: offset ${offset} comes after ${this.nextOffset - 1}`)
    const key = String(record.key)
    assert.equal(String(record.value), valueOf(key), `${this.#where}: what stands at offset ${offset}, key ${key}`)
    const [writer, sequence] = key.split(':').map(Number) as [number, number]
    const expected = this.#nextSequences.get(writer) ?? (this.#inTheMiddle ? sequence : 0)
    assert.equal(sequence, expected, `${this.#where}: at offset ${offset} comes record ${sequence} of writer ${writer}`)
    this.#nextSequences.set(writer, sequence + 1)
    this.nextOffset = offset + 1
    this.count++
    return { writer, sequence }
  }

  /** Goes on at `offset`, since retention took what was before. */
  jump(offset: number): void {
    this.nextOffset = offset
    this.#inTheMiddle = true
    this.#nextSequences.clear()
  }

  nextSequence(writer: number): number {
    return this.#nextSequences.get(writer) ?? 0
  }
}

/** A reader that was to go on at `from` is given `to`: that is right only where the log begins there, or later by now. */
export async function assertTaken(client: Client, topic: string, partition: number, from: number, to: number): Promise<void> {
  const [start] = await client.admin().listOffsets([{ topic, partition, at: 'earliest' }])
  assert.ok(to <= start!.offset, `${topic}-${partition}: after ${from - 1} comes ${to}, and the log begins at ${start!.offset}: a gap`)
}

/** Where the partitions of a topic begin, or end. */
export async function offsetsOf(client: Client, topic: string, partitions: number, at: 'earliest' | 'latest'): Promise<number[]> {
  const queries = Array.from({ length: partitions }, (_, partition) => ({ topic, partition, at }))
  return (await client.admin().listOffsets(queries)).map(({ offset }) => offset)
}
