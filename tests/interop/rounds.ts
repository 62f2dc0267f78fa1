/** Rounds of produce, consume half, restart, consume the rest; judged as they end. */
import type { BrokerProcess, StopSignal } from './broker.ts'
import type { Client } from './clients.ts'
import { compare, expectedPartitions, parseLines, type Acknowledged, type Consumed, type Partitions } from './comparison.ts'
import { writeInput, type Line } from './corpus.ts'
import type { Pair } from './matrix.ts'
import { runMixedGroup } from './mixed-group.ts'
import { lastWords, run, runJobs } from './processes.ts'
import { failed, passed } from './report.ts'

/** Partitions of every topic of the suite. */
export const PARTITIONS = 3
/** Clients that run at the same time: one for each core of a small machine. */
export const AT_ONCE = 2
const CLIENT_SECONDS = 60

/** Runs a client's command; answers what it printed, or throws its last words. */
async function ask<T>(client: Client, words: readonly string[]): Promise<T[]> {
  const ended = await run([...client.command, ...words], { timeoutMs: CLIENT_SECONDS * 1500 })
  if (ended.status !== 0) throw new Error(`${client.name} ${words[0]}: ${lastWords(ended)}`)
  return parseLines<T>(ended.stdout)
}

/** A file of records for the clients, and what it holds. */
interface Input {
  readonly path: string
  readonly lines: readonly Line[]
}

/** What is known of a pair while its round goes on. */
interface Progress {
  readonly pair: Pair
  readonly lines: readonly Line[]
  expected: Partitions
  readonly consumed: Consumed[][]
}

/** Topics, rounds and what they acknowledged, on one running broker. */
export class Suite {
  readonly #broker: BrokerProcess
  readonly #kafka: boolean
  readonly #every: Input
  readonly #sixth: Input
  readonly #few: Input
  /** Records that DumpLogSegments is to find, by topic. */
  readonly acknowledged = new Map<string, number>()

  constructor(broker: BrokerProcess, kafka: boolean, directory: string, lines: readonly Line[]) {
    this.#broker = broker
    this.#kafka = kafka
    const input = (name: string, step: number): Input => {
      const some = { path: `${directory}/${name}`, lines: lines.filter((_, index) => index % step === 0) }
      writeInput(some.path, some.lines)
      return some
    }
    this.#every = input('every-line', 1)
    this.#sixth = input('every-sixth-line', 6)
    this.#few = input('few-lines', 100)
  }

  async createTopics(admin: readonly string[], topics: readonly string[]): Promise<void> {
    // Apache Kafka 4 takes no segment under 1 MiB
    const configs = `segment.bytes=${this.#kafka ? 1 << 20 : 1 << 16},index.interval.bytes=512`
    const ended = await run([...admin, 'create', '--bootstrap', this.#broker.bootstrap, '--topics', topics.join(','), '--configs', configs])
    if (ended.status !== 0) throw new Error(`creating the topics: ${lastWords(ended)}`)
  }

  /** One producer with all its codecs: produced, half consumed and committed, restarted, the rest consumed, compared. */
  async round(pairs: readonly Pair[], stop: StopSignal): Promise<void> {
    const produced = await runJobs(
      AT_ONCE,
      pairs.map((pair) => () => this.#produce(pair)),
    )
    const readable = produced.filter((progress) => progress !== undefined)
    const groups = readable.flatMap((progress) => progress.pair.groups.map((_, group) => ({ progress, group })))
    const errors = new Map<string, Error>()
    const half = (member: 0 | 1) =>
      groups.map(
        ({ progress, group }) =>
          () =>
            this.#consume(progress, group, member, errors),
      )
    await runJobs(AT_ONCE, half(0))
    await this.#broker.stop(stop)
    await this.#broker.start()
    await runJobs(AT_ONCE, half(1))
    for (const { progress, group } of groups) this.#judge(progress, group, errors.get(groupName(progress.pair, group)), stop)
  }

  /** A group of different clients at the same time, fed by another client; they have to share the assignor `range`. */
  async mixedGroup(topic: string, producer: Client, members: readonly Client[], substitute: Client): Promise<void> {
    const what = `one group of ${members.map(({ name }) => name).join(', ')}, the first replaced by ${substitute.name}`
    const { path, lines } = this.#few
    const address = ['--bootstrap', this.#broker.bootstrap, '--topic', topic]
    const held: Line[] = []
    const acknowledged: Acknowledged[] = []
    const produce = async (): Promise<Partitions> => {
      const start = held.length
      const more = await ask<Acknowledged>(producer, ['produce', ...address, '--codec', 'lz4', '--input', path])
      held.push(...lines)
      acknowledged.push(...more.map(({ line, ...place }) => ({ line: start + line, ...place })))
      this.acknowledged.set(topic, acknowledged.length)
      return expectedPartitions(held, acknowledged, PARTITIONS)
    }
    try {
      passed(`${what}: ${await runMixedGroup({ words: [...address, '--group', topic], members, substitute, produce })}`)
    } catch (error) {
      failed(what, error)
    }
  }

  async #produce(pair: Pair): Promise<Progress | undefined> {
    const { topic, codec, producer } = pair
    const { path, lines } = pair.everyLine ? this.#every : this.#sixth
    const what = `${producer.name} produces ${lines.length} lines, ${codec}${pair.idempotent ? ', with a producer id' : ''}`
    const words = ['produce', '--bootstrap', this.#broker.bootstrap, '--topic', topic, '--codec', codec, '--input', path]
    try {
      const acknowledged = await ask<Acknowledged>(producer, pair.idempotent ? [...words, '--idempotent'] : words)
      this.acknowledged.set(topic, acknowledged.length)
      const expected = expectedPartitions(lines, acknowledged, PARTITIONS)
      passed(`${what}: acknowledged once each, in order (${expected.map((held) => held.length).join(' + ')})`)
      return { pair, lines, expected, consumed: pair.groups.map(() => []) }
    } catch (error) {
      failed(what, error)
      return undefined
    }
  }

  async #consume(progress: Progress, group: number, member: 0 | 1, errors: Map<string, Error>): Promise<void> {
    const name = groupName(progress.pair, group)
    if (errors.has(name)) return
    const consumed = progress.consumed[group]!
    const half = Math.floor(progress.lines.length / 2)
    const count = member === 0 ? half : progress.lines.length - half
    const words = ['consume', '--bootstrap', this.#broker.bootstrap, '--topic', progress.pair.topic, '--group', name]
    try {
      const client = progress.pair.groups[group]![member]!
      const got = await ask<Consumed>(client, [...words, '--count', String(count), '--timeout', String(CLIENT_SECONDS)])
      for (const record of got) consumed.push(record)
    } catch (error) {
      errors.set(name, error as Error)
    }
  }

  #judge(progress: Progress, group: number, error: Error | undefined, stop: StopSignal): void {
    const { pair, expected, lines, consumed } = progress
    const [first, second] = pair.groups[group]!
    const what = `${pair.producer.name}/${pair.codec} -> ${first.name}, then ${second.name} after ${stop}`
    try {
      if (error !== undefined) throw error
      compare(expected, consumed[group]!)
      passed(`${what}: ${lines.length} of ${lines.length} keys and values, in order`)
    } catch (caught) {
      failed(what, caught)
    }
  }
}

const groupName = (pair: Pair, group: number): string => `${pair.topic}-group-${group + 1}`
