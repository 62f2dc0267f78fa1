import type { Disk, Entry, File, Lock } from '@ottla/env'
import { hasNoDescriptor } from './full-disk.ts'

/** A log directory's way to the disk: where the process may open no more files, it closes what can be spared and tries once more. */
export class SparingDisk implements Disk {
  readonly #disk: Disk
  readonly #spare: () => boolean

  /** `spare` closes some files, and answers whether it did. */
  constructor(disk: Disk, spare: () => boolean) {
    this.#disk = disk
    this.#spare = spare
  }

  open(path: string, mode: 'read' | 'write' | 'create'): File {
    try {
      return this.#disk.open(path, mode)
    } catch (error) {
      if (!hasNoDescriptor(error) || !this.#spare()) throw error
      return this.#disk.open(path, mode)
    }
  }

  list(path: string): Promise<Entry[]> {
    return this.#tried(() => this.#disk.list(path))
  }

  createDirectory(path: string): Promise<void> {
    return this.#disk.createDirectory(path)
  }

  rename(from: string, to: string): Promise<void> {
    return this.#disk.rename(from, to)
  }

  remove(path: string): Promise<void> {
    return this.#tried(() => this.#disk.remove(path))
  }

  syncDirectory(path: string): Promise<void> {
    return this.#tried(() => this.#disk.syncDirectory(path))
  }

  lock(path: string): Lock {
    return this.#disk.lock(path)
  }

  freeBytes(path: string): Promise<number> {
    return this.#disk.freeBytes(path)
  }

  get openFilesMax(): number {
    return this.#disk.openFilesMax
  }

  lane(): Disk {
    return new SparingDisk(this.#disk.lane(), this.#spare)
  }

  get waitingSinceMs(): number {
    return this.#disk.waitingSinceMs
  }

  async #tried<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (!hasNoDescriptor(error) || !this.#spare()) throw error
      return await work()
    }
  }
}
