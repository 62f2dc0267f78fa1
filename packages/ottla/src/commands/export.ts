import { existsSync, readFileSync } from 'node:fs'
import { exportKraft, loadBrokerConfig, parseProperties } from '@ottla/broker'
import { nodeEnv } from '@ottla/env/node'
import { openKeeper } from '@ottla/keeper'
import { UsageError } from '../usage-error.ts'
import { localCommand, parse } from './connection.ts'

const DEFAULT_FILE = 'config/server.properties'

interface Options {
  readonly kraft?: true
  readonly override: readonly string[]
  readonly controller?: string
}

const gather = (value: string, before: readonly string[]): readonly string[] => [...before, value]

/** `ottla export --kraft`: makes the directories of a stopped broker such that Apache Kafka serves them. */
export function run(words: readonly string[]): Promise<number> {
  const command = localCommand(
    'ottla export',
    "Writes the cluster's metadata into the log directories of a stopped broker, so that Apache Kafka 4 (KRaft) serves them",
  )
    .argument('[server.properties]', `the file that the broker was started with; ${DEFAULT_FILE} where there is one`)
    .option('--kraft', 'as a KRaft broker and controller in one: the only form there is')
    .option('--override <key=value>', 'sets one key, over the file; may be repeated', gather, [])
    .option('--controller <host:port>', "where Kafka's controller will listen; else what the file or the earlier metadata says of it")
    .action((file: string | undefined, options: Options) => writeKraft(file, options))
  return parse(command, words)
}

async function writeKraft(file: string | undefined, { kraft, override, controller }: Options): Promise<void> {
  if (kraft === undefined) throw new UsageError('say what to export to: --kraft')
  const path = file ?? (existsSync(DEFAULT_FILE) ? DEFAULT_FILE : undefined)
  if (path !== undefined && !existsSync(path)) throw new Error(`there is no file ${path}`)
  const properties = path === undefined ? new Map<string, string>() : parseProperties(readFileSync(path, 'utf8'))
  const { config } = loadBrokerConfig(properties, new Map(override.map(keyAndValue)))
  const env = nodeEnv({ logLevel: 'warn' })
  // timers of env don't keep the process alive
  const alive = setInterval(() => {}, 1 << 30)
  const keeper = await openKeeper(env, config.keeperDir)
  try {
    const zooKeeper = keeper.connect()
    const written = await exportKraft(env, zooKeeper, config, controller === undefined ? null : endpoint(controller))
    await zooKeeper.close()
    const { name, host, port } = written.controller
    console.log(`Wrote ${written.topics} topics of cluster ${written.clusterId} to ${written.checkpoint}
Start Apache Kafka 4 on it with process.roles=broker,controller, node.id=${config.brokerId}, log.dirs=${config.logDirs.join(',')},
controller.listener.names=${name} and a listener ${name}://${host}:${port}.`)
  } finally {
    await keeper.close()
    clearInterval(alive)
  }
}

function endpoint(text: string): { name: string; host: string; port: number } {
  const [, host, port] = /^(\[[^\]]+\]|[^:]+):(\d{1,5})$/.exec(text) ?? []
  if (host === undefined) throw new UsageError(`--controller wants host:port, not '${text}'`)
  return { name: 'CONTROLLER', host: host.replace(/^\[|\]$/g, ''), port: Number(port) }
}

function keyAndValue(pair: string): [string, string] {
  const equals = pair.indexOf('=')
  if (equals < 1) throw new UsageError(`--override wants key=value, not '${pair}'`)
  return [pair.slice(0, equals).trim(), pair.slice(equals + 1).trim()]
}
