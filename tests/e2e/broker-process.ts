import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const PROGRAM = fileURLToPath(new URL('../../bin/ottla', import.meta.url))
/** As many open files as this user may have; the soft limit is often 1,024. */
export const RAISE_LIMIT = 'ulimit -n "$(ulimit -Hn)"; exec "$0" "$@"'

/** How a broker ended that was not told to. */
export interface Ended {
  readonly code: number | null
  readonly output: string
}

/** Where a broker that is not on a new directory of its own lives, and with what in its environment. */
export interface Home {
  readonly directory?: string
  readonly environment?: Readonly<Record<string, string>>
  /** A module that is loaded before all else: `ask` asks that. */
  readonly probe?: URL
}

/** `ottla start` as a process of its own, on any free port. */
export class BrokerProcess {
  readonly directory: string
  readonly port: number
  readonly #child: ChildProcess
  readonly #output: string[]

  private constructor(directory: string, port: number, child: ChildProcess, output: string[]) {
    this.directory = directory
    this.port = port
    this.#child = child
    this.#output = output
  }

  /** Resolves once it listens, which its first line says. */
  static async start(overrides: Readonly<Record<string, string | number>> = {}, home: Home = {}): Promise<BrokerProcess> {
    const directory = home.directory ?? mkdtempSync(join(tmpdir(), 'ottla-e2e-'))
    const { child, output, ended } = spawnOn(directory, overrides, home)
    const listens = new Promise<number>((resolve) => {
      child.stdout!.on('data', () => {
        const port = /listens on \S+?:(\d+)/.exec(output.join(''))?.[1]
        if (port !== undefined) resolve(Number(port))
      })
    })
    const port = await Promise.race([
      listens,
      ended.then(({ output: said }) => Promise.reject(new Error(`the broker does not start: ${said}`))),
    ])
    return new BrokerProcess(directory, port, child, output)
  }

  /** Another broker on the same directory, until it ends. */
  startSecond(): Promise<Ended> {
    return spawnOn(this.directory, {}).ended
  }

  get pid(): number {
    return this.#child.pid!
  }

  /** Where the partitions' directories are. */
  get logDirectory(): string {
    return `${this.directory}/logs`
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  get output(): string {
    return this.#output.join('')
  }

  /** What it has in memory now, in bytes. */
  residentBytes(): number {
    const status = this.#status()
    if (status !== null) return 1024 * Number(/^VmRSS:\s+(\d+) kB/m.exec(status)![1])
    return 1024 * Number(execFileSync('ps', ['-o', 'rss=', '-p', String(this.#child.pid)], { encoding: 'utf8' }))
  }

  /** Begins a new measurement for `peakBytes`. */
  forgetPeak(): void {
    if (this.#status() !== null) writeFileSync(`/proc/${this.#child.pid}/clear_refs`, '5')
  }

  /** The most it had in memory since `forgetPeak`; where the system does not tell, what it has now. */
  peakBytes(): number {
    const status = this.#status()
    return status === null ? this.residentBytes() : 1024 * Number(/^VmHWM:\s+(\d+) kB/m.exec(status)![1])
  }

  /** What the probe answers; one question at a time. */
  async ask(question: string): Promise<unknown> {
    const settled = new AbortController()
    const { signal } = settled
    try {
      const answered = once(this.#child, 'message', { signal })
      const ended = once(this.#child, 'exit', { signal }).then(() => {
        throw new Error(`the broker ended: ${this.output.slice(-2000)}`)
      })
      const first = Promise.race([answered, ended]) as Promise<unknown[]>
      first.catch(() => {})
      this.#child.send(question)
      return (await first)[0]
    } finally {
      settled.abort()
    }
  }

  async stop(): Promise<void> {
    await this.end()
    rmSync(this.directory, { recursive: true, force: true })
  }

  /** Resolves with the exit code once it is gone; its directory stays. */
  async end(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<number | null> {
    if (this.isRunning) {
      const gone = once(this.#child, 'close')
      this.#child.kill(signal)
      await gone
    }
    return this.#child.exitCode
  }

  /** Resolves once its output has so many matches of the pattern; rejects when it ends before. */
  async says(pattern: RegExp, count = 1): Promise<void> {
    const enough = (): boolean => [...this.output.matchAll(new RegExp(pattern, 'g'))].length >= count
    while (!enough()) {
      if (!this.isRunning) throw new Error(`the broker ended without saying ${pattern}: ${this.output}`)
      await Promise.race([once(this.#child.stderr!, 'data'), once(this.#child.stdout!, 'data'), once(this.#child, 'close')])
    }
  }

  #status(): string | null {
    const path = `/proc/${this.#child.pid}/status`
    return existsSync(path) ? readFileSync(path, 'utf8') : null
  }
}

function spawnOn(
  directory: string,
  overrides: Readonly<Record<string, string | number>>,
  { environment = {}, probe }: Home = {},
): { child: ChildProcess; output: string[]; ended: Promise<Ended> } {
  const properties = {
    listeners: 'PLAINTEXT://127.0.0.1:0',
    'log.dirs': `${directory}/logs`,
    'keeper.dir': `${directory}/keeper`,
    'keeper.port': 0,
    ...overrides,
  }
  const words = Object.entries(properties).flatMap(([key, value]) => ['--override', `${key}=${value}`])
  const child = spawn('sh', ['-c', RAISE_LIMIT, PROGRAM, 'start', ...words], {
    cwd: directory,
    env: { ...process.env, ...(probe === undefined ? {} : { NODE_OPTIONS: `--expose-gc --import=${probe.href}` }), ...environment },
    stdio: probe === undefined ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const output: string[] = []
  child.stdout!.on('data', (bytes: Buffer) => void output.push(String(bytes)))
  child.stderr!.on('data', (bytes: Buffer) => void output.push(String(bytes)))
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, output: output.join('') }))
  return { child, output, ended }
}
