/** ZooKeeper's own shell: what it prints, without what no two runs share. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { JAVA } from '../clients.ts'
import type { ZooKeeperServer } from './servers.ts'

const SCRIPT = fileURLToPath(new URL('zkcli.txt', import.meta.url))
const EVENT = /^WatchedEvent|^WATCHER::|^$/

/** The commands of zkcli.txt: the answers, then the watch events, then what it says of errors, each in their order. */
export async function shell(server: ZooKeeperServer, classPath: string): Promise<string[]> {
  const [program, ...words] = [...JAVA, '-cp', classPath, 'org.apache.zookeeper.ZooKeeperMain', '-server', server.connect]
  const child = spawn(program!, words, { timeout: 60_000, killSignal: 'SIGKILL' })
  createReadStream(SCRIPT).pipe(child.stdin)
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  const lines = out.split('\n').slice(1).map(normalised)
  const errors = err.split('\n').filter((line) => !line.startsWith('SLF4J'))
  return [...lines.filter((line) => !EVENT.test(line)), ...lines.filter((line) => line.startsWith('WatchedEvent')), ...errors]
}

function normalised(line: string): string {
  return line
    .replace(/0x[0-9a-f]{3,}/g, '0x…')
    .replace(/zxid: \d+/, 'zxid: …')
    .replace(/time = .*/, 'time = …')
}
