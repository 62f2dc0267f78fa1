/** The two that must answer alike: a keeper alone, and ZooKeeper itself. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { JAVA } from '../clients.ts'
import { freePorts } from '../station.ts'
import { SUPER_DIGEST } from './probe-security.ts'

const SCRIPT = fileURLToPath(new URL('../../../bin/zookeeper-server-start', import.meta.url))
const MAIN = 'org.apache.zookeeper.server.quorum.QuorumPeerMain'
const READY_MS = 60_000
const ANSWER_MS = 2_000

export class ZooKeeperServer {
  readonly name: string
  readonly port: number
  readonly #child: ChildProcess
  readonly #output: string

  private constructor(name: string, port: number, child: ChildProcess, output: string) {
    this.name = name
    this.port = port
    this.#child = child
    this.#output = output
  }

  static keeper(directory: string): Promise<ZooKeeperServer> {
    return ZooKeeperServer.#start('keeper', directory, [SCRIPT])
  }

  /** With what an earlier one left in `directory`. */
  static zooKeeper(directory: string, classPath: string, port?: number): Promise<ZooKeeperServer> {
    const command = [...JAVA, '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-cp', classPath, MAIN]
    return ZooKeeperServer.#start('ZooKeeper', directory, command, port)
  }

  /** One file of properties serves both. */
  static async #start(name: string, directory: string, command: readonly string[], known?: number): Promise<ZooKeeperServer> {
    const port = known ?? (await freePorts(1))[0]
    mkdirSync(directory, { recursive: true })
    const properties = {
      dataDir: `${directory}/data`,
      clientPort: port,
      clientPortAddress: '127.0.0.1',
      maxClientCnxns: 0,
      'admin.enableServer': false,
      tickTime: 500,
      maxSessionTimeout: 20_000,
      '4lw.commands.whitelist': '*',
      extendedTypesEnabled: true,
      'DigestAuthenticationProvider.superDigest': SUPER_DIGEST,
    }
    const file = `${directory}/zookeeper.properties`
    writeFileSync(
      file,
      Object.entries(properties)
        .map(([key, value]) => `${key}=${value}\n`)
        .join(''),
    )
    const output = `${directory}/output`
    const descriptor = openSync(output, 'a')
    const child = spawn(command[0]!, [...command.slice(1), file], { stdio: ['ignore', descriptor, descriptor] })
    const server = new ZooKeeperServer(name, port!, child, output)
    const giveUpAt = Date.now() + READY_MS
    while (!(await answers(port!))) {
      if (child.exitCode !== null || Date.now() > giveUpAt) {
        await server.stop()
        throw new Error(`${name} does not start: ${server.lastOutput()}`)
      }
      await pause(50)
    }
    return server
  }

  get connect(): string {
    return `127.0.0.1:${this.port}`
  }

  lastOutput(): string {
    return readFileSync(this.#output, 'utf8').trim().split('\n').slice(-6).join(' | ').slice(-1200)
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const gone = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await gone
  }
}

/** A port that accepts is not enough: the server behind it must be serving. */
async function answers(port: number): Promise<boolean> {
  const socket = connect({ host: '127.0.0.1', port })
  socket.on('error', () => {})
  // a server that only begins may accept and say nothing
  socket.setTimeout(ANSWER_MS, () => socket.destroy())
  socket.write('srvr')
  let said = ''
  socket.on('data', (bytes: Buffer) => (said += bytes.toString()))
  await new Promise((resolve) => socket.once('close', resolve))
  return said.includes('Mode: ')
}
