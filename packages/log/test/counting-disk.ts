import type { Disk, Env, File } from '@ottla/env'
import type { Host } from '@ottla/env/sim'

/** What was read of which file. */
export interface ReadCounts {
  /** Of all paths with this end. */
  bytesOf(suffix: string): number
  /** Paths that were opened or listed. */
  readonly touched: Set<string>
}

/** The host with a disk that counts what is read. */
export function countReads(host: Host): { env: Env; reads: ReadCounts } {
  const bytes = new Map<string, number>()
  const touched = new Set<string>()
  const count = (path: string, length: number): number => {
    bytes.set(path, (bytes.get(path) ?? 0) + Math.max(0, length))
    return length
  }
  const disk: Disk = {
    open(path, mode) {
      touched.add(path)
      return new CountedFile(host.disk.open(path, mode), count)
    },
    list(path) {
      touched.add(path)
      return host.disk.list(path)
    },
    createDirectory: (path) => host.disk.createDirectory(path),
    rename: (from, to) => host.disk.rename(from, to),
    remove: (path) => host.disk.remove(path),
    syncDirectory: (path) => host.disk.syncDirectory(path),
    lock: (path) => host.disk.lock(path),
    freeBytes: (path) => host.disk.freeBytes(path),
    lane: () => disk,
    waitingSinceMs: Infinity,
    openFilesMax: Infinity,
  }
  const { clock, random, loop, net, log } = host
  const bytesOf = (suffix: string): number => {
    let sum = 0
    for (const [path, length] of bytes) if (path.endsWith(suffix)) sum += length
    return sum
  }
  return { env: { clock, random, loop, net, log, disk }, reads: { bytesOf, touched } }
}

class CountedFile implements File {
  readonly path: string
  readonly #file: File
  readonly #count: (path: string, length: number) => number

  constructor(file: File, count: (path: string, length: number) => number) {
    this.path = file.path
    this.#file = file
    this.#count = count
  }
  sizeBytes(): number {
    return this.#file.sizeBytes()
  }
  write(position: number, views: readonly Uint8Array[]): void {
    this.#file.write(position, views)
  }
  writeLater(position: number, views: readonly Uint8Array[], durable: boolean): Promise<void> {
    return this.#file.writeLater(position, views, durable)
  }
  read(position: number, into: Uint8Array): number {
    return this.#count(this.path, this.#file.read(position, into))
  }
  async readLater(position: number, into: Uint8Array): Promise<number> {
    return this.#count(this.path, await this.#file.readLater(position, into))
  }
  cached(position: number, length: number): boolean {
    return this.#file.cached(position, length)
  }
  warm(position: number, length: number): Promise<void> {
    this.#count(this.path, length)
    return this.#file.warm(position, length)
  }
  sync(): Promise<void> {
    return this.#file.sync()
  }
  truncate(sizeBytes: number): Promise<void> {
    return this.#file.truncate(sizeBytes)
  }
  reserve(sizeBytes: number): void {
    this.#file.reserve(sizeBytes)
  }
  close(): void {
    this.#file.close()
  }
}
