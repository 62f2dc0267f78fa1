/** Log directories that brokers of several kinds serve one after the other, on one port, and the clients that ask them. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { StopSignal } from './broker.ts'
import { lastWords, run } from './processes.ts'

const OTTLA = fileURLToPath(new URL('../../bin/ottla', import.meta.url))
const CLUSTER = 'MkU3OEVBNTcwNTJENDM2Qk'
const READY_MS = 60_000
const CLIENT_MS = 180_000
/** Snapshots while it works, so that what is taken over is in several files. */
const ZOOKEEPER_TXNS_PER_SNAPSHOT = 150

/** Where a broker keeps what it knows of its cluster. */
export type Metadata = 'kraft' | 'zookeeper'

/** Facts by what they are of, as the client program prints them. */
export type Digest = ReadonlyMap<string, string>

interface ClassPaths {
  /** Kafka 4, and the clients. */
  readonly kafka: string
  /** Kafka 3.9, and its ZooKeeper. */
  readonly kafkaOnZooKeeper: string
}

export class Station {
  readonly directory: string
  /** Of the first broker. */
  readonly metadata: Metadata
  readonly #classPaths: ClassPaths
  readonly #port: number
  readonly #controllerPort: number
  readonly #zooKeeperPort: number
  #broker: ChildProcess | undefined
  #zooKeeper: ChildProcess | undefined

