/**
 * Compaction as Kafka's own programs judge it: its LogCompactionTester with every codec, and compacted topics that are cleaned by Kafka and by
 * Ottla in turns, in the same directories.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { BrokerProcess } from './broker.ts'
import { lastWords, run } from './processes.ts'
import { failed, passed } from './report.ts'
import { dumpSegments } from './segment-dump.ts'
import { freePorts, Station } from './station.ts'

const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
/** Each key is written so often on average; and so many of all records are tombstones. */
const DUPLICATES = 10
const DELETED_PERCENT = 10
const REDUCTION_PERCENT_MIN = 50
const CLIENT_MS = 300_000
const CLEANED_MS = 180_000

/** It checks that the last values are the same; that it reads a cleaned log is for us to see to. */
async function testers(directory: string, classPath: string): Promise<void> {
  const cleaner = { 'log.segment.bytes': 32768, 'log.cleaner.backoff.ms': 100, 'log.cleaner.min.cleanable.ratio': 0.01 }
  const broker = await BrokerProcess.ottla(directory, cleaner)
  try {
    await Promise.all(CODECS.map((codec) => tester(directory, classPath, broker, codec)))
  } finally {
    await broker.stop('SIGTERM')
  }
}

async function tester(directory: string, classPath: string, broker: BrokerProcess, codec: string): Promise<void> {
  const what = `LogCompactionTester with ${codec}`
  const options = {
    'bootstrap-server': broker.bootstrap,
    messages: 50_000,
    duplicates: DUPLICATES,
    'percent-deletes': DELETED_PERCENT,
    'compression-type': codec,
    // seconds
    sleep: 1,
  }
  const words = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)])
  const scratch = `-Djava.io.tmpdir=${directory}`
  const command = ['-Xmx256m', scratch, '-cp', classPath, 'org.apache.kafka.tools.LogCompactionTester', ...words]
  const child = spawn('java', command, { stdio: ['ignore', 'pipe', 'pipe'], timeout: CLIENT_MS, killSignal: 'SIGKILL' })
  const complaints = text(child.stderr)
  const ended = once(child, 'close')
  let said = ''
  for await (const piece of child.stdout.setEncoding('utf8') as AsyncIterable<string>) {
    said += piece
    if (!piece.includes('Sleeping for')) continue
    // however long the cleaning takes, the tester sleeps for longer
    child.kill('SIGSTOP')
    await cleaned([broker.logDir], [/to topics (\S+)/.exec(said)![1]!], () => broker.lastOutput()).finally(() => child.kill('SIGCONT'))
  }
  const [status] = (await ended) as [number | null]
  const [, reduction] = /\((\S+)% reduction\)/.exec(said) ?? []
  const [, values, mismatches] = /Validated (\d+) values, (\d+) mismatches/.exec(said) ?? []
  if (status !== 0 || mismatches !== '0') failed(what, new Error(`exit ${status}: ${said.slice(-400)} ${(await complaints).slice(-400)}`))
  else if (!(Number(reduction) >= REDUCTION_PERCENT_MIN)) failed(what, new Error(`only ${reduction} % are gone`))
  else passed(`${what}: ${values} values as produced, ${reduction} % of the records gone`)
}

/** By topic and key; no deleted ones. */
type Latest = Map<string, string>

/** Compacted topics in the directories of a station, and what they must come to. */
class CompactedTopics {
  readonly #station: Station
  readonly #classPath: string
  readonly #latest: Latest = new Map()
  readonly #topics = [...CODECS.map((codec) => `compacted-${codec}`), 'compacted-transactions']
  #fills = 0

  constructor(station: Station, classPath: string) {
    this.#station = station
    this.#classPath = classPath
  }

  create(): Promise<string> {
    return this.#client('create', this.#topics)
  }

