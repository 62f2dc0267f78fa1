/**
 * A directory of Apache Kafka goes to Ottla and back: filled by Kafka's own client, stopped in order or killed, served by Ottla to the same
 * clients on the same port, exported, and served by Kafka again. What a client sees is the same at each station.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { StopSignal } from './broker.ts'
import { lastWords, run } from './processes.ts'
import { failed, passed } from './report.ts'

const OTTLA = fileURLToPath(new URL('../../bin/ottla', import.meta.url))
const CLUSTER = 'MkU3OEVBNTcwNTJENDM2Qk'
const READY_MS = 60_000
const CLIENT_MS = 120_000

/** Facts by what they are of, as the client program prints them. */
type Digest = ReadonlyMap<string, string>

/** The directories, and whichever broker serves them now. */
class Station {
  readonly directory: string
  readonly #classPath: string
  readonly #port: number
  readonly #controllerPort: number
  readonly #keeperPort: number
  #broker: ChildProcess | undefined

  constructor(directory: string, classPath: string, ports: readonly number[]) {
    mkdirSync(directory, { recursive: true })
    this.directory = directory
    this.#classPath = classPath
    ;[this.#port, this.#controllerPort, this.#keeperPort] = ports as [number, number, number]
    const address = `127.0.0.1:${this.#controllerPort}`
    const properties = {
      'process.roles': 'broker,controller',
      'node.id': 1,
      listeners: `PLAINTEXT://${this.bootstrap},CONTROLLER://${address}`,
      'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
      'controller.listener.names': 'CONTROLLER',
      'controller.quorum.bootstrap.servers': address,
      'log.dirs': this.logDirs.join(),
      'log.segment.bytes': 1048576,
      'offsets.topic.num.partitions': 5,
      'offsets.topic.replication.factor': 1,
      'transaction.state.log.num.partitions': 5,
      'transaction.state.log.replication.factor': 1,
      'transaction.state.log.min.isr': 1,
      'group.initial.rebalance.delay.ms': 0,
      'metadata.log.max.record.bytes.between.snapshots': 3000,
    }
    const lines = Object.entries(properties).map(([key, value]) => `${key}=${value}\n`)
    writeFileSync(this.#file, lines.join(''))
  }

  get bootstrap(): string {
    return `127.0.0.1:${this.#port}`
  }

  get logDirs(): string[] {
    return [`${this.directory}/data1`, `${this.directory}/data2`]
  }

  get #file(): string {
    return `${this.directory}/server.properties`
  }

  #java(main: string, words: readonly string[]): string[] {
    return ['java', '-Xmx512m', '-cp', this.#classPath, main, ...words]
  }

  /** One file for both: Ottla takes what Kafka's says, and wants its keeper. */
  get #ours(): string[] {
    const overrides = {
      'keeper.dir': `${this.directory}/keeper`,
      'keeper.port': this.#keeperPort,
      listeners: `PLAINTEXT://${this.bootstrap}`,
    }
    return [this.#file, ...Object.entries(overrides).flatMap(([key, value]) => ['--override', `${key}=${value}`])]
  }

  async format(): Promise<void> {
    await this.#mustEndWell(this.#java('kafka.tools.StorageTool', ['format', '--standalone', '-t', CLUSTER, '-c', this.#file]))
  }

  startKafka(): Promise<void> {
    return this.#start(this.#java('kafka.Kafka', [this.#file]))
  }

  startOttla(): Promise<void> {
    return this.#start([OTTLA, 'start', ...this.#ours])
  }

  async exportToKafka(): Promise<void> {
    await this.#mustEndWell([OTTLA, 'export', '--kraft', ...this.#ours])
  }

  async #start(command: readonly string[]): Promise<void> {
    const output = openSync(`${this.directory}/broker.out`, 'a')
    const child = spawn(command[0]!, command.slice(1), { stdio: ['ignore', output, output] })
    this.#broker = child
    const giveUpAt = Date.now() + READY_MS
    while (!(await accepts(this.#port))) {
      if (child.exitCode !== null || Date.now() > giveUpAt) throw new Error(`the broker does not start: ${this.lastOutput()}`)
      await pause(50)
    }
  }

  async stop(signal: StopSignal): Promise<void> {
    const child = this.#broker
    this.#broker = undefined
    if (child === undefined || child.exitCode !== null) return
    const gone = once(child, 'exit')
    child.kill(signal)
    await gone
  }

  lastOutput(): string {
    return readFileSync(`${this.directory}/broker.out`, 'utf8').trim().split('\n').slice(-6).join(' | ').slice(-1200)
  }

  async client(mode: string): Promise<string> {
    return this.#mustEndWell(this.#java('TakeOver', [mode, this.bootstrap]))
  }

  /** Clients that outlast the brokers. */
  live(): ChildProcess {
    const [program, ...words] = this.#java('TakeOver', ['live', this.bootstrap])
    return spawn(program!, words, { stdio: ['pipe', 'pipe', 'ignore'] })
  }

  async digest(): Promise<Digest> {
    const lines = (await this.client('digest')).split('\n').filter((line) => line.includes('\t'))
    return new Map(lines.map((line) => [line.slice(0, line.indexOf('\t')), line.slice(line.indexOf('\t') + 1)]))
  }

  async #mustEndWell(command: readonly string[]): Promise<string> {
    const ended = await run(command, { timeoutMs: CLIENT_MS })
    if (ended.status !== 0) throw new Error(`${command.slice(-4).join(' ')}: ${lastWords(ended)}; the broker: ${this.lastOutput()}`)
    return ended.stdout.toString()
  }
}

/** Runs the journey with a stop of each kind between Kafka and Ottla. */
export async function takeOver(directory: string, libraries: string): Promise<void> {
  const classPath = `${directory}/classes:${libraries}`
  const compiled = await run([
    'javac',
    '-cp',
    libraries,
    '-d',
    `${directory}/classes`,
    fileURLToPath(new URL('take-over/TakeOver.java', import.meta.url)),
  ])
  if (compiled.status !== 0) return failed('the clients of the take-over', new Error(lastWords(compiled)))
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    const what = `a directory of Kafka, ended by ${signal}, goes to Ottla and back`
    try {
      passed(`${what}: ${await journey(new Station(`${directory}/${signal}`, classPath, await freePorts(3)), signal)}`)
    } catch (error) {
      failed(what, error)
    }
  }
}

