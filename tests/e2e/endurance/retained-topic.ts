import assert from 'node:assert/strict'
import type { Client, Consumer, ProducerOptions } from '@ottla/client'
import { Passage, assertTaken, offsetsOf, recordOf } from './passage.ts'
import { PartitionBook, type Retention } from './partition-book.ts'
import { Repeated, type Failures } from './repeated.ts'
import { Writer, type WriterLoad } from './writer.ts'

export interface RetainedTopicOptions {
  readonly name: string
  readonly partitions: number
  readonly retention: Retention
  readonly configs: Readonly<Record<string, string>>
  readonly producers: readonly ProducerOptions[]
}

const CHECK_MS = 1500
const ASK_MS = 1000
const STUCK_MS = 30_000

/** A topic whose old segments are deleted while writers write, one reader follows its tail and another reads all of it again and again. */
export class RetainedTopic {
  readonly name: string
  readonly partitions: number
  readonly books: readonly PartitionBook[]
  /** Records that readers were given, again ones too; and those that retention took before the tail's reader came. */
  readCount = 0
  overtakenCount = 0
  /** By retention, as known at the end. */
  takenCount = 0
  readonly #client: Client
  readonly #options: RetainedTopicOptions
  readonly #failures: Failures
  readonly #tail: Consumer
  readonly #following: Promise<void>
  readonly #writers: readonly Writer[]
  readonly #checking: Repeated
  #news: (() => void) | null = null

  static async create(client: Client, options: RetainedTopicOptions, load: WriterLoad, failures: Failures): Promise<RetainedTopic> {
    const { name, partitions, retention, configs } = options
    const limits = {
      ...(retention.ms === null ? { 'retention.ms': '-1' } : { 'retention.ms': String(retention.ms) }),
      ...(retention.bytes === null ? {} : { 'retention.bytes': String(retention.bytes) }),
    }
    await client.admin().createTopic({ name, partitions, configs: { ...configs, ...limits } })
    return new RetainedTopic(client, options, load, failures)
  }

