import { EnvError, type Disk, type Entry, type EnvErrorCode, type File, type Lock } from '../env.ts'
import { KIND } from './event-queue.ts'
import { SimFile, type LaterWrite } from './file.ts'
import type { Host } from './host.ts'
import { Inode } from './inode.ts'
import { Directory, Tree } from './tree.ts'

export type DiskOperation =
  | 'open'
  | 'write'
  | 'read'
  | 'sync'
  | 'truncate'
  | 'rename'
  | 'remove'
  | 'list'
  | 'createDirectory'
  | 'syncDirectory'

/** An error that was ordered. */
interface Ordered {
  readonly operation: DiskOperation
  readonly code: EnvErrorCode
  readonly pathPart: string
  left: number
}

/** What losses of power met, and what of it they took. */
export interface Losses {
  unsyncedPieces: number
  lostPieces: number
  unsyncedNames: number
  lostNames: number
}

/** A host's disk. What is not of `Disk` is for the test: faults on demand, and a look at what is there. */
export class SimDisk implements Disk {
  /** What fits. Writes beyond it keep a part and fail with `full`. */
  capacityBytes = 1 << 30
  /** Added to each operation off the loop. */
  slowMs = 0
  /** Files that may be open at once. */
  openFilesMax = Infinity
  /** Files opened and not closed, by the program of this life. */
  openCount = 0
  /** Under way: a crash may leave a part of each. */
  readonly laterWrites = new Set<LaterWrite>()
  readonly losses: Losses = { unsyncedPieces: 0, lostPieces: 0, unsyncedNames: 0, lostNames: 0 }
  /** For the test: called when an operation was done. True: the program never hears of it, as its life is about to be ended. */
  watcher: ((operation: DiskOperation, path: string) => boolean) | null = null
  readonly #host: Host
  readonly #tree = new Tree()
  readonly #locks = new Set<string>()
  #ordered: Ordered[] = []

  constructor(host: Host) {
    this.#host = host
  }

  open(path: string, mode: 'read' | 'write' | 'create'): File {
    this.check('open', path)
    this.#needDescriptor(path)
    const { parent, name } = this.#tree.place(path)
    let node = parent.children.get(name)
    if (node instanceof Directory) throw new EnvError('io', `${path} is a directory`)
    if (node === undefined) {
      if (mode === 'read') throw new EnvError('not-found', `There is no file ${path}`)
      node = new Inode()
      node.modifiedMs = this.#now()
      this.#tree.put(parent, name, node, this.#now())
      this.watcher?.('open', path)
    } else if (mode === 'create') throw new EnvError('exists', `${path} exists`)
    return new SimFile(this.#host, path, node, mode !== 'read')
  }

  list(path: string): Promise<Entry[]> {
    return this.later('list', path, () => {
      this.#needDescriptor(path)
      const entries = [...this.#tree.directory(path).children].map(([name, node]) => entryOf(name, node))
      return entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))
    })
  }

