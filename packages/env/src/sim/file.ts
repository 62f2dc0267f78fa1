import assert from 'node:assert/strict'
import { EnvError, type File } from '../env.ts'
import type { Dice } from './dice.ts'
import type { Host } from './host.ts'
import type { Inode } from './inode.ts'

/** How long a read of cold pages holds up the loop. */
const COLD_MS = 8
/** Far from full nobody counts. */
const NEARLY_FULL_BYTES = 1 << 30

export class SimFile implements File {
  readonly path: string
  readonly #host: Host
  readonly #inode: Inode
  readonly #writable: boolean
  readonly #life: number
  #closed = false

  constructor(host: Host, path: string, inode: Inode, writable: boolean) {
    this.#host = host
    this.path = path
    this.#inode = inode
    this.#writable = writable
    this.#life = host.life
    host.disk.openCount++
  }

  sizeBytes(): number {
    this.#assertOpen()
    return this.#inode.sizeBytes
  }

  write(position: number, views: readonly Uint8Array[]): void {
    this.#assertWritable()
    const { world } = this.#host
    // the loop stands still meanwhile, as it would
    if (world.dice.chance(world.faults.stallRate)) world.timeMs += 5 + world.dice.below(50)
    const { disk } = this.#host
    this.#put(position, views, false, () => disk.check('write', this.path))
    disk.watcher?.('write', this.path)
  }

  async writeLater(position: number, views: readonly Uint8Array[], durable: boolean): Promise<void> {
    this.#assertWritable()
    const { disk } = this.#host
    const write = new LaterWrite(this.#inode, position, views)
    disk.laterWrites.add(write)
    const end = (): void => {
      disk.laterWrites.delete(write)
      this.#put(position, views, durable, () => {})
    }
    return disk.later('write', this.path, end, () => {
      if (disk.laterWrites.delete(write)) write.leavePart(this.#host.world.dice)
    })
  }

  read(position: number, into: Uint8Array): number {
    this.#assertOpen()
    if (!this.cached(position, into.length)) return -1
    return this.#copy(position, into)
  }

  async readLater(position: number, into: Uint8Array): Promise<number> {
    this.#assertOpen()
    return this.#host.disk.later('read', this.path, () => {
      this.#inode.resident = true
      return this.#copy(position, into)
    })
  }

  cached(_position: number, _length: number): boolean {
    this.#assertOpen()
    const { dice, faults } = this.#host.world
    if (faults.coldRate === 0) this.#inode.resident = true
    else if (dice.chance(faults.coldRate)) this.#inode.resident = false
    return this.#inode.resident
  }

  async warm(_position: number, _length: number): Promise<void> {
    this.#assertOpen()
    return this.#host.disk.later('read', this.path, () => {
      this.#inode.resident = true
    })
  }

  async sync(): Promise<void> {
    this.#assertOpen()
    const { disk, world } = this.#host
    const sync = this.#inode.beginSync()
    return disk.later('sync', this.path, sync.end, () => sync.fail(world.dice))
  }

  async truncate(sizeBytes: number): Promise<void> {
    this.#assertWritable()
    return this.#host.disk.later('truncate', this.path, () => {
      this.#inode.cut(sizeBytes)
      this.#touch()
    })
  }

  reserve(sizeBytes: number): void {
    this.#assertWritable()
    this.#inode.reservedBytes = sizeBytes
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    if (this.#life === this.#host.life) this.#host.disk.openCount--
  }

  /** For a transfer: also after `close`, and cold pages hold up the loop. */
  readForTransfer(position: number, into: Uint8Array): number {
    const { world } = this.#host
    if (world.faults.coldRate > 0 && !this.#inode.resident) world.timeMs += COLD_MS
    return this.#copy(position, into)
  }

  #put(position: number, views: readonly Uint8Array[], durable: boolean, check: () => void): void {
    const { disk, world } = this.#host
    const { dice } = world
    let room = disk.capacityBytes < NEARLY_FULL_BYTES ? disk.roomBytes() + Math.max(0, this.#inode.sizeBytes - position) : Infinity
    let failure: EnvError | null = null
    try {
      check()
    } catch (error) {
      failure = error as EnvError
      room = Math.min(room, dice.below(sizeOf(views) + 1))
    }
    for (const view of views) {
      const part = view.subarray(0, room)
      this.#inode.put(position, part)
      if (durable) this.#inode.putDurable(position, part)
      world.mix(part.length)
      position += part.length
      room -= part.length
      if (part.length < view.length) throw failure ?? new EnvError('full', `No space is left for ${this.path}`)
    }
    if (failure !== null) throw failure
    this.#touch()
  }

  #copy(position: number, into: Uint8Array): number {
    const count = Math.max(0, Math.min(into.length, this.#inode.sizeBytes - position))
    if (count > 0) this.#inode.bytes.copy(into, 0, position, position + count)
    return count
  }

  #touch(): void {
    this.#inode.modifiedMs = this.#host.clock.now()
  }

  #assertOpen(): void {
    assert(!this.#closed, `${this.path} is used after it was closed`)
    assert(this.#life === this.#host.life, `${this.path} was opened by a program that is dead`)
  }

  #assertWritable(): void {
    this.#assertOpen()
    if (!this.#writable) throw new EnvError('denied', `${this.path} is open for reading only`)
  }
}

/** Its bytes go to the disk when it ends; till then the views are read at any time. */
export class LaterWrite {
  readonly #inode: Inode
  readonly #position: number
  readonly #views: readonly Uint8Array[]

  constructor(inode: Inode, position: number, views: readonly Uint8Array[]) {
    this.#inode = inode
    this.#position = position
    this.#views = views
  }

  leavePart(dice: Dice): void {
    let left = dice.below(sizeOf(this.#views) + 1)
    let position = this.#position
    for (const view of this.#views) {
      const part = view.subarray(0, left)
      if (part.length > 0) this.#inode.put(position, part)
      position += part.length
      left -= part.length
    }
  }
}

function sizeOf(views: readonly Uint8Array[]): number {
  let size = 0
  for (const view of views) size += view.length
  return size
}
