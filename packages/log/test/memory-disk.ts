import { EnvError, type Disk, type Entry, type File } from '@ottla/env'

/** As much of a disk as small files need, with the order of what was asked of it. */
export class MemoryDisk implements Disk {
  readonly files = new Map<string, Buffer>()
  readonly calls: string[] = []
  readonly openFilesMax = Infinity

  open(path: string, mode: 'read' | 'write' | 'create'): File {
    const there = this.files.has(path)
    if (mode === 'read' && !there) throw new EnvError('not-found', path)
    if (mode === 'create' && there) throw new EnvError('exists', path)
    if (!there) this.files.set(path, Buffer.alloc(0))
    return new MemoryFile(this, path)
  }
  async list(): Promise<Entry[]> {
    return []
  }
  async createDirectory(): Promise<void> {}
  async rename(from: string, to: string): Promise<void> {
    this.calls.push(`rename ${from} ${to}`)
    this.files.set(to, this.files.get(from)!)
    this.files.delete(from)
  }
  async remove(path: string): Promise<void> {
    this.files.delete(path)
  }
  async syncDirectory(path: string): Promise<void> {
    this.calls.push(`syncDirectory ${path}`)
  }
  lock(): { release(): void } {
    return { release() {} }
  }
  async freeBytes(): Promise<number> {
    return 1e12
  }
  lane(): Disk {
    return this
  }
  get waitingSinceMs(): number {
    return Infinity
  }
}

class MemoryFile implements File {
  readonly path: string
  readonly #disk: MemoryDisk
  constructor(disk: MemoryDisk, path: string) {
    this.#disk = disk
    this.path = path
  }
  get #bytes(): Buffer {
    return this.#disk.files.get(this.path)!
  }
  sizeBytes(): number {
    return this.#bytes.length
  }
  write(position: number, views: readonly Uint8Array[]): void {
    const added = Buffer.concat(views)
    const grown = Buffer.alloc(Math.max(this.#bytes.length, position + added.length))
    this.#bytes.copy(grown)
    added.copy(grown, position)
    this.#disk.files.set(this.path, grown)
  }
  async writeLater(position: number, views: readonly Uint8Array[]): Promise<void> {
    this.#disk.calls.push(`write ${this.path}`)
    this.write(position, views)
  }
  read(position: number, into: Uint8Array): number {
    return this.#bytes.copy(into, 0, position)
  }
  async readLater(position: number, into: Uint8Array): Promise<number> {
    return this.read(position, into)
  }
  cached(): boolean {
    return true
  }
  async warm(): Promise<void> {}
  async sync(): Promise<void> {
    this.#disk.calls.push(`sync ${this.path}`)
  }
  async truncate(sizeBytes: number): Promise<void> {
    this.#disk.files.set(this.path, this.#bytes.subarray(0, sizeBytes))
  }
  reserve(): void {}
  close(): void {}
}
