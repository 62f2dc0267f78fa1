/**
 * One topic's books, through kills and losses of power: what was acknowledged, what a consumer was given, and where the power took the end
 * of a log. Every reading is held to them.
 */
import assert from 'node:assert/strict'
import type { Client, ConsumerRecord } from '@ottla/client'
import { keyOf, newPassage, valueOf, type Passage } from '../long/ledger.ts'
import type { Bookkeeper } from './actors.ts'

/** `once`: no record is there twice. `inOrder`: some may be, after a retry. `nothing`: no ack waits for anything (acks 0). */
export type Held = 'once' | 'inOrder' | 'nothing'

/** What ended a life: `kill` takes the process alone, `power` what was not synced as well. */
export type End = 'kill' | 'power'

/** What of a topic is there after which end. */
export interface Survives {
  readonly acked: readonly End[]
  readonly shown: readonly End[]
  /** False where retention takes what is oldest. */
  readonly start: boolean
}

const SEQUENCES_MAX = 2 ** 40
const PATIENCE_MS = 500
const STUCK_COUNT_MAX = 100

/** Producer and sequence as one number. */
export const codeOf = (producer: number, sequence: number): number => producer * SEQUENCES_MAX + sequence

/** One partition's. By offset: whose record stands there, as `codeOf` says. */
export class Page {
  readonly acked: (number | undefined)[] = []
  readonly shown: (number | undefined)[] = []
  /** Log ends after a loss of power: behind them records are missing. */
  readonly cuts: number[] = []
  /** By producer: sequences that were refused. */
  readonly refused: Set<number>[]
  startOffset = 0

  constructor(producers: number) {
    this.refused = Array.from({ length: producers }, () => new Set())
  }

  /** Whose record stands at `offset`, as far as anyone was told. */
  knownAt(offset: number): number | undefined {
    return this.acked[offset] ?? this.shown[offset]
  }
}

export abstract class Books implements Bookkeeper {
  readonly topic: string
  readonly survives: Survives
  ackedCount = 0
  shownCount = 0
  /** Acknowledged, and rightly lost with the power. */
  lostCount = 0
  protected readonly held: readonly Held[]
  protected readonly pages: readonly Page[]

  constructor(topic: string, partitions: number, held: readonly Held[], survives: Survives) {
    this.topic = topic
    this.held = held
    this.survives = survives
    this.pages = Array.from({ length: partitions }, () => new Page(held.length))
  }

  get partitions(): number {
    return this.pages.length
  }

  acknowledged(partition: number, offset: number, producer: number, sequence: number): void {
    this.ackedCount++
    if (offset < 0) return
    const { acked } = this.pages[partition]!
    const code = codeOf(producer, sequence)
    assert.ok(
      acked[offset] === undefined || acked[offset] === code,
      `${this.at(partition, offset)}: acknowledged for ${say(acked[offset])} and for ${say(code)}`,
    )
    acked[offset] = code
  }

  refused(partition: number, producer: number, sequence: number): void {
    this.pages[partition]!.refused[producer]!.add(sequence)
  }

  /** A record that a consumer was given: the next one of its passage. */
  met(partition: number, passage: Passage, record: ConsumerRecord): void {
    const { offset } = record
    const where = this.at(partition, offset)
    const page = this.pages[partition]!
    if (offset !== passage.nextOffset) this.skipped(partition, page, passage.nextOffset, offset)
    passage.nextOffset = offset + 1
    const { producer, sequence } = this.read(record, where)
    const code = codeOf(producer, sequence)
    for (const [what, known] of [
      ['acknowledged', page.acked[offset]],
      ['shown before', page.shown[offset]],
    ] as const)
      assert.ok(known === undefined || known === code, `${where}: ${say(code)} stands there; ${what} was ${say(known)}`)
    page.shown[offset] = code
    this.shownCount++
    this.follow(page, passage, producer, sequence, offset, where)
  }

  /** Whose record it is, and that it is whole. */
  protected abstract read(record: ConsumerRecord, where: string): { producer: number; sequence: number }

  /** Nothing stands from `from` on until `offset`. */
  protected abstract skipped(partition: number, page: Page, from: number, offset: number): void

  /** A producer's next record of a passage is held to those before it. */
  protected abstract follow(page: Page, passage: Passage, producer: number, sequence: number, offset: number, where: string): void

  /** The log was read whole, up to `end`. */
  protected complete(_partition: number, _page: Page, _passage: Passage, _end: number): void {}

  /** The power took what stood from `end` on. */
  protected forget(_page: Page, _end: number): void {}

  /** Reads the topic whole after a start and holds it to the books. `end`: the worst since the last time. `mayCut`: all may be cut. */
  async check(client: Client, end: End, mayCut = false): Promise<void> {
    const may = { cutAcked: mayCut || !this.survives.acked.includes(end), cutShown: mayCut || !this.survives.shown.includes(end) }
    for (let partition = 0; partition < this.partitions; partition++) await this.#checkOne(client, partition, may)
  }

