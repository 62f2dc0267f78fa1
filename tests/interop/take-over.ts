/**
 * A directory of Apache Kafka goes to Ottla and on to Kafka 4: filled by Kafka's own client, stopped in order or killed, served by Ottla to the
 * same clients on the same port, exported, and served by Kafka. What a client sees is the same at each station.
 */
import type { ChildProcess } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { StopSignal } from './broker.ts'
import { lastWords, run } from './processes.ts'
import { failed, passed } from './report.ts'
import { freePorts, Station, type Digest, type Metadata } from './station.ts'
import * as toolchains from './toolchains.ts'

/** What Ottla tells as Kafka does. */
const SERVED = ['cluster', 'topic', 'configs', 'records', 'group']
const JOURNEYS: readonly (readonly [Metadata, StopSignal])[] = [
  ['kraft', 'SIGTERM'],
  ['kraft', 'SIGKILL'],
  ['zookeeper', 'SIGTERM'],
  ['zookeeper', 'SIGKILL'],
]
const LOG_START_MS = 120_000
const FIRST: Readonly<Record<Metadata, string>> = { kraft: 'Kafka', zookeeper: 'Kafka 3.9 with its ZooKeeper' }

/** Runs a journey for each kind of Kafka and each way to stop it. */
export async function takeOver(directory: string, libraries: string): Promise<void> {
  const classes = `${directory}/classes`
  const program = fileURLToPath(new URL('take-over/TakeOver.java', import.meta.url))
  const compiled = await run(['javac', '-cp', libraries, '-d', classes, program])
  if (compiled.status !== 0) return failed('the clients of the take-over', new Error(lastWords(compiled)))
  const { classPath, logger } = await toolchains.kafkaOnZooKeeper()
  const classPaths = { kafka: `${classes}:${logger}:${libraries}`, kafkaOnZooKeeper: classPath }
  for (const [metadata, signal] of JOURNEYS) {
    const what = `a directory of ${FIRST[metadata]}, ended by ${signal}, goes to Ottla and on to Kafka 4`
    const station = new Station(`${directory}/${metadata}-${signal}`, metadata, classPaths, await freePorts(3))
    try {
      passed(`${what}: ${await journey(station, signal)}`)
    } catch (error) {
      failed(what, error)
    }
  }
}

/** To a Kafka that is killed a log begins where its checkpoint says, the first of which comes half a minute after its start. */
async function logStartIsKept(logDirs: readonly string[], entry: string): Promise<void> {
  const giveUpAt = Date.now() + LOG_START_MS
  while (!logDirs.some((path) => readFileSync(`${path}/log-start-offset-checkpoint`, 'utf8').split('\n').includes(entry))) {
    if (Date.now() > giveUpAt) throw new Error(`no log-start-offset-checkpoint says ${entry}`)
    await pause(100)
  }
}

async function journey(station: Station, signal: StopSignal): Promise<string> {
  let live: ChildProcess | undefined
  try {
    await station.startFirst()
    await station.client('fill')
    const atFirst = await station.digest()
    live = station.live()
    const words = createInterface({ input: live.stdout! })[Symbol.asyncIterator]()
    if ((await words.next()).value !== 'runs') throw new Error('the clients that are to outlast the brokers do not run')
    if (signal === 'SIGKILL') await logStartIsKept(station.logDirs, 'trimmed 0 40')
    await station.stop(signal)

    if (station.metadata === 'zookeeper') await station.importZooKeeper()
    await station.startOttla()
    same('Ottla', atFirst, await station.digest(), SERVED)
    await station.client('on')
    const wentOn = await station.digest()
    await station.stop('SIGTERM')
    const errorsBefore = station.errors().length
    await station.exportToKafka()

    await station.startKafka()
    const atLast = await station.digest()
    same('Kafka 4', wentOn, atLast, SERVED)
    // what Ottla does not serve it keeps; the features of the last stage are of its own
    const kept = [...new Set([...atFirst.keys()].map((key) => key.split(' ')[0]!))].filter((kind) => !SERVED.includes(kind))
    same('Kafka 4', atFirst, atLast, station.metadata === 'kraft' ? kept : kept.filter((kind) => kind !== 'features'))
    await station.client('on')
    live.stdin!.end()
    const said = String((await words.next()).value)
    const [, acknowledged, failures, consumed, stored] = /^acknowledged (\d+) failed (\d+) consumed (\d+) stored (\d+)$/.exec(said) ?? []
    if (failures !== '0' || consumed !== acknowledged || stored !== acknowledged)
      throw new Error(`clients that outlast the brokers: ${said}`)
    await station.stop('SIGTERM')
    const stray = station.logDirs.flatMap((path) => readdirSync(path)).filter((name) => name.includes('-stray'))
    if (stray.length > 0) throw new Error(`Kafka finds directories astray: ${stray.join(', ')}`)
    const errors = station.errors().slice(errorsBefore)
    if (errors.length > 0) throw new Error(`Kafka finds fault with what Ottla wrote: ${errors.slice(0, 3).join(' | ').slice(0, 1200)}`)
    return `${atFirst.size} facts, ${acknowledged} records of clients that outlast the brokers`
  } finally {
    live?.kill('SIGKILL')
    await station.stop('SIGKILL')
  }
}

/** Throws with what differs. `kinds`: what a broker must tell as the one before told it. */
function same(who: string, wanted: Digest, found: Digest, kinds: readonly string[]): void {
  const wrong: string[] = []
  for (const [key, value] of wanted) {
    const told = found.get(key)
    if (kinds.includes(key.split(' ')[0]!) && told !== value) wrong.push(`${key}: ${told ?? 'nothing'}, not ${value}`)
  }
  if (wrong.length > 0) throw new Error(`${who} serves other things: ${wrong.slice(0, 4).join('; ').slice(0, 1200)}`)
}
