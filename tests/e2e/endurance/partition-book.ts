import assert from 'node:assert/strict'
import type { ConsumedBatch } from '@ottla/client'
import { Passage } from './passage.ts'

/** Consecutive records that the tail's reader was given at once. */
interface Run {
  readonly endOffset: number
  readonly sizeBytes: number
  readonly latestMs: number
}

/** What may be deleted; null: nothing for that reason. */
export interface Retention {
  readonly ms: number | null
  readonly bytes: number | null
}

/** A partition's books: what was acknowledged, what its tail's reader found, and what retention may have taken. */
export class PartitionBook {
  readonly tail: Passage
  readonly #where: string
  readonly #acked = new Map<number, number>()
  /** Where a record stands, of those that only one side has told of yet: the acknowledgement or the reader. By `writer:sequence`. */
  readonly #halves = new Map<string, number>()
  readonly #runs: Run[] = []
  /** All that was appended, compressed as it is. */
  writtenBytes = 0
  ackedCount = 0

  constructor(where: string) {
    this.#where = where
    this.tail = new Passage(where, 0)
  }

  acknowledged(writer: number, sequence: number, offset: number): void {
    assert.equal(sequence, this.ackedSequence(writer) + 1, `${this.#where}: acknowledged of writer ${writer}`)
    this.#acked.set(writer, sequence)
    this.ackedCount++
    if (offset >= this.tail.nextOffset || this.#halves.has(`${writer}:${sequence}`)) this.#stands(writer, sequence, offset)
  }

  /** The last sequence that was acknowledged; -1: none. */
  ackedSequence(writer: number): number {
    return this.#acked.get(writer) ?? -1
  }

  met(batch: ConsumedBatch): void {
    let latestMs = -1
    for (const record of batch.records) {
      const { writer, sequence } = this.tail.meet(record)
      latestMs = Math.max(latestMs, record.timestamp)
      this.#stands(writer, sequence, record.offset)
    }
    this.writtenBytes += batch.sizeBytes
    this.#runs.push({ endOffset: batch.nextOffset, sizeBytes: batch.sizeBytes, latestMs })
  }

  jump(offset: number): void {
    this.tail.jump(offset)
    for (const [key, at] of this.#halves) if (at < offset) this.#halves.delete(key)
    this.#runs.length = 0
  }

  /** The acknowledgement and the reader say the same. */
  #stands(writer: number, sequence: number, offset: number): void {
    const key = `${writer}:${sequence}`
    const other = this.#halves.get(key)
    if (other === undefined) this.#halves.set(key, offset)
    else {
      assert.equal(offset, other, `${this.#where}: record ${sequence} of writer ${writer} was acknowledged at one offset, found at another`)
      this.#halves.delete(key)
    }
  }

  /** The log begins at `startOffset`, and the tail's reader has all that was there when it was asked: no record went too early. */
  retained(startOffset: number, retention: Retention, nowMs: number): void {
    let takenMs = -1
    while (this.#runs[0] !== undefined && this.#runs[0].endOffset <= startOffset) takenMs = Math.max(takenMs, this.#runs.shift()!.latestMs)
    if (takenMs < 0) return
    let leftBytes = 0
    for (const { sizeBytes } of this.#runs) leftBytes += sizeBytes
    const wasOld = retention.ms !== null && takenMs <= nowMs - retention.ms
    const wasTooMuch = retention.bytes !== null && leftBytes >= retention.bytes
    assert.ok(
      wasOld || wasTooMuch,
      `${this.#where} begins at ${startOffset}: retention took records of ${nowMs - takenMs} ms ago, and left ${leftBytes} bytes`,
    )
  }

  /** All that was acknowledged was found, and nothing else. */
  complete(writers: Iterable<number>): void {
    for (const writer of writers)
      assert.equal(this.tail.nextSequence(writer), this.ackedSequence(writer) + 1, `${this.#where}: records found of writer ${writer}`)
    assert.deepEqual([...this.#halves], [], `${this.#where}: records that only the writers or only the reader know of`)
  }
}
