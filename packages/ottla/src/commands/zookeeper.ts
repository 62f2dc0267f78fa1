import { existsSync, readFileSync } from 'node:fs'
import { parseProperties } from '@ottla/broker'
import type { Env } from '@ottla/env'
import { hasTree, openKeeper, type KeeperEnv } from '@ottla/keeper'
import { version } from '../version.ts'
import { loadZooKeeperConfig, type LoadedZooKeeperConfig, type ZooKeeperConfig } from '../zookeeper-properties.ts'
import { keyAndValue } from './option-values.ts'
import { runServer, stopSignal } from './server-process.ts'

const DEFAULT_FILE = 'config/zookeeper.properties'
/** In `dataDir`, where ZooKeeper has its `version-2`. */
const DIRECTORY = 'ottla-keeper'
const USAGE = `Usage: ottla zookeeper [zookeeper.properties] [--override key=value]…

Starts a keeper alone: a ZooKeeper server. Without a file, ${DEFAULT_FILE} is read.
  --override key=value   sets one key, over the file; may be repeated
  --check                says what the configuration comes to, and starts nothing`

/** Runs until it is told to stop (SIGINT, SIGTERM); answers 1 where the keeper's disk failed. */
export function run(words: readonly string[]): Promise<number> {
  return runServer(words, USAGE, load, serve)
}

async function serve(env: Env, config: ZooKeeperConfig): Promise<number> {
  const directory = await keeperDirectory(env, config.dataDir)
  let failed = (): void => {}
  const failure = new Promise<'failed'>((resolve) => (failed = () => resolve('failed')))
  const keeper = await openKeeper(env, directory, { clients: config.clients, onFailure: failed })
  const where = keeper.addresses.map(({ host, port }) => `${host}:${port}`).join(', ')
  console.log(`Ottla ${version}, a keeper alone: clients of ZooKeeper to ${where}  (data in ${directory}). Ctrl-C stops.`)
  // the listener keeps the process alive meanwhile; timers of env don't
  const reason = await Promise.race([stopSignal(), failure])
  await keeper.close()
  return reason === 'failed' ? 1 : 0
}

function load(file = DEFAULT_FILE, overrides: readonly string[]): LoadedZooKeeperConfig {
  if (!existsSync(file)) throw new Error(`there is no file ${file}`)
  return loadZooKeeperConfig(parseProperties(readFileSync(file, 'utf8')), new Map(overrides.map(keyAndValue)))
}

/** ZooKeeper's own data are never opened in place: there would be no way back. */
async function keeperDirectory(env: KeeperEnv, dataDir: string): Promise<string> {
  const directory = `${dataDir}/${DIRECTORY}`
  if (existsSync(`${dataDir}/version-2`) && !(await hasTree(env, directory))) {
    throw new Error(
      `${dataDir} has the data of a ZooKeeper, in version-2, and no keeper's yet. Stop that ZooKeeper, then let ` +
        `'ottla import --zookeeper-data ${dataDir} --override keeper.dir=${directory}' copy them, or name an empty dataDir`,
    )
  }
  return directory
}
