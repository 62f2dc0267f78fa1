import { isUtf8 } from 'node:buffer'
import { nodeEnv } from '@ottla/env/node'
import {
  childPath,
  createPath,
  nameOf,
  parentOf,
  ZooKeeperClient,
  ZooKeeperError,
  type CreateMode,
  type Stat,
  type ZooKeeper,
} from '@ottla/zookeeper'
import { localCommand, parse } from './connection.ts'
import { keptAlive } from './kept-alive.ts'
import { int32, wholeNumber } from './option-values.ts'
import { table } from './output.ts'

interface Options {
  readonly connect: string
  readonly json: boolean
}
interface CreateOptions {
  readonly parents: boolean
  readonly sequential: boolean
}
interface VersionOptions {
  readonly version?: number
}

/** A person waits for an answer, so a server that isn't there is told soon. */
const CONNECT_MS = 10_000
const CONNECT = process.env['OTTLA_ZOOKEEPER'] ?? '127.0.0.1:2181'
/** Znodes that are read at once. */
const READ_AT_ONCE = 100

/** `ottla zk …` */
export function run(words: readonly string[]): Promise<number> {
  const zk = localCommand('ottla zk', 'Shows and changes the tree of a ZooKeeper or a keeper')
  zk.option('-c, --connect <host:port,…/chroot>', 'its servers, and the znode that is the root (OTTLA_ZOOKEEPER)', CONNECT)
  zk.option('--json', 'a JSON object a line', false)
  const add = (usage: string, description: string): typeof zk => zk.command(usage).description(description) as typeof zk
  const act = (work: (zooKeeper: ZooKeeper, options: Options) => Promise<void>): Promise<void> => withZooKeeper(zk.opts(), work)

  add('ls [path]', 'its children').action((path = '/') => act((zooKeeper, { json }) => list(zooKeeper, path, json)))
  add('tree [path]', 'all below it, with the data')
    .option('-d, --depth <levels>', 'not deeper than this', wholeNumber)
    .action((path = '/', { depth = Infinity }: { depth?: number }) =>
      act((zooKeeper, { json }) => tree(zooKeeper, path, depth, json ? toJson : toLine)),
    )
  add('get <path>', 'its data').action((path: string) => act((zooKeeper, { json }) => get(zooKeeper, path, json)))
  add('stat <path>', 'who wrote it when, and how often').action((path: string) => act((zooKeeper, { json }) => stat(zooKeeper, path, json)))
  add('set <path> <data>', 'other data')
    .option('-v, --version <number>', 'only while it has this version', int32)
    .action((path: string, data: string, { version = -1 }: VersionOptions) =>
      act(async (zooKeeper, { json }) => {
        const { version: now } = await zooKeeper.setData(path, Buffer.from(data), version)
        say({ path, version: now }, `Set ${path}, which has version ${now} now.`, json)
      }),
    )
  add('create <path> [data]', 'a znode that stays')
    .option('-p, --parents', 'the znodes above it too, where they are missing', false)
    .option('-s, --sequential', 'with the next number behind its name', false)
    .action((path: string, data: string | undefined, options: CreateOptions) =>
      act((zooKeeper, { json }) => create(zooKeeper, path, data, options, json)),
    )
  add('delete <path>', 'one znode')
    .option('-v, --version <number>', 'only while it has this version', int32)
    .option('-r, --recursive', 'and all below it', false)
    .action((path: string, { version = -1, recursive }: VersionOptions & { readonly recursive: boolean }) =>
      act(async (zooKeeper, { json }) => {
        const deletedCount = await remove(zooKeeper, path, version, recursive)
        say({ path, deleted: deletedCount }, `Deleted ${path}${deletedCount > 1 ? `, and ${deletedCount - 1} below it` : ''}.`, json)
      }),
    )
  add('watch [path]', 'says what changes, there and below, until it is stopped')
    .option('-n, --max <count>', 'stop after so many changes', wholeNumber)
    .action((path = '/', { max = Infinity }: { max?: number }) => act((zooKeeper, { json }) => watch(zooKeeper, path, max, json)))
  return parse(zk, words)
}

/** Gives `work` a session and ends it afterwards, whatever happens. */
async function withZooKeeper(options: Options, work: (zooKeeper: ZooKeeper, options: Options) => Promise<void>): Promise<void> {
  const env = nodeEnv({ logLevel: 'error' })
  const { connect } = options
  const client = new ZooKeeperClient(env, { connect })
  try {
    await keptAlive(async () => {
      const isThere = await client.hears(['connected'], CONNECT_MS)
      if (!isThere) throw new Error(`no ZooKeeper answers at ${connect}${client.lastLoss === null ? '' : `: ${client.lastLoss}`}`)
      await work(client, options)
    })
  } catch (error) {
    throw error instanceof ZooKeeperError ? new Error(sentenceOf(error), { cause: error }) : error
  } finally {
    await client.close()
  }
}

/** Names what is asked for most often; the rest says the error's own sentence. */
function sentenceOf({ code, path, message }: ZooKeeperError): string {
  switch (code) {
    case 'NoNode':
      return `there is no znode ${path}, or none above it`
    case 'NodeExists':
      return `there is a znode ${path} already`
    case 'NotEmpty':
      return `${path} has children: --recursive deletes them too`
    case 'BadVersion':
      return `${path} has another version: somebody has written it meanwhile`
    default:
      return message
  }
}

