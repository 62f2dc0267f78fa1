import fs from 'node:fs'
import assert from 'node:assert/strict'
import { EnvError, type File } from '../env.ts'
import { envError } from './errors.ts'
import type { Lane } from './lane.ts'
import { CANNOT_TELL, WOULD_WAIT, type Native } from './native.ts'
import { rest, total } from './views.ts'

const { O_WRONLY, O_DSYNC } = fs.constants

/** Between two probes of a range; the kernel reads ahead about as much. */
const PROBE_STRIDE_BYTES = 128 << 10
/** Without a probe: what was written last is taken to be in memory, and what was warmed last. */
const TAIL_BYTES = 8 << 20
const WARM_PIECE_BYTES = 256 << 10

/** Where `warm` reads to. Nobody reads it, so all may write there at once. */
let discarded: Buffer | null = null
const probe = Buffer.alloc(1)

/** So many closes may wait for the thread pool. */
const CLOSING_MAX = 16
let closing = 0

export class NodeFile implements File {
  readonly path: string
  readonly #fd: number
  readonly #writable: boolean
  readonly #native: Native | null
  readonly #lane: Lane
  /** Opened with O_DSYNC at the first durable write. */
  #durableFd = -1
  #users = 1
  #closed = false
  #warmFrom = 0
  #warmTo = 0

  constructor(path: string, fd: number, writable: boolean, native: Native | null, lane: Lane) {
    this.path = path
    this.#lane = lane
    this.#fd = fd
    this.#writable = writable
    this.#native = native
  }

  /** For sendfile: valid while held. */
  get fd(): number {
    return this.#fd
  }

  sizeBytes(): number {
    this.#assertOpen()
    try {
      return fs.fstatSync(this.#fd).size
    } catch (error) {
      throw envError(error)
    }
  }

  write(position: number, views: readonly Uint8Array[]): void {
    this.#assertWritable()
    const size = total(views)
    if (size === 0) return
    try {
      const first = views[0]!
      let done =
        views.length === 1
          ? fs.writeSync(this.#fd, first, 0, first.length, position)
          : fs.writevSync(this.#fd, views as Uint8Array[], position)
      while (done < size) done += fs.writevSync(this.#fd, rest(views, done), position + done)
    } catch (error) {
      throw envError(error)
    }
  }

  async writeLater(position: number, views: readonly Uint8Array[], durable: boolean): Promise<void> {
    this.#assertWritable()
    const size = total(views)
    if (size === 0) return
    this.hold()
    try {
      const fd = durable ? this.#openDurable() : this.#fd
      for (let done = 0; done < size;) {
        done += await this.#lane.later<number>((cb) => fs.writev(fd, rest(views, done), position + done, cb))
      }
      if (durable && fd === this.#fd) await this.#lane.later<void>((cb) => fs.fdatasync(fd, cb))
    } finally {
      this.letGo()
    }
  }

  read(position: number, into: Uint8Array): number {
    this.#assertOpen()
    if (this.#native === null) return this.readWaiting(position, into)
    let done = this.#native.readCached(this.#fd, position, into)
    while (done >= 0 && done < into.length) {
      const count = this.#native.readCached(this.#fd, position + done, into.subarray(done))
      if (count === 0) return done
      done = count < 0 ? count : done + count
    }
    return done === CANNOT_TELL ? this.readWaiting(position, into) : done
  }

  /** As `read`, but waits for the device. Also for who holds the file after its owner closed it. */
  readWaiting(position: number, into: Uint8Array): number {
    try {
      for (let done = 0; ;) {
        const count = fs.readSync(this.#fd, into, done, into.length - done, position + done)
        done += count
        if (count === 0 || done === into.length) return done
      }
    } catch (error) {
      throw envError(error)
    }
  }

  async readLater(position: number, into: Uint8Array): Promise<number> {
    this.#assertOpen()
    this.hold()
    try {
      for (let done = 0; ;) {
        const count = await this.#lane.later<number>((cb) => fs.read(this.#fd, into, done, into.length - done, position + done, cb))
        done += count
        if (count === 0 || done === into.length) return done
      }
    } finally {
      this.letGo()
    }
  }

  cached(position: number, length: number): boolean {
    this.#assertOpen()
    if (length <= 0) return true
    if (this.#native === null) return this.#likelyCached(position, length)
    const last = position + length - 1
    // what begins within a stride of the end was read ahead with it; and who sends a range has looked at its head
    for (let at = position + PROBE_STRIDE_BYTES; at < last; at += PROBE_STRIDE_BYTES) {
      if (this.#native.readCached(this.#fd, at, probe) === WOULD_WAIT) return false
    }
    return this.#native.readCached(this.#fd, last, probe) !== WOULD_WAIT
  }

  async warm(position: number, length: number): Promise<void> {
    this.#assertOpen()
    this.hold()
    try {
      const into = (discarded ??= Buffer.allocUnsafeSlow(WARM_PIECE_BYTES))
      for (let done = 0; done < length;) {
        const size = Math.min(WARM_PIECE_BYTES, length - done)
        const count = await this.#lane.later<number>((cb) => fs.read(this.#fd, into, 0, size, position + done, cb))
        if (count === 0) break
        done += count
      }
      this.#warmFrom = position
      this.#warmTo = position + length
    } finally {
      this.letGo()
    }
  }

  async sync(): Promise<void> {
    this.#assertOpen()
    this.hold()
    try {
      await this.#lane.later<void>((cb) => fs.fdatasync(this.#fd, cb))
    } finally {
      this.letGo()
    }
  }

  async truncate(sizeBytes: number): Promise<void> {
    this.#assertWritable()
    this.hold()
    try {
      await this.#lane.later<void>((cb) => fs.ftruncate(this.#fd, sizeBytes, cb))
    } finally {
      this.letGo()
    }
  }

  reserve(sizeBytes: number): void {
    this.#assertWritable()
    this.#native?.reserve(this.#fd, sizeBytes)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.letGo()
  }

  /** Keeps the descriptor open until `letGo`. */
  hold(): void {
    this.#users++
  }

  letGo(): void {
    if (--this.#users > 0) return
    this.#close(this.#fd)
    if (this.#durableFd >= 0 && this.#durableFd !== this.#fd) this.#close(this.#durableFd)
  }

  /** Off the loop, for the last close of a removed file frees its blocks; but many that wait would hold descriptors that others need. */
  #close(fd: number): void {
    if (closing < CLOSING_MAX) {
      closing++
      this.#lane
        .later<void>((cb) => fs.close(fd, cb), false)
        .catch(() => {})
        .finally(() => closing--)
      return
    }
    try {
      fs.closeSync(fd)
    } catch {
      // it is closed all the same
    }
  }

  #assertOpen(): void {
    assert(!this.#closed, `${this.path} is used after it was closed`)
  }

  #assertWritable(): void {
    this.#assertOpen()
    if (!this.#writable) throw new EnvError('denied', `${this.path} is open for reading only`)
  }

  /** The file may have been renamed since: by /proc the same one is found. Where that is missing, writes are followed by fdatasync. */
  #openDurable(): number {
    if (this.#durableFd >= 0) return this.#durableFd
    this.#durableFd = this.#fd
    if (process.platform === 'linux') {
      try {
        this.#durableFd = fs.openSync(`/proc/self/fd/${this.#fd}`, O_WRONLY | O_DSYNC)
      } catch {}
    }
    return this.#durableFd
  }

  #likelyCached(position: number, length: number): boolean {
    if (position >= this.#warmFrom && position + length <= this.#warmTo) return true
    return position >= this.sizeBytes() - TAIL_BYTES
  }
}