  createDirectory(path: string): Promise<void> {
    return this.later('createDirectory', path, () => this.#tree.createDirectory(path, this.#now()))
  }

  rename(from: string, to: string): Promise<void> {
    return this.later('rename', from, () => this.#tree.rename(from, to, this.#now()))
  }

  remove(path: string): Promise<void> {
    return this.later('remove', path, () => this.#tree.remove(path, this.#now()))
  }

  syncDirectory(path: string): Promise<void> {
    return this.later('syncDirectory', path, () => {
      this.#needDescriptor(path)
      this.#tree.sync(this.#tree.directory(path))
    })
  }

  lock(path: string): Lock {
    if (this.#locks.has(path)) throw new EnvError('locked', `${path} is locked`)
    this.open(path, 'write').close()
    this.#locks.add(path)
    const { life } = this.#host
    return { release: () => void (this.#host.life === life && this.#locks.delete(path)) }
  }

  freeBytes(path: string): Promise<number> {
    return this.later('list', path, () => {
      this.#tree.directory(path)
      return this.roomBytes()
    })
  }

  lane(): SimDisk {
    return this
  }

  get waitingSinceMs(): number {
    return Infinity
  }

  // for the test

  /** The next `count` operations on paths that contain `pathPart` fail with `code`. */
  failNext(operation: DiskOperation, code: EnvErrorCode, pathPart = '', count = 1): void {
    this.#ordered.push({ operation, code, pathPart, left: count })
  }

  /** Those that were ordered and did not come yet won't. */
  forgetFailures(): void {
    this.#ordered = []
  }

  /** Decay of a bit, in memory and on the platter. */
  flipBit(path: string, position: number, bit = 0): void {
    this.#inode(path).flipBit(position, bit)
  }

  /** A file that was lost, by whatever. */
  lose(path: string): void {
    this.#tree.remove(path, this.#now())
    this.#tree.settle()
  }

  /** A file that has other bytes now, on the platter too; a new one where there is none. */
  replace(path: string, bytes: Uint8Array): void {
    const { parent, name } = this.#tree.place(path)
    const node = new Inode()
    node.modifiedMs = this.#now()
    node.put(0, bytes)
    node.putDurable(0, bytes)
    this.#tree.put(parent, name, node, this.#now())
    this.#tree.settle()
  }

  /** The paths of all files. */
  paths(): string[] {
    return [...this.#tree.paths()]
  }

  /** What the file holds now; null where there is none. */
  peek(path: string): Buffer | null {
    const node = this.#tree.find(path)
    return node instanceof Inode ? node.bytes.subarray(0, node.sizeBytes) : null
  }

  /** Of the machine: see `Host.crash`. */
  crash(): void {
    const { dice } = this.#host.world
    for (const write of this.laterWrites) write.leavePart(dice)
    this.kill()
    // all at once: a file that only an undone removal brings back is as torn as the rest
    const { losses } = this
    const files = new Set(this.#tree.files())
    const names = this.#tree.crash(dice)
    losses.unsyncedNames += names.unsynced
    losses.lostNames += names.lost
    for (const inode of this.#tree.files()) files.add(inode)
    for (const inode of files) {
      const pieces = inode.crash(dice)
      losses.unsyncedPieces += pieces.unsynced
      losses.lostPieces += pieces.lost
    }
  }

  /** Of the process. */
  kill(): void {
    this.laterWrites.clear()
    this.#locks.clear()
    this.openCount = 0
  }

  // for the file

  /** Throws where an error was ordered, or drawn. */
  check(operation: DiskOperation, path: string): void {
    const { dice, faults } = this.#host.world
    const ordered = this.#ordered.find((one) => one.operation === operation && path.includes(one.pathPart))
    if (ordered !== undefined) {
      if (--ordered.left === 0) this.#ordered = this.#ordered.filter((one) => one !== ordered)
      throw new EnvError(ordered.code, `${operation} of ${path} fails, as ordered`)
    }
    if (dice.chance(faults.ioErrorRate)) throw new EnvError('io', `${operation} of ${path} fails, by chance`)
  }

  /** `work` happens some time later, if the program lives. */
  later<T>(operation: DiskOperation, path: string, work: () => T, failed?: () => void): Promise<T> {
    const { world } = this.#host
    const delayMs = world.dice.fraction() * world.faults.diskMs + this.slowMs
    return new Promise((resolve, reject) => {
      world.schedule(delayMs, this.#host, KIND.disk, () => {
        try {
          this.check(operation, path)
          const result = work()
          if (this.watcher?.(operation, path) !== true) resolve(result)
        } catch (error) {
          if (!(error instanceof EnvError)) throw error
          failed?.()
          reject(error)
        }
      })
    })
  }

  roomBytes(): number {
    let used = 0
    for (const inode of this.#tree.files()) used += inode.sizeBytes
    return Math.max(0, this.capacityBytes - used)
  }

  #needDescriptor(path: string): void {
    if (this.openCount >= this.openFilesMax) throw new EnvError('no-descriptor', `too many open files, open '${path}'`)
  }

  #inode(path: string): Inode {
    const node = this.#tree.find(path)
    if (node instanceof Inode) return node
    throw new EnvError('not-found', `There is no file ${path}`)
  }

  #now(): number {
    return this.#host.clock.now()
  }
}

function entryOf(name: string, node: Inode | Directory): Entry {
  const directory = node instanceof Directory
  return { name, directory, sizeBytes: directory ? 0 : node.sizeBytes, modifiedMs: node.modifiedMs }
}