function say(facts: object, sentence: string, json: boolean): void {
  console.log(json ? JSON.stringify(facts) : sentence)
}

async function sortedChildren(zooKeeper: ZooKeeper, path: string): Promise<string[]> {
  const { children } = await zooKeeper.getChildren(path)
  return children.sort().map((name) => childPath(path, name))
}

async function list(zooKeeper: ZooKeeper, path: string, json: boolean): Promise<void> {
  for (const child of await sortedChildren(zooKeeper, path)) say({ path: child }, nameOf(child), json)
}

async function get(zooKeeper: ZooKeeper, path: string, json: boolean): Promise<void> {
  const { data, stat: found } = await zooKeeper.getData(path)
  if (json) say({ path, ...dataFacts(data), version: found.version }, '', true)
  else if (data !== null) process.stdout.write(data.length > 0 && data.at(-1) !== 10 ? Buffer.concat([data, Buffer.from('\n')]) : data)
}

async function stat(zooKeeper: ZooKeeper, path: string, json: boolean): Promise<void> {
  const found = await zooKeeper.exists(path)
  if (found === null) throw new ZooKeeperError('NoNode', path)
  const facts = statFacts(found)
  if (json) console.log(JSON.stringify({ path, ...facts }))
  else console.log(table(Object.entries(facts).map(([what, value]) => ({ what, value: String(value ?? '-') }))))
}

function statFacts({ czxid, mzxid, pzxid, ctime, mtime, ephemeralOwner, ...counts }: Stat): Record<string, string | number | null> {
  return {
    created: new Date(ctime).toISOString(),
    modified: new Date(mtime).toISOString(),
    czxid: `0x${czxid.toString(16)}`,
    mzxid: `0x${mzxid.toString(16)}`,
    pzxid: `0x${pzxid.toString(16)}`,
    ephemeralOwner: ephemeralOwner === 0n ? null : `0x${BigInt.asUintN(64, ephemeralOwner).toString(16)}`,
    ...counts,
  }
}

/** Text where it is text, else base64. */
function dataFacts(data: Buffer | null): { data: string | null; base64?: true } {
  if (data === null) return { data: null }
  return isUtf8(data) ? { data: data.toString() } : { data: data.toString('base64'), base64: true }
}

interface Shown {
  readonly path: string
  readonly level: number
  readonly data: Buffer | null
  readonly stat: Stat
}

const toJson = ({ path, data, stat: { version, ephemeralOwner } }: Shown): string =>
  JSON.stringify({ path, ...dataFacts(data), version, ephemeral: ephemeralOwner !== 0n })

function toLine({ path, level, data, stat: { ephemeralOwner } }: Shown): string {
  const name = path === '/' ? path : nameOf(path)
  const { data: text, base64 } = dataFacts(data)
  const content = base64 ? `  (${data!.length} bytes)` : text ? `  ${text.replaceAll('\n', '\\n')}` : ''
  return `${'  '.repeat(level)}${name}${ephemeralOwner === 0n ? '' : '  (ephemeral)'}${content}`
}

/** What vanishes meanwhile is left out. */
async function tree(zooKeeper: ZooKeeper, path: string, depth: number, show: (shown: Shown) => string, level = 0): Promise<void> {
  const znode = await zooKeeper.getData(path)
  console.log(show({ path, level, ...znode }))
  if (level >= depth || znode.stat.numChildren === 0) return
  for (const child of await sortedChildren(zooKeeper, path)) {
    try {
      await tree(zooKeeper, child, depth, show, level + 1)
    } catch (error) {
      if (!(error instanceof ZooKeeperError && error.code === 'NoNode')) throw error
    }
  }
}

async function create(
  zooKeeper: ZooKeeper,
  path: string,
  data: string | undefined,
  { parents, sequential }: CreateOptions,
  json: boolean,
): Promise<void> {
  const parent = parentOf(path)
  if (parents && parent !== '/') await createPath(zooKeeper, parent, null)
  const mode: CreateMode = sequential ? 'persistentSequential' : 'persistent'
  const made = await zooKeeper.create(path, data === undefined ? null : Buffer.from(data), { mode })
  say({ path: made.path }, `Created ${made.path}.`, json)
}

/** The children go first. Answers how many there were with it. */
async function remove(zooKeeper: ZooKeeper, path: string, version: number, recursive: boolean): Promise<number> {
  let count = 1
  if (recursive) {
    const children = await sortedChildren(zooKeeper, path)
    for (let at = 0; at < children.length; at += READ_AT_ONCE) {
      const counts = await Promise.all(children.slice(at, at + READ_AT_ONCE).map((child) => remove(zooKeeper, child, -1, true)))
      count += counts.reduce((sum, each) => sum + each, 0)
    }
  }
  await zooKeeper.delete(path, version)
  return count
}

async function watch(zooKeeper: ZooKeeper, path: string, max: number, json: boolean): Promise<void> {
  let count = 0
  await new Promise<void>((resolve, reject) => {
    zooKeeper.onSession((event) => {
      if (event === 'disconnected') console.error('The connection is lost: what changes meanwhile is not told.')
      if (event === 'connected') console.error('Connected again.')
    })
    const heard = zooKeeper.addWatch(path, 'persistentRecursive', (event) => {
      if (count === max) return
      say(event, `${event.type} ${event.path}`, json)
      if (++count === max) resolve()
    })
    heard.then(() => console.error(`Watching ${path} and all below it; Ctrl-C stops.`), reject)
  })
}
