import fs from 'node:fs'
import type { Disk, Entry, File, Lock } from '../env.ts'
import { envError, later } from './errors.ts'
import { NodeFile } from './file.ts'
import { lockFile } from './lock.ts'
import type { Native } from './native.ts'

const { O_RDONLY, O_RDWR, O_CREAT, O_EXCL } = fs.constants
const FLAGS = { read: O_RDONLY, write: O_RDWR | O_CREAT, create: O_RDWR | O_CREAT | O_EXCL }

export class NodeDisk implements Disk {
  readonly #native: () => Native | null

  constructor(native: () => Native | null) {
    this.#native = native
  }

  open(path: string, mode: 'read' | 'write' | 'create'): File {
    try {
      return new NodeFile(path, fs.openSync(path, FLAGS[mode]), mode !== 'read', this.#native())
    } catch (error) {
      throw envError(error)
    }
  }

  async list(path: string): Promise<Entry[]> {
    const names = await later<string[]>((cb) => fs.readdir(path, cb))
    const entries = await Promise.all(names.toSorted().map((name) => entryOf(path, name)))
    return entries.filter((entry) => entry !== null)
  }

  async createDirectory(path: string): Promise<void> {
    await later((cb) => fs.mkdir(path, { recursive: true }, cb))
  }

  rename(from: string, to: string): Promise<void> {
    return later((cb) => fs.rename(from, to, cb))
  }

  remove(path: string): Promise<void> {
    return later((cb) => fs.rm(path, { recursive: true, force: true }, cb))
  }

  async syncDirectory(path: string): Promise<void> {
    // Windows opens no directories, and keeps names by itself
    if (process.platform === 'win32') return
    const fd = await later<number>((cb) => fs.open(path, O_RDONLY, cb))
    try {
      await later<void>((cb) => fs.fsync(fd, cb))
    } finally {
      fs.close(fd)
    }
  }

  lock(path: string): Lock {
    return lockFile(path, this.#native())
  }

  async freeBytes(path: string): Promise<number> {
    const stats = await later<fs.StatsFs>((cb) => fs.statfs(path, cb))
    return stats.bavail * stats.bsize
  }
}

/** Null where the file is gone meanwhile. */
function entryOf(path: string, name: string): Promise<Entry | null> {
  return new Promise((resolve, reject) => {
    fs.stat(`${path}/${name}`, (error, stats) => {
      if (error === null) {
        const directory = stats.isDirectory()
        resolve({ name, directory, sizeBytes: directory ? 0 : stats.size, modifiedMs: Math.floor(stats.mtimeMs) })
      } else if (error.code === 'ENOENT') resolve(null)
      else reject(envError(error))
    })
  })
}
