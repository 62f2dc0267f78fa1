/** Runs other programs: installers, clients, tools. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { buffer, text } from 'node:stream/consumers'

export interface Ended {
  /** The exit code; null when a signal ended it, our own after `timeoutMs` included. */
  readonly status: number | null
  readonly stdout: Buffer
  readonly stderr: string
}

export interface RunOptions {
  readonly cwd?: string
  readonly environment?: Readonly<Record<string, string>>
  readonly timeoutMs?: number
}

/** Runs a program to its end; a program that isn't there ends with status 127. */
export async function run(command: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const child = spawn(command[0]!, command.slice(1), {
    cwd: options.cwd,
    env: { ...process.env, ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: options.timeoutMs ?? 600_000,
    killSignal: 'SIGKILL',
  })
  const ended = once(child, 'close').catch(() => [127])
  const [stdout, stderr, [status]] = await Promise.all([buffer(child.stdout), text(child.stderr), ended])
  return { status: status as number | null, stdout, stderr }
}

/** The last lines of what a program said, for a report. */
export function lastWords(ended: Ended): string {
  const said = `${ended.stdout.subarray(-4000).toString()}\n${ended.stderr}`.trim().split('\n')
  const tail = said
    .filter((line) => !line.endsWith('"}') && !line.startsWith('{"'))
    .slice(-6)
    .join(' | ')
  return `exit ${ended.status ?? 'by a signal (time-out)'}: ${tail.slice(-1200)}`
}

/** Runs jobs, so many at a time, and answers their results in order. */
export async function runJobs<T>(atOnce: number, jobs: readonly (() => Promise<T>)[]): Promise<T[]> {
  const results: T[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < jobs.length) {
      const mine = next++
      results[mine] = await jobs[mine]!()
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return results
}
