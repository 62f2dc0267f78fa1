/**
 * The broker killed (`kill -9`) twenty times in a row under load on one directory. Between two kills at least 5,000 records are
 * acknowledged; requests are in flight at each; the moments are spread over appends, acks, rolls and checkpoints. Every acknowledged
 * record is there at its offset, in order, once where the producer is idempotent; nothing that a consumer was given is ever gone;
 * acknowledged offsets of a group never go back.
 */
import assert from 'node:assert/strict'
import { nodeEnv } from '@ottla/env/node'
import { createClient, type Client } from '@ottla/client'
import { BrokerProcess } from './broker-process.ts'
import { Ledger, newPassage, type Passage, type Promised } from './ledger.ts'
import { LoadCommitter, LoadProducer } from './load.ts'
import { atMoment, MOMENTS, type Moment } from './moments.ts'
import { endsOf, readOn } from './reading.ts'

export const KILLS = 20
const ACKS_BETWEEN = 5_000
const TOPIC = 'kills'
const PARTITIONS = 4
const WINDOW_COUNT = 300
const CLIENT = { retryBackoffMs: 20, retryBackoffMaxMs: 200 }

/** Two of each kind; an acks=1 producer has one batch of a partition in flight at a time, so that a retry overtakes nothing. */
const PRODUCERS: readonly { readonly promised: Promised; readonly options: Parameters<Client['producer']>[0] }[] = [
  { promised: 'once', options: { acks: 'all', idempotent: true } },
  { promised: 'inOrder', options: { acks: 1, batchSizeBytes: 4096 } },
  { promised: 'once', options: { acks: 'all', idempotent: true, compression: 'gzip', compressionLevel: 1 } },
  { promised: 'inOrder', options: { acks: 1, compression: 'lz4' } },
]

/** Segments roll and checkpoints are written several times a second. */
const SETTINGS = {
  'log.segment.bytes': 1 << 18,
  'log.index.interval.bytes': 1024,
  'offsets.topic.segment.bytes': 1 << 16,
  'offsets.topic.num.partitions': 3,
  'log.flush.offset.checkpoint.interval.ms': 150,
  'log.flush.start.offset.checkpoint.interval.ms': 150,
  'replica.high.watermark.checkpoint.interval.ms': 150,
  'auto.create.topics.enable': false,
}

/** Throws with what is wrong; `say` is told of every kill. */
export async function killTwentyTimes(directory: string, say: (line: string) => void): Promise<void> {
  const broker = await BrokerProcess.create(directory, SETTINGS)
  await broker.start()
  const client = createClient(nodeEnv({ logLevel: 'error' }), { bootstrap: broker.bootstrap, ...CLIENT })
  const test = new Kills(broker, client)
  try {
    await client.admin().createTopic({ name: TOPIC, partitions: PARTITIONS })
    test.start()
    for (let kill = 1; kill <= KILLS; kill++) say(await test.kill(kill, MOMENTS[(kill - 1) % MOMENTS.length]!))
    say(await test.end())
  } finally {
    client.close()
    await broker.stop('SIGKILL').catch(() => {})
  }
}

class Kills {
  readonly #broker: BrokerProcess
  readonly #client: Client
  readonly #ledger = new Ledger(
    PARTITIONS,
    PRODUCERS.map(({ promised }) => promised),
  )
  readonly #producers: readonly LoadProducer[]
  readonly #committer: LoadCommitter
  readonly #passages: readonly Passage[] = Array.from({ length: PARTITIONS }, newPassage)
  #running: Promise<unknown> = Promise.resolve()
  #failure: Error | null = null

  constructor(broker: BrokerProcess, client: Client) {
    this.#broker = broker
    this.#client = client
    this.#producers = PRODUCERS.map(({ options }, id) => new LoadProducer(client, TOPIC, this.#ledger, id, options!, WINDOW_COUNT))
    this.#committer = new LoadCommitter(client, TOPIC, PARTITIONS, 'kills-group')
  }

  start(): void {
    const all = [...this.#producers, this.#committer].map((one) => one.run())
    this.#running = Promise.all(all)
    this.#running.catch((error: Error) => void (this.#failure = error))
  }

  /** Waits for the acks, kills at the moment, starts again, and checks all that was acknowledged since the last time. */
  async kill(number: number, moment: Moment): Promise<string> {
    const before = this.#ledger.ackedCount
    await this.#acks(before + ACKS_BETWEEN)
    let inFlight = 0
    let gone: Promise<void> = Promise.resolve()
    await atMoment(moment, this.#broker.logDirectory, this.#producers, () => {
      inFlight = this.#producers.reduce((sum, { unanswered }) => sum + unanswered, 0)
      gone = this.#broker.stop('SIGKILL')
    })
    await gone
    assert.ok(inFlight > 0, 'nothing was in flight at the kill: the load is too small')
    // the answers that are still in the sockets count too
    const ackedEnds = await this.#ackedEnds()
    const acked = this.#ledger.ackedCount - before
    const startMs = await this.#broker.start()
    const ends = await endsOf(this.#client, TOPIC, PARTITIONS)
    for (const [partition, end] of ends.entries()) {
      const lost = ackedEnds[partition]! - end
      assert.ok(lost <= 0, `partition ${partition} ends at ${end}: ${lost} acknowledged records are gone`)
    }
    const read = await readOn(this.#client, TOPIC, this.#ledger, this.#passages, ackedEnds)
    await this.#committer.check(this.#client)
    this.#check()
    return (
      `kill ${number} at ${moment}: ${acked} acks since the last, ${inFlight} records in flight, up again in ${Math.round(startMs)} ms, ` +
      `${read} records read`
    )
  }

  /** The load ends, and everything is read from the beginning. */
  async end(): Promise<string> {
    for (const producer of this.#producers) producer.stop()
    this.#committer.stop()
    await this.#running
    const passages = Array.from({ length: PARTITIONS }, newPassage)
    this.#ledger.repeatedCount = 0
    const ends = await endsOf(this.#client, TOPIC, PARTITIONS)
    const read = await readOn(this.#client, TOPIC, this.#ledger, passages, ends)
    for (const [partition, passage] of passages.entries()) this.#ledger.complete(partition, passage)
    await this.#committer.check(this.#client)
    await this.#broker.stop('SIGTERM')
    const { ackedCount, repeatedCount } = this.#ledger
    return (
      `${ackedCount} records acknowledged, ${read} found; ${repeatedCount} of them again after a retry, none of an idempotent producer; ` +
      `${this.#committer.ackedCount} commits of offsets`
    )
  }

  /** Each partition's end as far as acknowledged, once no answer is on its way any more. */
  async #ackedEnds(): Promise<number[]> {
    for (let before = -1; before !== this.#ledger.ackedCount;) {
      before = this.#ledger.ackedCount
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    return this.#passages.map((_, partition) => this.#ledger.ackedEnd(partition))
  }

  async #acks(count: number): Promise<void> {
    while (this.#ledger.ackedCount < count) {
      this.#check()
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  #check(): void {
    if (this.#failure !== null) throw this.#failure
    for (const { failure } of this.#producers) if (failure !== null) throw failure
    if (this.#broker.endedByItself) throw new Error(`the broker ended by itself: ${this.#broker.lastOutput()}`)
  }
}
