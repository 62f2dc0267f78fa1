import { addressIn, exportKraft, type BrokerConfig } from '@ottla/broker'
import { nodeEnv } from '@ottla/env/node'
import { hasTree, withKeeper } from '@ottla/keeper'
import { UsageError } from '../usage-error.ts'
import { parse } from './connection.ts'
import { keptAlive } from './kept-alive.ts'
import { serverCommand, type ServerOptions } from './server-command.ts'
import { serverConfig } from './server-properties.ts'

interface Options extends ServerOptions {
  readonly kraft?: true
  readonly controller?: string
}

/** `ottla export --kraft`: makes the directories of a stopped broker such that Apache Kafka serves them. */
export function run(words: readonly string[]): Promise<number> {
  const command = serverCommand(
    'ottla export',
    "Writes the cluster's metadata into the log directories of a stopped broker, so that Apache Kafka 4 (KRaft) serves them",
  )
    .option('--kraft', 'as a KRaft broker and controller in one: the only form there is')
    .option('--controller <host:port>', "where Kafka's controller will listen; else what the file or the earlier metadata says of it")
    .action((file: string | undefined, options: Options) => writeKraft(file, options))
  return parse(command, words)
}

async function writeKraft(file: string | undefined, { kraft, override, controller }: Options): Promise<void> {
  if (kraft === undefined) throw new UsageError('say what to export to: --kraft')
  const wanted = controller === undefined ? null : endpoint(controller)
  const { config } = serverConfig(file, override)
  const written = await keptAlive(() => exported(config, wanted))
  const { name, host, port } = written.controller
  console.log(`Wrote ${written.topics} topics of cluster ${written.clusterId} to ${written.checkpoint}
Start Apache Kafka 4 on it with process.roles=broker,controller, node.id=${config.brokerId}, log.dirs=${config.logDirs.join(',')},
controller.listener.names=${name} and a listener ${name}://${host}:${port}.`)
}

async function exported(config: BrokerConfig, controller: Endpoint | null): ReturnType<typeof exportKraft> {
  const env = nodeEnv({ logLevel: 'warn' })
  if (!(await hasTree(env, config.keeperDir))) throw new Error(`keeper.dir=${config.keeperDir} holds no tree: nothing was written`)
  return await withKeeper(env, config.keeperDir, (zooKeeper) => exportKraft(env, zooKeeper, config, controller))
}

type Endpoint = NonNullable<Parameters<typeof exportKraft>[3]>

function endpoint(text: string): Endpoint {
  const address = addressIn(text)
  if (address === null || address.host === '' || address.port < 1 || address.port > 65_535) {
    throw new UsageError(`--controller wants host:port with a port from 1 to 65535, not '${text}'`)
  }
  return { name: 'CONTROLLER', ...address }
}
