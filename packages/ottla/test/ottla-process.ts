import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The command itself. */
export const MAIN = new URL('../src/main.ts', import.meta.url).pathname
/** Compiled code is kept between the many starts, where bin/ottla keeps it too. */
const CACHE = { NODE_COMPILE_CACHE: new URL('../../../node_modules/.cache/node', import.meta.url).pathname }
const GREETING = /listens on (127\.0\.0\.1:\d+)/

/** What a command that ended has said. */
export interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Runs `ottla` with these words to its end. */
export async function ottla(words: readonly string[], input: string | Buffer = '', bootstrap = '127.0.0.1:1'): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, ...words], { env: { ...process.env, ...CACHE, OTTLA_BOOTSTRAP: bootstrap } })
  const out: Buffer[] = []
  const err: Buffer[] = []
  child.stdout.on('data', (bytes: Buffer) => out.push(bytes))
  child.stderr.on('data', (bytes: Buffer) => err.push(bytes))
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString() }
}

/** A broker of the real command in a directory of its own, both gone after `stop`. */
export class BrokerProcess {
  readonly directory = mkdtempSync(join(tmpdir(), 'ottla-command-line-'))
  readonly logs = join(this.directory, 'logs')
  readonly keeper = join(this.directory, 'keeper')
  bootstrap = ''
  /** Where clients of ZooKeeper connect. */
  zookeeper = ''
  #child: ChildProcess | null = null

  /** What it is started with. */
  get overrides(): string[] {
    const pairs = [
      'listeners=PLAINTEXT://127.0.0.1:0',
      `log.dirs=${this.logs}`,
      `keeper.dir=${this.keeper}`,
      'keeper.port=0',
      'offsets.topic.num.partitions=1',
    ]
    return pairs.flatMap((pair) => ['--override', pair])
  }

  /** Resolves once it listens; rejects with what it said where it ended instead. `more` goes over the usual overrides. */
  async start(more: Readonly<Record<string, string>> = {}): Promise<void> {
    const words = [MAIN, 'start', ...this.overrides, ...Object.entries(more).flatMap(([key, value]) => ['--override', `${key}=${value}`])]
    const child = spawn(process.execPath, words, {
      cwd: this.directory,
      env: { ...process.env, ...CACHE },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    let said = ''
    this.bootstrap = await new Promise((resolve, reject) => {
      const hear = (bytes: Buffer): void => {
        said += bytes.toString()
        const greeting = GREETING.exec(said)
        if (greeting === null) return
        this.zookeeper = /clients of ZooKeeper to (\S+:\d+)\./.exec(said)?.[1] ?? ''
        resolve(greeting[1]!)
      }
      child.stdout.on('data', hear)
      child.stderr.on('data', hear)
      child.once('exit', (code) => reject(new Error(`the broker ended with ${code}: ${said}`)))
    })
  }

  /** Ends the process and answers its exit code, null where the signal ended it. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child!
    child.kill(signal)
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    return child.exitCode
  }

  /** For `after`. */
  async stop(): Promise<void> {
    if (this.#child !== null) await this.end('SIGKILL')
    rmSync(this.directory, { recursive: true, force: true })
  }

  run(words: readonly string[], input: string | Buffer = ''): Promise<Ended> {
    return ottla(words, input, this.bootstrap)
  }
}
