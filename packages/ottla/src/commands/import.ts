import { existsSync } from 'node:fs'
import { loadBrokerConfig } from '@ottla/broker'
import { nodeEnv } from '@ottla/env/node'
import { importZooKeeperData } from '@ottla/keeper'
import { UsageError } from '../usage-error.ts'
import { localCommand, parse } from './connection.ts'
import { gather, keyAndValue } from './option-values.ts'
import { DEFAULT_FILE, propertiesIn } from './server-properties.ts'

const CONNECT = 'zookeeper.connect'

interface Options {
  readonly zookeeperData?: string
  readonly zookeeperLog?: string
  readonly chroot?: string
  readonly override: readonly string[]
}

/** `ottla import --zookeeper-data`: makes the keeper's directory one that knows what a stopped ZooKeeper knew. */
export function run(words: readonly string[]): Promise<number> {
  const command = localCommand(
    'ottla import',
    "Copies what a stopped ZooKeeper knew into an empty keeper.dir; with Kafka's log.dirs, ottla start then goes on as that broker",
  )
    .argument('[server.properties]', `the file that the broker will be started with; ${DEFAULT_FILE} where there is one`)
    .option('--zookeeper-data <dir>', "dataDir of ZooKeeper's configuration; it is only read")
    .option('--zookeeper-log <dir>', 'its dataLogDir, where it has one')
    .option('--chroot <path>', `the znode that becomes the root; else the one in ${CONNECT}, where the file has that line`)
    .option('--override <key=value>', 'sets one key, over the file; may be repeated', gather, [])
    .action((file: string | undefined, options: Options) => importZooKeeper(file, options))
  return parse(command, words)
}

async function importZooKeeper(file: string | undefined, options: Options): Promise<void> {
  const { zookeeperData: dataDir, zookeeperLog: dataLogDir, override } = options
  if (dataDir === undefined) throw new UsageError('say what to import: --zookeeper-data DIR')
  const properties = propertiesIn(file)
  for (const directory of [dataDir, dataLogDir]) {
    if (directory !== undefined && !existsSync(directory)) throw new Error(`there is no directory ${directory}`)
  }
  const connect = properties.get(CONNECT)
  properties.delete(CONNECT)
  const chroot = options.chroot ?? chrootIn(connect ?? '')
  const { config } = loadBrokerConfig(properties, new Map(override.map(keyAndValue)))
  const imported = await importZooKeeperData(nodeEnv({ logLevel: 'warn' }), config.keeperDir, { dataDir, dataLogDir, chroot })
  const { znodes, endedSessions } = imported
  console.log(`Copied ${znodes} znodes from ${dataDir} to ${config.keeperDir}; sessions that ended with it: ${endedSessions}
Start Ottla on it with broker.id=${config.brokerId}, log.dirs=${config.logDirs.join(',')}${connect === undefined ? '' : ` and without ${CONNECT}`}.`)
}

/** `host:port,host:port/kafka` names `/kafka`. */
function chrootIn(connect: string): string | undefined {
  const slash = connect.indexOf('/')
  const chroot = slash === -1 ? '' : connect.slice(slash).trim().replace(/\/+$/, '')
  return chroot === '' ? undefined : chroot
}
