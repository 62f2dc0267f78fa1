/** Keeper beside ZooKeeper itself: whoever asks both hears the same. */
import { fileURLToPath } from 'node:url'
import { JAVA } from './clients.ts'
import { lastWords, run } from './processes.ts'
import { failed, passed, skipped } from './report.ts'
import * as toolchains from './toolchains.ts'
import { kafkaOnKeeper } from './zookeeper/kafka.ts'
import { probe } from './zookeeper/probe.ts'
import { shell } from './zookeeper/shell.ts'
import { ZooKeeperServer } from './zookeeper/servers.ts'

const KAZOO = fileURLToPath(new URL('zookeeper/kazoo/recipes.py', import.meta.url))
const CLIENT_MS = 120_000

/** Asks a server, and answers what it said, line by line. */
type Inquiry = (server: ZooKeeperServer) => Promise<readonly string[]>

export async function zooKeeper(directory: string): Promise<void> {
  const classPath = await toolchains.zooKeeper().catch((error: Error) => skipped('keeper beside ZooKeeper', error.message))
  if (classPath === undefined) return
  const servers = [
    await ZooKeeperServer.keeper(`${directory}/keeper`),
    await ZooKeeperServer.zooKeeper(`${directory}/zookeeper`, classPath),
  ]
  try {
    await alike('each request, each refusal, each watch and each four-letter word', servers, (server) => probe(server.port))
    await alike('the commands of its own shell', servers, (server) => shell(server, classPath))
    await alike("Curator's recipes", servers, (server) => linesOf([...JAVA, '-cp', classPath, 'Recipes', server.connect]))
    await onKeeper(directory, servers[0]!)
    const python = await toolchains.python('zookeeper/kazoo').catch((error: Error) => skipped("kazoo's recipes", error.message))
    if (python === undefined) return
    await alike("kazoo's recipes", servers, (server) => linesOf([python, KAZOO, server.connect]))
  } finally {
    for (const server of servers) await server.stop()
  }
}

async function onKeeper(directory: string, keeper: ZooKeeperServer): Promise<void> {
  const title = 'two brokers of Kafka 3.9 on keeper'
  try {
    passed(`${title}: ${await kafkaOnKeeper(`${directory}/kafka`, keeper)}`)
  } catch (error) {
    failed(title, error)
  }
}

/** What a program prints that ends well. */
async function linesOf(command: readonly string[]): Promise<string[]> {
  const ended = await run(command, { timeoutMs: CLIENT_MS })
  if (ended.status !== 0) throw new Error(`${command.at(-2)}: ${lastWords(ended)}`)
  return ended.stdout.toString().trim().split('\n')
}

/** Both are asked at once. */
async function alike(what: string, servers: readonly ZooKeeperServer[], inquiry: Inquiry): Promise<void> {
  const title = `keeper answers as ZooKeeper does: ${what}`
  try {
    const [ours = [], theirs = []] = await Promise.all(servers.map(inquiry))
    const at = theirs.findIndex((line, index) => line !== ours[index])
    if (at !== -1 || ours.length !== theirs.length) {
      const scene = theirs.slice(0, at).findLast((line) => line.startsWith('# ')) ?? ''
      const count = theirs.filter((line, index) => line !== ours[index]).length
      throw new Error(`${count} lines differ, the first is ${scene}: keeper says '${ours[at]}', ZooKeeper '${theirs[at]}'`)
    }
    if (theirs.length === 0) throw new Error('nothing was asked')
    passed(`${title}: ${theirs.length} lines`)
  } catch (error) {
    failed(title, error)
  }
}
