import assert from 'node:assert/strict'
import type { Client, DeliveryResult, Producer, ProducerOptions, ProducerRecord } from '@ottla/client'
import { Repeated, type Failures } from './repeated.ts'

export interface WriterLoad {
  /** Between bursts, on average. */
  readonly pauseMs: number
  /** The most records of a burst. */
  readonly burstMax: number
  /** The producer is closed after so many bursts, and another one goes on. */
  readonly lifeBursts: number
}

/** One after another, producers that send bursts of records; each acknowledgement is told in the order of the records. */
export class Writer {
  readonly #client: Client
  readonly #options: ProducerOptions
  readonly #load: WriterLoad
  readonly #failures: Failures
  readonly #name: string
  readonly #nextBurst: (count: number) => { records: ProducerRecord[]; acknowledged: (at: number, offset: number) => void }
  readonly #loop: Repeated
  #producer: Producer
  #bursts = 0
  #unanswered = 0

  constructor(
    client: Client,
    name: string,
    options: ProducerOptions,
    load: WriterLoad,
    failures: Failures,
    /** Records of one partition, and what is called with the place and the offset of each. */
    nextBurst: (count: number) => { records: ProducerRecord[]; acknowledged: (at: number, offset: number) => void },
  ) {
    this.#client = client
    this.#name = name
    this.#options = options
    this.#load = load
    this.#failures = failures
    this.#nextBurst = nextBurst
    this.#producer = client.producer(options)
    this.#loop = new Repeated(failures, name, load.pauseMs, () => this.#write())
  }

  /** Resolves when all that was sent is acknowledged. */
  async stop(): Promise<void> {
    await this.#loop.stop()
    await this.#producer.close()
    if (this.#failures.first === null) assert.equal(this.#unanswered, 0, `${this.#name}: records without an answer`)
  }

  async #write(): Promise<void> {
    // who is slow is waited for: the rate is bounded, and so is what waits
    if (this.#unanswered > this.#load.burstMax * 20) return
    if (++this.#bursts % this.#load.lifeBursts === 0) {
      await this.#producer.close()
      this.#producer = this.#client.producer(this.#options)
    }
    const { records, acknowledged } = this.#nextBurst(1 + Math.floor(Math.random() * this.#load.burstMax))
    let answered = 0
    const report = ({ error, recordCount, baseOffset }: DeliveryResult): void => {
      this.#unanswered -= recordCount
      try {
        if (error !== null) throw error
        for (let i = 0; i < recordCount; i++) acknowledged(answered++, baseOffset + i)
      } catch (thrown) {
        this.#failures.add(thrown, this.#name)
      }
    }
    this.#unanswered += records.length
    for (const record of records) this.#producer.append(record, report)
  }
}
