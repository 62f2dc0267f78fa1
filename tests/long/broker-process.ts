/** The broker under test as a real process on one directory and one port, through all its lives. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, mkdirSync, readFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const READY_MS = 60_000
const STOPPED_MS = 60_000
const BROKER = fileURLToPath(new URL('../../packages/ottla/src/main.ts', import.meta.url))

export class BrokerProcess {
  readonly bootstrap: string
  /** Where the partitions' directories are. */
  readonly logDirectory: string
  /** How often it was started. */
  lives = 0
  readonly #arguments: readonly string[]
  readonly #outputPath: string
  #child: ChildProcess | null = null

  private constructor(directory: string, port: number, settings: Readonly<Record<string, string | number | boolean>>) {
    this.bootstrap = `127.0.0.1:${port}`
    this.logDirectory = `${directory}/logs`
    this.#outputPath = `${directory}/broker.out`
    const all = {
      listeners: `PLAINTEXT://${this.bootstrap}`,
      'log.dirs': this.logDirectory,
      'keeper.dir': `${directory}/keeper`,
      ...settings,
    }
    this.#arguments = ['start', ...Object.entries(all).flatMap(([key, value]) => ['--override', `${key}=${value}`])]
  }

  static async create(directory: string, settings: Readonly<Record<string, string | number | boolean>>): Promise<BrokerProcess> {
    mkdirSync(directory, { recursive: true })
    return new BrokerProcess(directory, await freePort(), settings)
  }

  /** Starts it; resolves once it has said where it listens, with the milliseconds that took. */
  async start(): Promise<number> {
    const beganMs = performance.now()
    this.lives++
    const child = spawn(process.execPath, [BROKER, ...this.#arguments], { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    const output = createWriteStream(this.#outputPath, { flags: 'a' })
    child.stderr.pipe(output, { end: false })
    const lines = createInterface(child.stdout)
    const timer = setTimeout(() => child.kill('SIGKILL'), READY_MS)
    const [line] = (await Promise.race([once(lines, 'line'), once(child, 'exit').then(() => [undefined])])) as [string | undefined]
    clearTimeout(timer)
    child.stdout.resume()
    if (line?.includes(' listens on ') !== true) throw new Error(`the broker does not start (${line ?? 'it ended'}): ${this.lastOutput()}`)
    return performance.now() - beganMs
  }

  /** Begins a life and does not wait for it: the caller kills it on its way up. Resolves when the process is there. */
  async beginToStart(): Promise<void> {
    this.lives++
    const child = spawn(process.execPath, [BROKER, ...this.#arguments], { stdio: 'ignore' })
    this.#child = child
    await once(child, 'spawn')
  }

  /** Sends the signal at once, and resolves when the process is gone. */
  async stop(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child
    this.#child = null
    if (child === null) return
    if (child.exitCode !== null) throw new Error(`the broker had ended by itself, code ${child.exitCode}: ${this.lastOutput()}`)
    const gone = once(child, 'exit')
    child.kill(signal)
    const timer = setTimeout(() => child.kill('SIGKILL'), STOPPED_MS)
    const [code, by] = (await gone) as [number | null, string | null]
    clearTimeout(timer)
    if (signal === 'SIGTERM' && code !== 0)
      throw new Error(`the broker ended with ${by ?? `code ${code}`} on SIGTERM: ${this.lastOutput()}`)
  }

  /** It has ended without having been told to: its clients would notice by their time-outs only. */
  get endedByItself(): boolean {
    return this.#child !== null && this.#child.exitCode !== null
  }

  lastOutput(): string {
    return readFileSync(this.#outputPath, 'utf8').trim().split('\n').slice(-8).join(' | ').slice(-2000)
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
