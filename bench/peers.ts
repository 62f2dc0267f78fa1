import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { KAFKA_VERSION, javaOptions } from './kafka-jars.ts'
import type { Load } from './load.ts'
import { REALTIME_PREFIX, setRealtime } from './machine.ts'
import { runProgram, startDaemon } from './processes.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/** A directory of one broker with the ports that it keeps for life. */
export interface Home {
  readonly directory: string
  readonly ports: readonly [client: number, other: number]
}

/** A running broker of either side. */
export interface Broker {
  readonly pid: number
  readonly address: string
  /** From its spawn to its first answer to ApiVersions. */
  readonly startedMs: number
  /** Where a partition's files are. */
  partitionDirectory(topic: string, partition: number): string
  /** In order, as an operator would; the home stays. */
  stop(): Promise<void>
  /** At once, home and all. */
  discard(): Promise<void>
}

/** One side of the comparison. */
export interface Contender {
  readonly name: 'ottla' | 'kafka'
  newHome(): Promise<Home>
  /** What starts a broker on it. */
  command(home: Home): string[]
  /** Resolves at the first answer to ApiVersions. */
  start(home: Home): Promise<Broker>
}

/** What both sides get beside their stock settings: room for the next run soon after a topic is deleted. */
const DELETE_SOON = 'log.segment.delete.delay.ms=1000'

/** Ottla from this checkout, by its shipped configuration. */
export function ottlaContender(base: string, load: Load): Contender {
  const command = (home: Home): string[] => {
    const overrides = [
      `listeners=PLAINTEXT://127.0.0.1:${home.ports[0]}`,
      `log.dirs=${home.directory}/data`,
      `keeper.dir=${home.directory}/keeper`,
      `keeper.port=${home.ports[1]}`,
      DELETE_SOON,
    ]
    const words = [`${root}bin/ottla`, 'start', `${root}config/server.properties`]
    return [...words, ...overrides.flatMap((pair) => ['--override', pair])]
  }
  return { name: 'ottla', newHome: () => newHome(`${base}/ottla`), command, start: (home) => startBroker(command(home), home, load) }
}

/** Apache Kafka: KRaft, broker and controller in one process, stock server settings, a heap of 1 GiB. */
export function kafkaContender(base: string, libraries: string, load: Load): Contender {
  const command = ({ directory }: Home): string[] => [...javaOptions(libraries, '1g'), 'kafka.Kafka', `${directory}/server.properties`]
  return {
    name: 'kafka',
    async newHome() {
      const home = await newHome(`${base}/kafka`)
      const file = `${home.directory}/server.properties`
      writeFileSync(file, kafkaProperties(home))
      const format = ['kafka.tools.StorageTool', 'format', '--standalone', '-t', 'b3R0bGFiZW5jaG1hcmtrZg', '-c', file]
      await runProgram([...javaOptions(libraries, '256m'), ...format])
      return home
    },
    command,
    start: (home) => startBroker(command(home), home, load),
  }
}

/** config/server.properties as Kafka ships it, on free ports of this machine. */
function kafkaProperties({ directory, ports: [client, controller] }: Home): string {
  const listeners = `PLAINTEXT://127.0.0.1:${client},CONTROLLER://127.0.0.1:${controller}`
  return `process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:${controller}
listeners=${listeners}
advertised.listeners=${listeners}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
num.network.threads=3
num.io.threads=8
socket.send.buffer.bytes=102400
socket.receive.buffer.bytes=102400
socket.request.max.bytes=104857600
log.dirs=${directory}/data
num.partitions=1
num.recovery.threads.per.data.dir=2
offsets.topic.replication.factor=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
log.retention.hours=168
log.segment.bytes=1073741824
log.retention.check.interval.ms=300000
${DELETE_SOON}
`
}

let homes = 0

async function newHome(prefix: string): Promise<Home> {
  const directory = `${prefix}-${++homes}`
  mkdirSync(directory, { recursive: true })
  return { directory, ports: await freePorts() }
}

/** Two ports that are free now, both held until both are known. */
async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()] as const
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.on('error', reject)
          server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port))
        }),
    ),
  )
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return [ports[0] ?? 0, ports[1] ?? 0]
}

async function startBroker(command: readonly string[], home: Home, load: Load): Promise<Broker> {
  const address = `127.0.0.1:${home.ports[0]}`
  const logFile = `${home.directory}/log`
  const begin = performance.now()
  const daemon = startDaemon([...(load.realtime ? REALTIME_PREFIX : []), ...command], { logFile, cwd: home.directory })
  const gone = new AbortController()
  const answered = await Promise.race([load.firstAnswer(address, gone.signal).then(() => true), daemon.ended.then(() => false)])
  const startedMs = performance.now() - begin
  if (!answered) {
    gone.abort()
    throw new Error(`${command[0]} ended before it answered: ${readFileSync(logFile, 'utf8').slice(-2000)}`)
  }
  if (load.realtime) await setRealtime(daemon.pid, false)
  const end = (signal: NodeJS.Signals): Promise<void> => {
    daemon.kill(signal)
    return daemon.ended
  }
  return {
    pid: daemon.pid,
    address,
    startedMs,
    partitionDirectory: (topic, partition) => `${home.directory}/data/${topic}-${partition}`,
    stop: () => end('SIGTERM'),
    async discard() {
      await end('SIGKILL')
      rmSync(home.directory, { recursive: true, force: true })
    },
  }
}

/** For people and results. */
export const CONTENDER_TITLES: Readonly<Record<Contender['name'], string>> = { ottla: 'Ottla', kafka: `Apache Kafka ${KAFKA_VERSION}` }
