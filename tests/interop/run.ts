/**
 * Foreign clients against a real broker process: real log lines go in by every client with every codec it offers, and come out in consumer
 * groups of the others, resumed after a restart of the broker; then Kafka's own tool reads the files; and clients of ZooKeeper, with Kafka 3.9
 * among them, against a keeper alone. Every client program has the same
 * command line, told in clients/javascript/contract.mjs.
 *   node tests/interop/run.ts [--only client,…] [--broker kafka]      the latter checks the suite itself against Apache Kafka
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { parseArgs } from 'node:util'
import { BrokerProcess } from './broker.ts'
import { CLIENTS, type Client, type ClientRow } from './clients.ts'
import { compaction } from './compaction.ts'
import { loadCorpus } from './corpus.ts'
import { matrixOf } from './matrix.ts'
import { onZooKeeper } from './on-zookeeper.ts'
import { runJobs } from './processes.ts'
import { closingLine, failed, passed, skipped } from './report.ts'
import { AT_ONCE, Suite } from './rounds.ts'
import { dumpSegments } from './segment-dump.ts'
import { takeOver } from './take-over.ts'
import * as toolchains from './toolchains.ts'
import { zooKeeper } from './zookeeper.ts'

/** Segments of all lines without compression, at 64 KiB. */
const SEGMENTS_MIN = 20

const MIXED = 'mixed-group'
const TAKE_OVER = 'take-over'
const COMPACTION = 'compaction'
const ZOOKEEPER = 'zookeeper'
const ON_ZOOKEEPER = 'on-zookeeper'

const { values: options } = parseArgs({
  options: { only: { type: 'string' }, broker: { type: 'string', default: 'ottla' }, keep: { type: 'boolean' } },
})

/** Installs a client; undefined where this machine can't have it. */
async function prepare(row: ClientRow): Promise<Client | undefined> {
  try {
    return { ...row, command: await row.install() }
  } catch (error) {
    if (!(error instanceof toolchains.Missing)) throw error
    skipped(row.name, error.message)
    return undefined
  }
}

/** Kafka's own tool over every directory of the stopped broker. */
async function dump(
  classPath: string,
  logDir: string,
  acknowledged: ReadonlyMap<string, number>,
  rolled: ReadonlySet<string>,
): Promise<void> {
  const partitionsOf = new Map<string, string[]>()
  for (const name of readdirSync(logDir).sort()) {
    const topic = /^(.+)-\d+$/.exec(name)?.[1]
    if (topic !== undefined) partitionsOf.set(topic, [...(partitionsOf.get(topic) ?? []), name])
  }
  const jobs = [...partitionsOf].map(([topic, names]) => async () => {
    const internal = topic.startsWith('__')
    const what = `DumpLogSegments reads ${topic}`
    try {
      const { records, segments, indexEntries } = await dumpSegments(classPath, logDir, names, !internal)
      const wanted = acknowledged.get(topic)
      if (wanted !== undefined && records !== wanted) throw new Error(`${records} records, ${wanted} were acknowledged`)
      if (rolled.has(topic) && segments < SEGMENTS_MIN) throw new Error(`only ${segments} segments: it was to roll much`)
      passed(`${what}: ${records} records in ${segments} segments, ${indexEntries} index entries, no complaint`)
    } catch (error) {
      failed(what, error)
    }
  })
  await runJobs(AT_ONCE, jobs)
}

async function main(): Promise<void> {
  const startedAt = Date.now()
  const corpus = loadCorpus()
  console.log(`${corpus.lines.length} lines: ${corpus.origin}`)
  const only = options.only?.split(',')
  const rows = CLIENTS.filter(({ name }) => only === undefined || only.includes(name))
  const clients = (
    await runJobs(
      CLIENTS.length,
      rows.map((row) => () => prepare(row)),
    )
  ).filter((client) => client !== undefined)
  const admin = [process.execPath, `${await toolchains.javaScript()}/kafkajs/client.mjs`]
  const classPath = await toolchains.java().catch((error: Error) => skipped('DumpLogSegments', error.message))
  const seconds = (): number => Math.round((Date.now() - startedAt) / 1000)
  console.log(`installed after ${seconds()} s: ${clients.map(({ name }) => name).join(', ')}`)

  const directory = mkdtempSync(`${tmpdir()}/ottla-interop-`)
  const kafka = options.broker === 'kafka'
  const broker = kafka ? await BrokerProcess.kafka(directory, classPath!) : await BrokerProcess.ottla(directory)
  try {
    const suite = new Suite(broker, kafka, directory, corpus.lines)
    const rounds = matrixOf(clients)
    await suite.createTopics(admin, [...rounds.flat().map(({ topic }) => topic), MIXED])
    for (const [index, pairs] of rounds.entries()) await suite.round(pairs, index % 2 === 0 ? 'SIGTERM' : 'SIGKILL')
    const [first, ...rest] = clients.filter(({ followsByRange }) => followsByRange)
    const feeder = clients.find(({ followsByRange }) => !followsByRange) ?? first
    if (rest.length >= 2) await suite.mixedGroup(MIXED, feeder!, rest, first!)
    await broker.stop('SIGTERM')
    const rolled = new Set(
      kafka
        ? []
        : rounds
            .flat()
            .filter(({ codec, everyLine }) => everyLine && codec === 'none')
            .map(({ topic }) => topic),
    )
    if (classPath !== undefined) await dump(classPath, broker.logDir, suite.acknowledged, rolled)
    if (classPath !== undefined && !kafka && (only ?? [TAKE_OVER]).includes(TAKE_OVER))
      await takeOver(`${directory}/${TAKE_OVER}`, classPath)
    if (classPath !== undefined && !kafka && (only ?? [COMPACTION]).includes(COMPACTION))
      await compaction(`${directory}/${COMPACTION}`, classPath)
    if (!kafka && (only ?? [ZOOKEEPER]).includes(ZOOKEEPER)) await zooKeeper(`${directory}/${ZOOKEEPER}`)
    if (!kafka && (only ?? [ON_ZOOKEEPER]).includes(ON_ZOOKEEPER)) await onZooKeeper(`${directory}/${ON_ZOOKEEPER}`)
  } catch (error) {
    failed('the broker', error)
  } finally {
    await broker.stop('SIGKILL')
    if (options.keep === true) console.log(`kept: ${directory}`)
    else rmSync(directory, { recursive: true, force: true })
  }
  console.log(`\ndone after ${seconds()} s`)
}

await main()
process.exit(closingLine())
