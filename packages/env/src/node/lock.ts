import fs from 'node:fs'
import { randomUUID } from 'node:crypto'
import { EnvError, type Lock } from '../env.ts'
import { envError } from './errors.ts'
import type { Native } from './native.ts'

const { O_RDWR, O_CREAT } = fs.constants

/** What this process holds, by device and inode or by path: neither way of locking tells apart two owners in one process for sure. */
const held = new Set<string>()

/**
 * The file says who holds it: `<pid> <start> <flock|pid>`. With flock(2) the kernel decides, and lets go when the owner dies; without it
 * the owner's process is looked up. A lock taken one way is respected the other way.
 */
export function lockFile(path: string, native: Native | null): Lock {
  try {
    const key = keyOf(path)
    if (held.has(key)) throw lockedError(path, 'this process')
    const lock = native === null ? lockByPid(path) : lockByFlock(path, native)
    held.add(key)
    let released = false
    return {
      release: () => {
        if (released) return
        released = true
        held.delete(key)
        lock.release()
      },
    }
  } catch (error) {
    throw envError(error)
  }
}

/** One file has many paths; its directory has one. */
function keyOf(path: string): string {
  const slash = path.lastIndexOf('/')
  return `${fs.realpathSync(slash < 0 ? '.' : path.slice(0, slash) || '/')}/${path.slice(slash + 1)}`
}

function lockByFlock(path: string, native: Native): Lock {
  for (;;) {
    const fd = fs.openSync(path, O_RDWR | O_CREAT)
    try {
      if (!native.lockFile(fd)) throw lockedError(path, 'another process')
      const owner = readOwner(path)
      if (owner !== null && owner.way === 'pid' && isAlive(owner)) throw lockedError(path, `process ${owner.pid}`)
      // who takes over a dead owner's lock without flock moves the file away
      if (fs.statSync(path, { throwIfNoEntry: false })?.ino !== fs.fstatSync(fd).ino) {
        fs.closeSync(fd)
        continue
      }
      fs.ftruncateSync(fd, 0)
      fs.writeSync(fd, ownerText('flock'), 0)
    } catch (error) {
      fs.closeSync(fd)
      throw error
    }
    return {
      release: () => {
        fs.ftruncateSync(fd, 0)
        fs.closeSync(fd)
      },
    }
  }
}

/** The file appears with its owner in it (by link, which fails where it exists), so that no reader sees it half written. */
function lockByPid(path: string): Lock {
  const own = `${path}.${randomUUID()}`
  fs.writeFileSync(own, ownerText('pid'))
  try {
    while (!linkFile(own, path)) clearDeadOwner(path, `${own}.dead`)
  } finally {
    fs.rmSync(own, { force: true })
  }
  return { release: () => fs.rmSync(path, { force: true }) }
}

function linkFile(from: string, to: string): boolean {
  try {
    fs.linkSync(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Two may find the same owner dead at once: who moves away what the other has just taken puts it back. */
function clearDeadOwner(path: string, aside: string): void {
  const owner = readOwner(path)
  if (owner !== null && isAlive(owner)) throw lockedError(path, `process ${owner.pid}`)
  try {
    fs.renameSync(path, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  const moved = readOwner(aside)
  const alive = moved !== null && isAlive(moved)
  if (alive) linkFile(aside, path)
  fs.rmSync(aside, { force: true })
  if (alive) throw lockedError(path, `process ${moved.pid}`)
}

interface Owner {
  readonly pid: number
  readonly start: string
  readonly way: string
}

function ownerText(way: 'flock' | 'pid'): string {
  return `${process.pid} ${startOf(process.pid) ?? '-'} ${way}\n`
}

/** Null for none: an empty file, as Kafka leaves it, has no owner. */
function readOwner(path: string): Owner | null {
  let text = ''
  try {
    text = fs.readFileSync(path, 'latin1')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const fields = /^(\d+) (\S+) (flock|pid)\n/.exec(text)
  return fields === null ? null : { pid: Number(fields[1]), start: fields[2]!, way: fields[3]! }
}

/** Process ids are used again, most of all in containers: the same process also started at the same time, of the same boot. */
function isAlive(owner: Owner): boolean {
  try {
    process.kill(owner.pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  const start = startOf(owner.pid)
  return start === null ? process.platform !== 'linux' : owner.start === '-' || owner.start === start
}

/** Ticks since boot at which a process started, and the boot. Null where the system does not tell, or the process is dead. */
function startOf(pid: number): string | null {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (fields[0] === 'Z' || fields[0] === 'X') return null
    return `${fields[19]}@${fs.readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()}`
  } catch {
    return null
  }
}

function lockedError(path: string, owner: string): EnvError {
  return new EnvError('locked', `${path} is locked by ${owner}: stop it, or use another directory`)
}