  /** `isOurs`: nothing transactional is served yet. */
  async fill(isOurs: boolean): Promise<void> {
    this.#fills++
    merge(this.#latest, await this.#client('fill', isOurs ? this.#topics.slice(0, -1) : this.#topics))
  }

  cleaned(): Promise<void> {
    return cleaned(this.#station.logDirs, this.#topics, () => this.#station.lastOutput())
  }

  /** Throws where a reader does not come to the same end as one of all that was ever written. Answers the records that it read. */
  async check(who: string): Promise<number> {
    const found: Latest = new Map()
    const lines = merge(found, await this.#client('digest', this.#topics))
    const wrong = [...this.#latest].filter(([key, value]) => found.get(key) !== value)
    if (wrong.length > 0 || found.size !== this.#latest.size)
      throw new Error(`${who} serves ${wrong.length} of ${this.#latest.size} keys wrong, ${found.size} in all, e.g. ${wrong[0]?.[0]}`)
    return lines
  }

  /** What Kafka's tool finds in them. */
  async dump(): Promise<number> {
    let records = 0
    for (const topic of this.#topics) {
      const directory = directoryOf(this.#station.logDirs, topic)
      const dump = await dumpSegments(this.#classPath, directory.slice(0, directory.lastIndexOf('/')), [`${topic}-0`], true, true)
      records += dump.records
    }
    return records
  }

  async #client(mode: string, topics: readonly string[]): Promise<string> {
    const words = [mode, this.#station.bootstrap, String(this.#fills), topics.join()]
    const ended = await run(['java', '-Xmx512m', '-cp', this.#classPath, 'Compaction', ...words], { timeoutMs: CLIENT_MS })
    if (ended.status !== 0) throw new Error(`${mode}: ${lastWords(ended)}; the broker: ${this.#station.lastOutput()}`)
    return ended.stdout.toString()
  }
}

/** Resolves once all but the active segment of each topic's one partition is cleaned. */
async function cleaned(logDirs: readonly string[], topics: readonly string[], lastOutput: () => string): Promise<void> {
  const giveUpAt = Date.now() + CLEANED_MS
  for (;;) {
    const dirty = topics.filter((topic) => activeBase(directoryOf(logDirs, topic)) > cleanedOffset(logDirs, topic))
    if (dirty.length === 0) return
    if (Date.now() > giveUpAt) throw new Error(`not cleaned: ${dirty.join(', ')}; the broker: ${lastOutput()}`)
    await pause(100)
  }
}

function directoryOf(logDirs: readonly string[], topic: string): string {
  const found = logDirs.find((path) => readdirSync(path).includes(`${topic}-0`))
  if (found === undefined) throw new Error(`${topic} has no directory`)
  return `${found}/${topic}-0`
}

function activeBase(directory: string): number {
  const bases = readdirSync(directory).filter((name) => name.endsWith('.log'))
  return Math.max(...bases.map((name) => Number.parseInt(name, 10)))
}

function cleanedOffset(logDirs: readonly string[], topic: string): number {
  for (const path of logDirs) {
    const name = readdirSync(path).find((each) => each === 'cleaner-offset-checkpoint')
    const line = name === undefined ? undefined : new RegExp(`^${topic} 0 (\\d+)$`, 'm').exec(readFileSync(`${path}/${name}`, 'utf8'))
    if (line) return Number(line[1])
  }
  return 0
}

/** Enters what a client printed, in order. Answers how many lines that were. */
function merge(latest: Latest, printed: string): number {
  const lines = printed.split('\n').filter((line) => line.includes('\t'))
  for (const line of lines) {
    const at = line.lastIndexOf('\t')
    if (line.slice(at + 1) === '-') latest.delete(line.slice(0, at))
    else latest.set(line.slice(0, at), line.slice(at + 1))
  }
  return lines.length
}

/** Kafka, Ottla, Kafka and Ottla fill and clean the same topics one after another. */
async function inTurns(directory: string, libraries: string): Promise<string> {
  const classes = `${directory}/classes`
  const source = fileURLToPath(new URL('compaction/Compaction.java', import.meta.url))
  const compiled = await run(['javac', '-cp', libraries, '-d', classes, source])
  if (compiled.status !== 0) throw new Error(lastWords(compiled))
  const classPath = `${classes}:${libraries}`
  const station = new Station(directory, 'kraft', { kafka: libraries, kafkaOnZooKeeper: '' }, await freePorts(3))
  const topics = new CompactedTopics(station, classPath)
  const counts: string[] = []
  try {
    for (const who of ['Kafka', 'Ottla', 'Kafka', 'Ottla']) {
      const isOurs = who === 'Ottla'
      await (isOurs ? station.startOttla() : counts.length === 0 ? station.startFirst() : station.startKafka())
      if (counts.length === 0) await topics.create()
      else await topics.check(`${who}, before it cleans,`)
      await topics.fill(isOurs)
      await topics.cleaned()
      const records = await topics.check(who)
      await station.stop('SIGTERM')
      // Kafka's own tool complains of Kafka's own time index, where a segment holds nothing but batches without records
      counts.push(isOurs ? `${who} ${records} (${await topics.dump()} in the files)` : `${who} ${records}`)
      if (isOurs) await station.exportToKafka()
    }
    return `records left by ${counts.join(', ')}`
  } finally {
    await station.stop('SIGKILL')
  }
}

/** Runs both. `libraries`: the class path of Kafka's jars. */
export async function compaction(directory: string, libraries: string): Promise<void> {
  mkdirSync(directory, { recursive: true })
  const what = 'topics that Kafka and Ottla compact in turns hold the last values'
  // the tester waits for most of its time
  await Promise.all([
    testers(`${directory}/testers`, libraries).catch((error: unknown) => failed('the broker of LogCompactionTester', error)),
    inTurns(`${directory}/in-turns`, libraries).then(
      (counts) => passed(`${what}: ${counts}`),
      (error: unknown) => failed(what, error),
    ),
  ])
}
