import { execFileSync } from 'node:child_process'
import { readFileSync, statfsSync } from 'node:fs'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { runProgram, works } from './processes.ts'

export interface Machine {
  readonly processor: string
  readonly cores: number
  readonly memoryGb: number
  readonly kernel: string
  readonly diskFreeGb: number
}

export function describeMachine(directory: string): Machine {
  const disk = statfsSync(directory)
  const [first] = cpus()
  return {
    processor: first?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 1e9),
    kernel: release(),
    diskFreeGb: Math.round((disk.bavail * disk.bsize) / 1e9),
  }
}

/** The commit that is measured, and whether the working tree differs from it. */
export function describeCommit(root: string): { commit: string; changed: boolean } {
  const git = (...words: string[]): string =>
    execFileSync('git', words, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  try {
    const changed = git('status', '--porcelain', '--', 'packages', 'bin', 'bench', ':!bench/results') !== ''
    return { commit: git('rev-parse', 'HEAD'), changed }
  } catch {
    return { commit: 'none', changed: true }
  }
}

const TICKS_A_SECOND = 100

/** Processor time, user and system, that a process has had. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // the name in brackets may hold spaces: count from its end
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND
}

/** Resident memory of a process (VmRSS), in MB of 10^6 bytes. */
export function residentMb(pid: number): number {
  const kib = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return (Number(kib) * 1024) / 1e6
}

/** Resident memory once it has stopped moving: two looks half a second apart that differ by less than 1 %, for at most 10 s. */
export async function settledMb(pid: number): Promise<number> {
  let before = residentMb(pid)
  for (let look = 0; look < 20; look++) {
    await pause(500)
    const now = residentMb(pid)
    if (Math.abs(now - before) < before * 0.01) return now
    before = now
  }
  return before
}

const SAMPLE_MS = 200

/** How many cores are busy right now, by a short look, and the load average of the last minute: between runs it shows what else is running. */
export async function lookAtLoad(): Promise<{ busyCores: number; loadAverage: number }> {
  const before = readTimes()
  await pause(SAMPLE_MS)
  const after = readTimes()
  const total = after.total - before.total
  const busyShare = total === 0 ? 0 : 1 - (after.idle - before.idle) / total
  return { busyCores: round(busyShare * cpus().length), loadAverage: round(loadavg()[0] ?? 0) }
}

function readTimes(): { idle: number; total: number } {
  const line = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0] ?? ''
  const times = line.trim().split(/\s+/).slice(1, 9).map(Number)
  return { idle: (times[3] ?? 0) + (times[4] ?? 0), total: times.reduce((sum, time) => sum + time, 0) }
}

const round = (value: number): number => Math.round(value * 100) / 100

const DIRTY_KIB_MAX = 64 * 1024
const SETTLE_LOOKS_MAX = 50

/** Waits until the system has little left to write to the disk, so that a run doesn't pay for the one before; at most 5 s. */
export async function settleDisk(): Promise<void> {
  for (let look = 0; look < SETTLE_LOOKS_MAX; look++) {
    const memory = readFileSync('/proc/meminfo', 'utf8')
    const kib = ['Dirty', 'Writeback'].reduce((sum, name) => sum + Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(memory)?.[1] ?? 0), 0)
    if (kib < DIRTY_KIB_MAX) return
    await pause(100)
  }
}

/** Whether this user may give processes a real-time priority. */
export const realtimeAllowed = (): Promise<boolean> => works(['chrt', '-r', '10', 'true'])

/** Words that start a program with the real-time priority that both sides get. */
export const REALTIME_PREFIX = ['chrt', '-r', '10'] as const

/** Gives a process, all its threads and those they will start the real-time priority, or takes it back. */
export async function setRealtime(pid: number, on: boolean): Promise<void> {
  const command = ['chrt', '-a', ...(on ? ['-r', '-p', '10'] : ['-o', '-p', '0']), String(pid)]
  // it fails where a thread ends while it goes through them
  for (let attempt = 0; attempt < 3; attempt++) if (await works(command)) return
  await runProgram(command)
}