  constructor(directory: string, metadata: Metadata, classPaths: ClassPaths, ports: readonly number[]) {
    mkdirSync(directory, { recursive: true })
    this.directory = directory
    this.metadata = metadata
    this.#classPaths = classPaths
    ;[this.#port, this.#controllerPort, this.#zooKeeperPort] = ports as [number, number, number]
    const address = `127.0.0.1:${this.#controllerPort}`
    const common = {
      'log.dirs': this.logDirs.join(),
      'log.segment.bytes': 1048576,
      'log.cleaner.backoff.ms': 200,
      'log.flush.offset.checkpoint.interval.ms': 1000,
      'log.flush.start.offset.checkpoint.interval.ms': 1000,
      'offsets.topic.num.partitions': 5,
      'offsets.topic.replication.factor': 1,
      'transaction.state.log.num.partitions': 5,
      'transaction.state.log.replication.factor': 1,
      'transaction.state.log.min.isr': 1,
      'group.initial.rebalance.delay.ms': 0,
      'super.users': 'User:ANONYMOUS',
      'allow.everyone.if.no.acl.found': true,
    }
    write(this.#kraftFile, {
      ...common,
      'process.roles': 'broker,controller',
      'node.id': 1,
      listeners: `PLAINTEXT://${this.bootstrap},CONTROLLER://${address}`,
      'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
      'controller.listener.names': 'CONTROLLER',
      'controller.quorum.bootstrap.servers': address,
      'metadata.log.max.record.bytes.between.snapshots': 3000,
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    })
    write(this.#zooKeeperModeFile, {
      ...common,
      'broker.id': 1,
      listeners: `PLAINTEXT://${this.bootstrap}`,
      'zookeeper.connect': `127.0.0.1:${this.#zooKeeperPort}/kafka`,
      'authorizer.class.name': 'kafka.security.authorizer.AclAuthorizer',
    })
    write(`${this.directory}/zoo.cfg`, {
      dataDir: this.#zooKeeperData,
      clientPort: this.#zooKeeperPort,
      clientPortAddress: '127.0.0.1',
      maxClientCnxns: 0,
      tickTime: 2000,
      'admin.enableServer': false,
    })
  }

  get bootstrap(): string {
    return `127.0.0.1:${this.#port}`
  }

  get logDirs(): string[] {
    return [`${this.directory}/data1`, `${this.directory}/data2`]
  }

  get #kraftFile(): string {
    return `${this.directory}/kraft.properties`
  }

  get #zooKeeperModeFile(): string {
    return `${this.directory}/zookeeper-mode.properties`
  }

  get #zooKeeperData(): string {
    return `${this.directory}/zookeeper`
  }

  #java(classPath: string, main: string, words: readonly string[], flags: readonly string[] = []): string[] {
    return ['java', '-Xmx512m', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', ...flags, '-cp', classPath, main, ...words]
  }

  /** Kafka's own file for both: Ottla wants its keeper too, and neither an authorizer nor a ZooKeeper. */
  #ours(): string[] {
    const file = this.metadata === 'kraft' ? this.#kraftFile : this.#zooKeeperModeFile
    const overrides = { 'keeper.dir': `${this.directory}/keeper`, 'authorizer.class.name': '' }
    return [file, ...Object.entries(overrides).flatMap(([key, value]) => ['--override', `${key}=${value}`])]
  }

  /** The broker that fills the directories. */
  async startFirst(): Promise<void> {
    if (this.metadata === 'kraft') {
      const words = ['format', '--standalone', '-t', CLUSTER, '-c', this.#kraftFile]
      await this.#mustEndWell(this.#java(this.#classPaths.kafka, 'kafka.tools.StorageTool', words))
      return this.startKafka()
    }
    const { kafkaOnZooKeeper } = this.#classPaths
    const main = 'org.apache.zookeeper.server.quorum.QuorumPeerMain'
    const flags = [`-Dzookeeper.snapCount=${ZOOKEEPER_TXNS_PER_SNAPSHOT}`]
    this.#zooKeeper = await this.#start(this.#java(kafkaOnZooKeeper, main, [`${this.directory}/zoo.cfg`], flags), this.#zooKeeperPort)
    this.#broker = await this.#start(this.#java(kafkaOnZooKeeper, 'kafka.Kafka', [this.#zooKeeperModeFile]), this.#port)
  }

  async startKafka(): Promise<void> {
    this.#broker = await this.#start(this.#java(this.#classPaths.kafka, 'kafka.Kafka', [this.#kraftFile]), this.#port)
  }

  async startOttla(): Promise<void> {
    this.#broker = await this.#start([OTTLA, 'start', ...this.#ours()], this.#port)
  }

  /** What the first broker's ZooKeeper knew becomes the keeper's. */
  async importZooKeeper(): Promise<void> {
    await this.#mustEndWell([OTTLA, 'import', '--zookeeper-data', this.#zooKeeperData, ...this.#ours()])
    const file = readFileSync(this.#zooKeeperModeFile, 'utf8')
    writeFileSync(this.#zooKeeperModeFile, file.replace(/^zookeeper\.connect=.*\n/m, ''))
  }

  async exportToKafka(): Promise<void> {
    const controller = ['--controller', `127.0.0.1:${this.#controllerPort}`]
    await this.#mustEndWell([OTTLA, 'export', '--kraft', ...controller, ...this.#ours()])
  }

  async #start(command: readonly string[], port: number): Promise<ChildProcess> {
    const output = openSync(this.#output, 'a')
    const child = spawn(command[0]!, command.slice(1), { stdio: ['ignore', output, output] })
    const giveUpAt = Date.now() + READY_MS
    while (!(await accepts(port))) {
      if (child.exitCode !== null || Date.now() > giveUpAt) {
        child.kill('SIGKILL')
        throw new Error(`the server does not start: ${this.lastOutput()}`)
      }
      await pause(50)
    }
    return child
  }

  /** The broker, then its ZooKeeper. */
  async stop(signal: StopSignal): Promise<void> {
    const children = [this.#broker, this.#zooKeeper]
    this.#broker = undefined
    this.#zooKeeper = undefined
    for (const child of children) {
      if (child === undefined || child.exitCode !== null) continue
      const gone = once(child, 'exit')
      child.kill(signal)
      await gone
    }
  }

  get #output(): string {
    return `${this.directory}/broker.out`
  }

  lastOutput(): string {
    return readFileSync(this.#output, 'utf8').trim().split('\n').slice(-6).join(' | ').slice(-1200)
  }

  /** Lines of any broker that say ERROR. */
  errors(): string[] {
    return readFileSync(this.#output, 'utf8')
      .split('\n')
      .filter((line) => /\bERROR\b/.test(line))
  }

  async client(mode: string): Promise<string> {
    return this.#mustEndWell(this.#java(this.#classPaths.kafka, 'TakeOver', [mode, this.bootstrap, this.metadata]))
  }

  /** Clients that outlast the brokers. */
  live(): ChildProcess {
    const [program, ...words] = this.#java(this.#classPaths.kafka, 'TakeOver', ['live', this.bootstrap, this.metadata])
    return spawn(program!, words, { stdio: ['pipe', 'pipe', 'ignore'] })
  }

  async digest(): Promise<Digest> {
    const lines = (await this.client('digest')).split('\n').filter((line) => line.includes('\t'))
    return new Map(lines.map((line) => [line.slice(0, line.indexOf('\t')), line.slice(line.indexOf('\t') + 1)]))
  }

  async #mustEndWell(command: readonly string[]): Promise<string> {
    const ended = await run(command, { timeoutMs: CLIENT_MS })
    if (ended.status !== 0) {
      const output = this.#broker === undefined ? '' : `; the broker: ${this.lastOutput()}`
      throw new Error(`${command.slice(-4).join(' ')}: ${lastWords(ended)}${output}`)
    }
    return ended.stdout.toString()
  }
}

function write(path: string, properties: Readonly<Record<string, string | number | boolean>>): void {
  const lines = Object.entries(properties).map(([key, value]) => `${key}=${value}\n`)
  writeFileSync(path, lines.join(''))
}

export async function freePorts(count: number): Promise<number[]> {
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
