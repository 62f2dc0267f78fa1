/**
 * Asks a server everything that clients of ZooKeeper ask, and everything that they should not, and prints what it answers. Keeper and ZooKeeper
 * itself print the same lines.
 *   node tests/interop/zookeeper/probe.ts PORT
 */
import { fileURLToPath } from 'node:url'
import { requestScenes } from './probe-requests.ts'
import { securityScenes } from './probe-security.ts'
import { sessionScenes } from './probe-sessions.ts'
import { Probe } from './probe-session.ts'
import { stepScenes } from './probe-steps.ts'
import { watchScenes } from './probe-watches.ts'
import { wordScenes } from './probe-words.ts'

/** All lines of the server on `port`. */
export async function probe(port: number): Promise<string[]> {
  const run = new Probe(port)
  for (const scenes of [requestScenes, stepScenes, watchScenes, securityScenes, sessionScenes, wordScenes]) await scenes(run)
  return run.lines
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log((await probe(Number(process.argv[2]))).join('\n'))
}
