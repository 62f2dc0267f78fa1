import type { BrokerConfig } from '@ottla/broker'
import type { Address, Env } from '@ottla/env'
import { startServer, type Server } from '../server.ts'
import { version } from '../version.ts'
import { keptAlive } from './kept-alive.ts'
import { runServer, stopSignal } from './server-process.ts'
import { DEFAULT_FILE, serverConfig } from './server-properties.ts'

const USAGE = `Usage: ottla start [server.properties] [--override key=value]…

Starts a broker, with its embedded keeper or on the ZooKeeper of zookeeper.connect. Without a file, ${DEFAULT_FILE} is read
where there is one, else defaults are taken.
  --override key=value   sets one key, over the file; may be repeated
  --check                says what the configuration comes to, and starts nothing`

/** Runs until it is told to stop (SIGINT, SIGTERM). */
export function run(words: readonly string[]): Promise<number> {
  return runServer(words, USAGE, serverConfig, serve)
}

async function serve(env: Env, config: BrokerConfig): Promise<number> {
  const server = await keptAlive(() => startServer(env, config))
  greet(config, server)
  // the listener keeps the process alive meanwhile; timers of env don't
  await stopSignal()
  await server.stop()
  return 0
}

/** A few lines on where it is and what to try next. */
function greet(config: BrokerConfig, { broker, addresses: bound, keeperAddress }: Server): void {
  const addresses = bound.map(textOf)
  const bootstrap = addresses[0]
  const keeper = keeperAddress === undefined ? '' : `, clients of ZooKeeper to ${textOf(keeperAddress)}`
  const tree = config.zookeeperConnect ? `, tree on ${config.zookeeperConnect}` : ''
  const where = `broker ${config.brokerId}, cluster ${broker.clusterId}, data in ${config.logDirs.join(', ')}${tree}`
  console.log(`Ottla ${version} listens on ${addresses.join(', ')}  (${where})
Try, in another terminal:
  bin/ottla topics create hello --partitions 3 --bootstrap ${bootstrap}
  echo 'first line' | bin/ottla produce hello --bootstrap ${bootstrap}
  bin/ottla consume hello --from beginning --bootstrap ${bootstrap}
Any Kafka client connects to ${bootstrap} too${keeper}. Ctrl-C stops.`)
}

const textOf = ({ host, port }: Address): string => `${host}:${port}`
