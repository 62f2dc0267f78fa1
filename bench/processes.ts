import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'

/** Whatever is still running when the benchmark ends, for whatever reason, ends with it: by its own pid. */
const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130))

const ERROR_TAIL_CHARACTERS = 2000

/** A program that runs on while others measure it; what it prints goes to a file. */
export interface Daemon {
  readonly pid: number
  readonly ended: Promise<void>
  kill(signal: NodeJS.Signals): void
}

/** Starts a program that is to stay; throws where there is no such program. */
export function startDaemon(command: readonly string[], options: { logFile: string; cwd: string }): Daemon {
  const log = openSync(options.logFile, 'a')
  const [program = '', ...words] = command
  const child = spawn(program, words, { cwd: options.cwd, stdio: ['ignore', log, log] })
  closeSync(log)
  if (child.pid === undefined) throw new Error(`${program} can't be started`)
  const ended = track(child).then(() => undefined)
  return { pid: child.pid, ended, kill: (signal) => void child.kill(signal) }
}

/** Runs a program to its end and answers what it printed; rejects with the end of its errors where it fails. */
export function runProgram(command: readonly string[], options: { cwd?: string; signal?: AbortSignal } = {}): Promise<string> {
  const [program = '', ...words] = command
  const child = spawn(program, words, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  let printed = ''
  let errors = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors = (errors + text).slice(-ERROR_TAIL_CHARACTERS)))
  return track(child).then(({ code, signal }) => {
    if (code === 0) return printed
    throw new Error(`${program.split('/').at(-1)} ${words.join(' ')} ended with ${signal ?? code}: ${errors.trim() || printed.trim()}`)
  })
}

/** True where the program runs and says that all is well. */
export function works(command: readonly string[]): Promise<boolean> {
  return runProgram(command).then(
    () => true,
    () => false,
  )
}

function track(child: ChildProcess): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  running.add(child)
  return new Promise((resolve, reject) => {
    child.on('error', (error) => {
      running.delete(child)
      reject(error)
    })
    // 'close' and not 'exit': all that it printed has been read then
    child.on('close', (code, signal) => {
      running.delete(child)
      resolve({ code, signal })
    })
  })
}
