import fs from 'node:fs'
import type { Disk, Entry, File, Lock } from '../env.ts'
import { isNotFound } from '../files.ts'
import { envError } from './errors.ts'
import { NodeFile } from './file.ts'
import { Lane, Lanes } from './lane.ts'
import { lockFile } from './lock.ts'
import type { Native } from './native.ts'
import { openFilesMax } from './open-files.ts'

const { O_RDONLY, O_RDWR, O_CREAT, O_EXCL } = fs.constants
const FLAGS = { read: O_RDONLY, write: O_RDWR | O_CREAT, create: O_RDWR | O_CREAT | O_EXCL }

export class NodeDisk implements Disk {
  readonly #native: () => Native | null
  readonly #lanes: Lanes
  readonly #lane: Lane

  constructor(native: () => Native | null, lanes = new Lanes(), lane = new Lane(null)) {
    this.#native = native
    this.#lanes = lanes
    this.#lane = lane
  }

  lane(): Disk {
    return new NodeDisk(this.#native, this.#lanes, this.#lanes.add())
  }

  get waitingSinceMs(): number {
    return this.#lane.waitingSinceMs
  }

  open(path: string, mode: 'read' | 'write' | 'create'): File {
    try {
      return new NodeFile(path, fs.openSync(path, FLAGS[mode]), mode !== 'read', this.#native(), this.#lane)
    } catch (error) {
      throw envError(error)
    }
  }

  async list(path: string): Promise<Entry[]> {
    const names = await this.#lane.later<string[]>((cb) => fs.readdir(path, cb))
    const entries = await Promise.all(names.toSorted().map((name) => this.#entry(path, name)))
    return entries.filter((entry) => entry !== null)
  }

  async createDirectory(path: string): Promise<void> {
    await this.#lane.later((cb) => fs.mkdir(path, { recursive: true }, cb))
  }

  rename(from: string, to: string): Promise<void> {
    return this.#lane.later((cb) => fs.rename(from, to, cb))
  }

  remove(path: string): Promise<void> {
    // of many files this takes its time on a disk that is well
    return this.#lane.later((cb) => fs.rm(path, { recursive: true, force: true }, cb), false)
  }

  async syncDirectory(path: string): Promise<void> {
    // Windows opens no directories, and keeps names by itself
    if (process.platform === 'win32') return
    const fd = await this.#lane.later<number>((cb) => fs.open(path, O_RDONLY, cb))
    try {
      await this.#lane.later<void>((cb) => fs.fsync(fd, cb))
    } finally {
      fs.close(fd)
    }
  }

  lock(path: string): Lock {
    return lockFile(path, this.#native())
  }

  get openFilesMax(): number {
    return openFilesMax()
  }

  async freeBytes(path: string): Promise<number> {
    const stats = await this.#lane.later<fs.StatsFs>((cb) => fs.statfs(path, cb))
    return stats.bavail * stats.bsize
  }

  /** Null where the file is gone meanwhile. */
  async #entry(path: string, name: string): Promise<Entry | null> {
    try {
      const stats = await this.#lane.later<fs.Stats>((cb) => fs.stat(`${path}/${name}`, cb))
      const directory = stats.isDirectory()
      return { name, directory, sizeBytes: directory ? 0 : stats.size, modifiedMs: Math.floor(stats.mtimeMs) }
    } catch (error) {
      if (isNotFound(error)) return null
      throw error
    }
  }
}