  private constructor(client: Client, options: RetainedTopicOptions, load: WriterLoad, failures: Failures) {
    const { name, partitions, producers } = options
    this.#client = client
    this.#options = options
    this.#failures = failures
    this.name = name
    this.partitions = partitions
    this.books = Array.from({ length: partitions }, (_, partition) => new PartitionBook(`${name}-${partition}`))
    this.#tail = this.#reader(this.books.map(() => 0))
    this.#following = this.#follow().catch((error: unknown) => failures.add(error, `the tail of ${name}`))
    this.#writers = producers.map((how, id) => this.#writer(id, how, load))
    this.#checking = new Repeated(failures, `reading all of ${name}`, CHECK_MS, async () => {
      await this.#checkRetention()
      await this.#readAll()
    })
  }

  get ackedCount(): number {
    return this.books.reduce((sum, { ackedCount }) => sum + ackedCount, 0)
  }

  get writtenBytes(): number {
    return this.books.reduce((sum, { writtenBytes }) => sum + writtenBytes, 0)
  }

  /** Resolves when all that was sent is acknowledged. */
  async stopWriting(): Promise<void> {
    for (const writer of this.#writers) await writer.stop()
  }

  /** After the writers' end: all that they were told is written is found. */
  async end(): Promise<void> {
    await this.#checking.stop()
    await this.#tailAt(await offsetsOf(this.#client, this.name, this.partitions, 'latest'))
    for (const book of this.books) book.complete(this.#writers.keys())
    await this.#readAll()
    const starts = await offsetsOf(this.#client, this.name, this.partitions, 'earliest')
    this.takenCount = starts.reduce((sum, offset) => sum + offset, 0)
    await this.close()
  }

  async close(): Promise<void> {
    await this.stopWriting()
    await this.#checking.stop()
    await this.#tail.close()
    await this.#following
  }

  #writer(id: number, how: ProducerOptions, load: WriterLoad): Writer {
    const sequences = this.books.map(() => 0)
    return new Writer(this.#client, `writer ${id} of ${this.name}`, how, load, this.#failures, (count) => {
      const partition = Math.floor(Math.random() * this.partitions)
      const first = sequences[partition]!
      sequences[partition] = first + count
      const records = Array.from({ length: count }, (_, at) => ({ topic: this.name, partition, ...recordOf(id, first + at) }))
      return { records, acknowledged: (at, offset) => this.books[partition]!.acknowledged(id, first + at, offset) }
    })
  }

  #reader(from: readonly number[]): Consumer {
    const consumer = this.#client.consumer({ autoOffsetReset: 'earliest', minBytes: 16384, maxWaitMs: 200 })
    consumer.assign(from.map((_, partition) => ({ topic: this.name, partition })))
    for (const [partition, offset] of from.entries()) consumer.seek({ topic: this.name, partition }, offset)
    return consumer
  }

  async #follow(): Promise<void> {
    for await (const batch of this.#tail) {
      const book = this.books[batch.partition]!
      const first = batch.records[0]!.offset
      if (first > book.tail.nextOffset) {
        await assertTaken(this.#client, this.name, batch.partition, book.tail.nextOffset, first)
        this.overtakenCount += first - book.tail.nextOffset
        book.jump(first)
      }
      book.met(batch)
      this.readCount += batch.records.length
      this.#news?.()
    }
  }

  /** Resolves when the tail's reader has come to these offsets. */
  async #tailAt(ends: readonly number[]): Promise<void> {
    const giveUpAt = performance.now() + STUCK_MS
    while (this.books.some(({ tail }, partition) => tail.nextOffset < ends[partition]!)) {
      this.#failures.check()
      const where = this.books.map(({ tail }) => tail.nextOffset)
      assert.ok(performance.now() < giveUpAt, `the reader of ${this.name} stays at ${where.join()}; it ends at ${ends.join()}`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 1000)
        this.#news = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  async #checkRetention(): Promise<void> {
    const starts = await offsetsOf(this.#client, this.name, this.partitions, 'earliest')
    const nowMs = Date.now()
    await this.#tailAt(await offsetsOf(this.#client, this.name, this.partitions, 'latest'))
    for (const [partition, book] of this.books.entries()) book.retained(starts[partition]!, this.#options.retention, nowMs)
  }

  /** All that is there now, by a reader of its own. */
  async #readAll(): Promise<void> {
    const starts = await offsetsOf(this.#client, this.name, this.partitions, 'earliest')
    const ends = await offsetsOf(this.#client, this.name, this.partitions, 'latest')
    const passages = starts.map((offset, partition) => new Passage(`${this.name}-${partition}, all of it`, offset))
    const reader = this.#reader(starts)
    let giveUpAt = performance.now() + STUCK_MS
    try {
      while (passages.some(({ nextOffset }, partition) => nextOffset < ends[partition]!)) {
        const batch = await reader.next(ASK_MS)
        if (batch === null) {
          assert.ok(performance.now() < giveUpAt, `nothing comes any more of ${this.name}; it ends at ${ends.join()}`)
          await this.#skipTaken(passages, ends)
          continue
        }
        giveUpAt = performance.now() + STUCK_MS
        const passage = passages[batch.partition]!
        if (passage.nextOffset >= ends[batch.partition]!) continue
        const first = batch.records[0]!.offset
        if (first > passage.nextOffset) {
          await assertTaken(this.#client, this.name, batch.partition, passage.nextOffset, first)
          passage.jump(first)
        }
        for (const record of batch.records) passage.meet(record)
        this.readCount += batch.records.length
      }
    } finally {
      await reader.close()
    }
  }

  /** Where retention took all that a reader was still to read, nothing more comes to tell it. */
  async #skipTaken(passages: readonly Passage[], ends: readonly number[]): Promise<void> {
    const starts = await offsetsOf(this.#client, this.name, this.partitions, 'earliest')
    for (const [partition, passage] of passages.entries()) if (starts[partition]! >= ends[partition]!) passage.jump(starts[partition]!)
  }
}
