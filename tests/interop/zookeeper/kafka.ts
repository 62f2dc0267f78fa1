/** Two brokers of Kafka 3.9, the last that lives on a ZooKeeper, on a keeper: the controller is killed, and the other goes on. */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { JAVA } from '../clients.ts'
import { lastWords, run } from '../processes.ts'
import { freePorts } from '../station.ts'
import * as toolchains from '../toolchains.ts'
import type { ZooKeeperServer } from './servers.ts'

const IDS = [1, 2] as const
const CLIENT_MS = 60_000
const COMMON = {
  'offsets.topic.num.partitions': 3,
  'offsets.topic.replication.factor': 2,
  'group.initial.rebalance.delay.ms': 0,
  'zookeeper.session.timeout.ms': 4000,
  'controlled.shutdown.enable': false,
}

/** What came of it, in a few words; throws where it did not come so. */
export async function kafkaOnKeeper(directory: string, keeper: ZooKeeperServer): Promise<string> {
  const { classPath } = await toolchains.kafkaOnZooKeeper()
  const classes = `${directory}/classes`
  const program = fileURLToPath(new URL('KafkaCheck.java', import.meta.url))
  await mustEndWell(['javac', '-nowarn', '-cp', classPath, '-d', classes, program])
  const ports = await freePorts(IDS.length)
  const bootstrap = ports.map((port) => `127.0.0.1:${port}`).join(',')
  const check = (...words: string[]): Promise<string> => mustEndWell([...JAVA, '-cp', `${classes}:${classPath}`, 'KafkaCheck', ...words])
  const brokers = new Map<number, ChildProcess>()
  try {
    for (const [at, id] of IDS.entries()) brokers.set(id, broker(`${directory}/broker${id}`, id, ports[at]!, keeper, classPath))
    const first = await check('first', bootstrap)
    const controller = Number(/^controller ([12]) in sync 6 read 1000$/.exec(first)?.[1])
    if (Number.isNaN(controller)) throw new Error(`the two brokers: ${first}`)
    const heir = IDS.find((id) => id !== controller)!
    brokers.get(controller)!.kill('SIGKILL')
    const then = await check('then', bootstrap, String(heir))
    if (then !== `controller ${heir} read 2000 and 1000`) throw new Error(`after the controller's end: ${then}`)
    return `broker ${controller} was killed, broker ${heir} is the controller and has all 2000 records`
  } catch (error) {
    throw new Error(`${(error as Error).message}; ${IDS.map((id) => lastOutput(`${directory}/broker${id}`)).join(' || ')}`, {
      cause: error,
    })
  } finally {
    for (const child of brokers.values()) child.kill('SIGKILL')
  }
}

function broker(directory: string, id: number, port: number, keeper: ZooKeeperServer, classPath: string): ChildProcess {
  mkdirSync(directory, { recursive: true })
  const properties = {
    ...COMMON,
    'broker.id': id,
    listeners: `PLAINTEXT://127.0.0.1:${port}`,
    'log.dirs': `${directory}/logs`,
    'zookeeper.connect': `${keeper.connect}/kafka`,
  }
  const file = `${directory}/server.properties`
  const lines = Object.entries(properties).map(([key, value]) => `${key}=${value}\n`)
  writeFileSync(file, lines.join(''))
  const output = openSync(`${directory}/output`, 'a')
  const java = ['-Xmx512m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn']
  return spawn('java', [...java, '-cp', classPath, 'kafka.Kafka', file], { stdio: ['ignore', output, output] })
}

async function mustEndWell(command: readonly string[]): Promise<string> {
  const ended = await run(command, { timeoutMs: CLIENT_MS })
  if (ended.status !== 0) throw new Error(`${command.slice(-3).join(' ')}: ${lastWords(ended)}`)
  return ended.stdout.toString().trim()
}

function lastOutput(directory: string): string {
  return readFileSync(`${directory}/output`, 'utf8').trim().split('\n').slice(-4).join(' | ').slice(-600)
}
