/** The broker under test as a process: Ottla's, or Apache Kafka's to check the suite itself. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { setTimeout as pause } from 'node:timers/promises'
import { run } from './processes.ts'

/** How a broker is stopped: asked to, or killed on the spot. */
export type StopSignal = 'SIGTERM' | 'SIGKILL'

const READY_MS = 60_000
const STOPPED_MS = 60_000

export class BrokerProcess {
  readonly bootstrap: string
  /** Where the partitions' directories are. */
  readonly logDir: string
  readonly #command: readonly string[]
  readonly #outputPath: string
  #child: ChildProcess | undefined

  private constructor(command: readonly string[], port: number, directory: string) {
    this.#command = command
    this.bootstrap = `127.0.0.1:${port}`
    this.logDir = `${directory}/logs`
    this.#outputPath = `${directory}/broker.out`
  }

  /** Ottla from this checkout. */
  static async ottla(directory: string, changes: Readonly<Record<string, number | string>> = {}): Promise<BrokerProcess> {
    const [port, keeperPort] = [await freePort(), await freePort()]
    const properties = {
      'broker.id': 1,
      listeners: `PLAINTEXT://127.0.0.1:${port}`,
      'log.dirs': `${directory}/logs`,
      'keeper.dir': `${directory}/keeper`,
      'keeper.port': keeperPort,
      ...COMMON,
      ...changes,
    }
    mkdirSync(directory, { recursive: true })
    const overrides = Object.entries(properties).flatMap(([key, value]) => ['--override', `${key}=${value}`])
    const broker = new BrokerProcess([fileURLToPath(new URL('../../bin/ottla', import.meta.url)), 'start', ...overrides], port, directory)
    await broker.start()
    return broker
  }

  /** Apache Kafka of the same class path as Java's client. */
  static async kafka(directory: string, classPath: string): Promise<BrokerProcess> {
    const [port, controllerPort] = [await freePort(), await freePort()]
    const properties = {
      'process.roles': 'broker,controller',
      'node.id': 1,
      listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
      'controller.listener.names': 'CONTROLLER',
      'controller.quorum.bootstrap.servers': `127.0.0.1:${controllerPort}`,
      'log.dirs': `${directory}/logs`,
      ...COMMON,
    }
    mkdirSync(directory, { recursive: true })
    const file = `${directory}/server.properties`
    writeFileSync(
      file,
      Object.entries(properties)
        .map(([key, value]) => `${key}=${value}\n`)
        .join(''),
    )
    const java = ['java', '-Xmx1g', '-cp', classPath]
    await run([...java, 'kafka.tools.StorageTool', 'format', '--standalone', '-t', 'MkU3OEVBNTcwNTJENDM2Qk', '-c', file])
    const broker = new BrokerProcess([...java, 'kafka.Kafka', file], port, directory)
    await broker.start()
    return broker
  }

  /** Starts it and resolves once it accepts connections. */
  async start(): Promise<void> {
    const output = openSync(this.#outputPath, 'a')
    const child = spawn(this.#command[0]!, this.#command.slice(1), { stdio: ['ignore', output, output] })
    this.#child = child
    const [host, port] = this.bootstrap.split(':')
    const giveUpAt = Date.now() + READY_MS
    while (!(await accepts(host!, Number(port)))) {
      if (child.exitCode !== null || Date.now() > giveUpAt) throw new Error(`the broker does not start: ${this.lastOutput()}`)
      await pause(50)
    }
  }

  /** Ends it; resolves when the process is gone. Throws where SIGTERM does not end it, or not with exit code 0. */
  async stop(signal: StopSignal): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined) return
    if (child.exitCode !== null) throw new Error(`the broker had ended by itself, code ${child.exitCode}: ${this.lastOutput()}`)
    const gone = once(child, 'exit')
    child.kill(signal)
    const timer = setTimeout(() => child.kill('SIGKILL'), STOPPED_MS)
    const [code, by] = (await gone) as [number | null, string | null]
    clearTimeout(timer)
    // a JVM answers SIGTERM with 143
    const orderly = code === 0 || code === 143
    if (signal === 'SIGTERM' && !orderly) throw new Error(`the broker ended with ${by ?? `code ${code}`} on SIGTERM: ${this.lastOutput()}`)
  }

  /** SIGSTOP and SIGCONT: a pause. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.kill(signal)
  }

  lastOutput(): string {
    return readFileSync(this.#outputPath, 'utf8').trim().split('\n').slice(-8).join(' | ').slice(-1500)
  }
}

/** Settings of either broker: groups start at once, and a topic is only what the suite creates. */
const COMMON = {
  'num.partitions': 3,
  'auto.create.topics.enable': false,
  'offsets.topic.replication.factor': 1,
  'offsets.topic.num.partitions': 5,
  'transaction.state.log.replication.factor': 1,
  'transaction.state.log.min.isr': 1,
  'group.initial.rebalance.delay.ms': 0,
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function accepts(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port })
  const accepted = await once(socket, 'connect').then(
    () => true,
    () => false,
  )
  socket.destroy()
  return accepted
}
