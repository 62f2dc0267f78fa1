import type { BrokerConfig } from '@ottla/broker'
import type { Address } from '@ottla/env'
import { nodeEnv } from '@ottla/env/node'
import { startServer, type Server } from '../server.ts'
import { UsageError } from '../usage-error.ts'
import { version } from '../version.ts'
import { DEFAULT_FILE, serverConfig } from './server-properties.ts'

const USAGE = `Usage: ottla start [server.properties] [--override key=value]…

Starts a broker with its embedded keeper. Without a file, ${DEFAULT_FILE} is read where there is one, else defaults are taken.
  --override key=value   sets one key, over the file; may be repeated
  --check                says what the configuration comes to, and starts nothing`

interface Words {
  readonly file: string | undefined
  readonly overrides: readonly string[]
  readonly check: boolean
}

/** Runs until it is told to stop (SIGINT, SIGTERM). */
export async function run(words: readonly string[]): Promise<number> {
  if (words.includes('--help') || words.includes('-h')) {
    console.log(USAGE)
    return 0
  }
  const env = nodeEnv()
  const { file, overrides, check } = understand(words)
  const { config, notes, warnings } = serverConfig(file, overrides)
  for (const note of notes) env.log.info(note)
  for (const warning of warnings) env.log.warn(warning)
  if (check) return 0
  const server = await startServer(env, config)
  greet(config, server)
  // the listener keeps the process alive meanwhile; timers of env don't
  await stopSignal()
  await server.stop()
  return 0
}

function understand(words: readonly string[]): Words {
  const overrides: string[] = []
  const files: string[] = []
  let check = false
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!
    if (word === '--check') check = true
    else if (word === '--override' || word.startsWith('--override=')) {
      const pair = word === '--override' ? words[++at] : word.slice('--override='.length)
      overrides.push(pair ?? '')
    } else if (word.startsWith('-')) throw new UsageError(`there is no option ${word}\n\n${USAGE}`)
    else files.push(word)
  }
  if (files.length > 1) throw new UsageError(`one file of properties, not ${files.length}: ${files.join(' ')}`)
  return { file: files[0], overrides, check }
}

/** A few lines on where it is and what to try next. */
function greet(config: BrokerConfig, { broker, addresses: bound, keeperAddress }: Server): void {
  const addresses = bound.map(textOf)
  const bootstrap = addresses[0]
  const keeper = keeperAddress === undefined ? '' : `, clients of ZooKeeper to ${textOf(keeperAddress)}`
  const where = `broker ${config.brokerId}, cluster ${broker.clusterId}, data in ${config.logDirs.join(', ')}`
  console.log(`Ottla ${version} listens on ${addresses.join(', ')}  (${where})
Try, in another terminal:
  bin/ottla topics create hello --partitions 3 --bootstrap ${bootstrap}
  echo 'first line' | bin/ottla produce hello --bootstrap ${bootstrap}
  bin/ottla consume hello --from beginning --bootstrap ${bootstrap}
Any Kafka client connects to ${bootstrap} too${keeper}. Ctrl-C stops.`)
}

const textOf = ({ host, port }: Address): string => `${host}:${port}`

/** Resolves at the first signal to stop; a second one ends the process at once. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    let asked = false
    const stop = (): void => {
      if (asked) process.exit(130)
      asked = true
      resolve()
    }
    process.on('SIGINT', stop)
    process.on('SIGTERM', stop)
  })
}
