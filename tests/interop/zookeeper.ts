/** Keeper beside ZooKeeper itself: whoever asks both hears the same. */
import { failed, passed, skipped } from './report.ts'
import * as toolchains from './toolchains.ts'
import { probe } from './zookeeper/probe.ts'
import { ZooKeeperServer } from './zookeeper/servers.ts'

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
  } finally {
    for (const server of servers) await server.stop()
  }
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