async function journey(station: Station, signal: StopSignal): Promise<string> {
  let live: ChildProcess | undefined
  try {
    await station.format()
    await station.startKafka()
    await station.client('fill')
    const atFirst = await station.digest()
    live = station.live()
    const words = createInterface({ input: live.stdout! })[Symbol.asyncIterator]()
    if ((await words.next()).value !== 'runs') throw new Error('the clients that are to outlast the brokers do not run')
    await station.stop(signal)

    await station.startOttla()
    same('Ottla', atFirst, await station.digest(), ['cluster', 'topic', 'configs', 'records', 'group'])
    await station.stop('SIGTERM')
    await station.exportToKafka()

    await station.startKafka()
    same('Kafka again', atFirst, await station.digest(), [...new Set([...atFirst.keys()].map((key) => key.split(' ')[0]!))])
    live.stdin!.end()
    const said = String((await words.next()).value)
    const [, acknowledged, failures, consumed, stored] = /^acknowledged (\d+) failed (\d+) consumed (\d+) stored (\d+)$/.exec(said) ?? []
    if (failures !== '0' || consumed !== acknowledged || stored !== acknowledged)
      throw new Error(`clients that outlast the brokers: ${said}`)
    await station.stop('SIGTERM')
    const stray = station.logDirs.flatMap((path) => readdirSync(path)).filter((name) => name.includes('-stray'))
    if (stray.length > 0) throw new Error(`Kafka finds directories astray: ${stray.join(', ')}`)
    return `${atFirst.size} facts, ${acknowledged} records of clients that outlast the brokers`
  } finally {
    live?.kill('SIGKILL')
    await station.stop('SIGKILL')
  }
}

/** Throws with what differs. `kinds`: what a broker must tell as the first one told it. */
function same(who: string, wanted: Digest, found: Digest, kinds: readonly string[]): void {
  const wrong: string[] = []
  for (const [key, value] of wanted) {
    const told = found.get(key)
    if (kinds.includes(key.split(' ')[0]!) && told !== value) wrong.push(`${key}: ${told ?? 'nothing'}, not ${value}`)
  }
  if (wrong.length > 0) throw new Error(`${who} serves other things: ${wrong.slice(0, 4).join('; ').slice(0, 1200)}`)
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect({ host: '127.0.0.1', port })
  const accepted = await once(socket, 'connect').then(
    () => true,
    () => false,
  )
  socket.destroy()
  return accepted
}