  async #checkOne(client: Client, partition: number, may: { cutAcked: boolean; cutShown: boolean }): Promise<void> {
    const page = this.pages[partition]!
    const { topic, survives } = this
    const ackedEnd = page.acked.length
    const shownEnd = page.shown.length
    const queries = [
      { topic, partition, at: 'earliest' as const },
      { topic, partition, at: 'latest' as const },
    ]
    const [start, end] = (await client.admin().listOffsets(queries)).map(({ offset }) => offset)
    assert.ok(start !== undefined && end !== undefined && start <= end, `${topic}-${partition} has [${start}, ${end})`)
    if (!may.cutAcked) assert.ok(end >= ackedEnd, `${topic}-${partition} ends at ${end}: ${ackedEnd - end} acknowledged records are gone`)
    if (!may.cutShown)
      assert.ok(end >= shownEnd, `${topic}-${partition} ends at ${end}: a consumer was given ${shownEnd - end} records beyond`)
    if (end < Math.max(ackedEnd, shownEnd)) this.#cut(page, end)
    if (survives.start) assert.equal(start, 0, `${topic}-${partition} begins at ${start}`)
    page.startOffset = start
    const passage = newPassage()
    passage.nextOffset = start
    if (await this.#readTo(client, partition, passage, end)) this.complete(partition, page, passage, end)
  }

  #cut(page: Page, end: number): void {
    page.acked.slice(end).forEach((code) => (this.lostCount += code === undefined ? 0 : 1))
    if (page.acked.length > end) page.acked.length = end
    if (page.shown.length > end) page.shown.length = end
    page.cuts.push(end)
    this.forget(page, end)
  }

  /** False: retention came between. */
  async #readTo(client: Client, partition: number, passage: Passage, end: number): Promise<boolean> {
    if (passage.nextOffset >= end) return true
    const place = { topic: this.topic, partition }
    const consumer = client.consumer({ autoCommit: false, autoOffsetReset: 'none' })
    consumer.assign([place])
    consumer.seek(place, passage.nextOffset)
    try {
      for (let stuck = 0; consumer.position(place) < end; stuck++) {
        const batch = await consumer.next(PATIENCE_MS)
        assert.ok(stuck < STUCK_COUNT_MAX, `${this.topic}-${partition}: nothing comes at ${passage.nextOffset} of ${end}`)
        if (batch === null) continue
        stuck = 0
        for (const record of batch.records) if (record.offset < end) this.met(partition, passage, record)
      }
      if (passage.nextOffset < end) this.skipped(partition, this.pages[partition]!, passage.nextOffset, end)
      return true
    } catch (error) {
      if (this.survives.start || !/OFFSET_OUT_OF_RANGE/.test((error as Error).message)) throw error
      return false
    } finally {
      await consumer.close()
    }
  }

  protected at(partition: number, offset: number): string {
    return `${this.topic}-${partition}, offset ${offset}`
  }
}

/** Of a topic that keeps all, each record in its order. */
export class OrderedBooks extends Books {
  /** By producer, where a passage met its last record. */
  readonly #lastOffsets = new WeakMap<Passage, Map<number, number>>()

  protected override skipped(partition: number, _page: Page, from: number, offset: number): void {
    assert.fail(`${this.at(partition, offset)} comes after ${from - 1}`)
  }

  protected override read(record: ConsumerRecord, where: string): { producer: number; sequence: number } {
    const text = record.value === null ? '' : record.value.toString('latin1')
    const [producer, sequence] = text.split(':', 2).map(Number) as [number, number]
    assert.equal(text, valueOf(producer, sequence), `${where}: this value was never sent`)
    assert.equal(record.key?.toString('latin1'), keyOf(producer), `${where}: the key`)
    return { producer, sequence }
  }

  protected override follow(page: Page, passage: Passage, producer: number, sequence: number, offset: number, where: string): void {
    const held = this.held[producer]!
    const { sequences } = passage
    const last = sequences.get(producer)
    if (last !== undefined && sequence <= last) {
      assert.notEqual(held, 'once', `${where}: ${say(codeOf(producer, sequence))} is there twice`)
      return
    }
    const lastOffset = this.#lastOffset(passage, producer, offset)
    sequences.set(producer, sequence)
    if (held === 'nothing' || sequence === (last ?? -1) + 1) return
    // what lies between may have been below the log start, taken with the power, or refused
    if (last === undefined && page.startOffset > 0) return
    if (page.cuts.some((cut) => cut > lastOffset && cut <= offset)) return
    for (let missing = (last ?? -1) + 1; missing < sequence; missing++)
      assert.ok(page.refused[producer]!.has(missing), `${where}: ${say(codeOf(producer, sequence))} comes after its ${last ?? -1}`)
  }

  #lastOffset(passage: Passage, producer: number, offset: number): number {
    let offsets = this.#lastOffsets.get(passage)
    if (offsets === undefined) this.#lastOffsets.set(passage, (offsets = new Map()))
    const last = offsets.get(producer) ?? -1
    offsets.set(producer, offset)
    return last
  }
}

export function say(code: number | undefined): string {
  return code === undefined ? 'nothing' : `record ${code % SEQUENCES_MAX} of producer ${Math.floor(code / SEQUENCES_MAX)}`
}
