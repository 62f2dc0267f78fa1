/**
 * The books of a compacted topic. Records may go, so each is known by a header; what must hold is of keys: the last record of each that was
 * acknowledged is there, or a later one; a tombstone may go once all that it buried has; what is gone stays gone.
 */
import assert from 'node:assert/strict'
import type { ConsumerRecord } from '@ottla/client'
import { valueOf, type Passage } from '../long/ledger.ts'
import type { Sent } from './actors.ts'
import { Books, codeOf, say, type Page } from './books.ts'

/** A few are written all the time, the others seldom: so that a tombstone may be the last of its key for long. */
const KEYS = 8
const RARE_KEYS = 40
/** One in so many. */
const TOMBSTONES = 6
const IDENTITY = 'record'
/** More than a sender has under way. */
const UNANSWERED_MAX = 40

export class KeyedBooks extends Books {
  /** Records that were known and are cleaned away. */
  cleanedCount = 0
  /** Their offsets. */
  readonly #cleaned = new WeakMap<Page, Set<number>>()
  /** What a passage met: the offset of the last record of each key. */
  readonly #lastOffsets = new WeakMap<Passage, Map<number, number>>()

  recordOf(producer: number, sequence: number): Sent {
    const code = codeOf(producer, sequence)
    return {
      key: `key-${keyAt(code)}`,
      value: isTombstone(code) ? null : valueOf(producer, sequence),
      headers: [{ key: IDENTITY, value: `${producer}:${sequence}` }],
    }
  }

  protected override read(record: ConsumerRecord, where: string): { producer: number; sequence: number } {
    const header = record.headers.find(({ key }) => key === IDENTITY)
    const [producer, sequence] = String(header?.value).split(':').map(Number) as [number, number]
    const sent = this.recordOf(producer, sequence)
    assert.equal(record.value?.toString('latin1') ?? null, sent.value, `${where}: this value was never sent`)
    assert.equal(record.key?.toString('latin1'), sent.key, `${where}: the key`)
    return { producer, sequence }
  }

  protected override skipped(_partition: number, page: Page, from: number, offset: number): void {
    const cleaned = this.#cleanedOf(page)
    for (let at = from; at < offset; at++) {
      if (page.knownAt(at) === undefined || cleaned.has(at)) continue
      cleaned.add(at)
      this.cleanedCount++
    }
  }

  protected override follow(page: Page, passage: Passage, producer: number, sequence: number, offset: number, where: string): void {
    const code = codeOf(producer, sequence)
    assert.ok(!this.#cleanedOf(page).has(offset), `${where}: ${say(code)} was cleaned away, and is back`)
    const last = passage.sequences.get(producer) ?? -1
    if (this.held[producer] === 'once') {
      assert.ok(sequence > last, `${where}: ${say(code)} is there after its ${last}`)
      const acked = page.acked.indexOf(code)
      assert.ok(acked < 0 || acked === offset, `${where}: ${say(code)} is there too; it was acknowledged at ${acked}`)
    }
    passage.sequences.set(producer, Math.max(sequence, last))
    this.#lastOffsetsOf(passage).set(keyAt(code), offset)
  }

  /** The last acknowledged of each key is there, or what came after it. */
  protected override complete(partition: number, page: Page, passage: Passage): void {
    const found = this.#lastOffsetsOf(passage)
    const promised = new Map<number, number>()
    page.acked.forEach((code, offset) => {
      if (code !== undefined && offset >= page.startOffset) promised.set(keyAt(code), offset)
    })
    for (const [key, offset] of promised) {
      const last = found.get(key)
      if (last !== undefined && last >= offset) continue
      const where = `${this.at(partition, offset)}: ${say(page.acked[offset])}, the last that was acknowledged of key ${key}`
      assert.ok(last === undefined, `${where}, is gone, and its ${last} is there`)
      assert.ok(this.#mayBeBuried(page, key, offset), `${where}, is gone`)
    }
  }

  /** A tombstone of the key stands at `offset` or may have stood behind it. */
  #mayBeBuried(page: Page, key: number, offset: number): boolean {
    const buries = (code: number | undefined): boolean => code !== undefined && isTombstone(code) && keyAt(code) === key
    if (buries(page.acked[offset]) || page.shown.slice(offset).some(buries)) return true
    // one that was written, and whose answer was lost
    const acked = new Set(page.acked)
    for (let producer = 0; producer < this.held.length; producer++) {
      const end = Math.max(-1, ...page.refused[producer]!, this.#lastSequence(page, producer)) + UNANSWERED_MAX
      for (let sequence = 0; sequence < end; sequence++) {
        const code = codeOf(producer, sequence)
        if (!acked.has(code) && buries(code)) return true
      }
    }
    return false
  }

  #lastSequence(page: Page, producer: number): number {
    let last = -1
    for (const code of page.acked)
      if (code !== undefined && code >= codeOf(producer, 0) && code < codeOf(producer + 1, 0)) last = Math.max(last, code)
    return last < 0 ? -1 : last - codeOf(producer, 0)
  }

  protected override forget(page: Page, end: number): void {
    const cleaned = this.#cleanedOf(page)
    for (const offset of cleaned) if (offset >= end) cleaned.delete(offset)
  }

  #cleanedOf(page: Page): Set<number> {
    let cleaned = this.#cleaned.get(page)
    if (cleaned === undefined) this.#cleaned.set(page, (cleaned = new Set()))
    return cleaned
  }

  #lastOffsetsOf(passage: Passage): Map<number, number> {
    let offsets = this.#lastOffsets.get(passage)
    if (offsets === undefined) this.#lastOffsets.set(passage, (offsets = new Map()))
    return offsets
  }
}

const mixed = (code: number): number => Math.imul((code % 0x100000000) + Math.floor(code / 0x100000000) * 7 + 1, 0x9e3779b1) >>> 0
const keyAt = (code: number): number => {
  const key = mixed(code) >>> 8
  return key % 3 === 0 ? KEYS + (key % RARE_KEYS) : key % KEYS
}
const isTombstone = (code: number): boolean => (mixed(code) >>> 16) % TOMBSTONES === 0
