import type { Socket } from 'node:net'
import type { NodeFile } from './file.ts'
import type { NodeLoop } from './loop.ts'
import type { Native } from './native.ts'
import type { PiecePool } from './piece-pool.ts'

interface Range {
  readonly file: NodeFile
  position: number
  length: number
}

/** Up to here copying is cheaper: views, than a writev; a range behind them, than a sendfile and waking the peer a second time. */
const JOIN_BYTES_MAX = 16 << 10
/** What one connection sends of files before others have their turn: a tenth of a millisecond, and far less where others are there. */
const TURN_BYTES_MAX = 256 << 10
const SHARED_TURN_BYTES_MAX = 64 << 10
const NOTHING = Buffer.alloc(0)

/**
 * What a connection was given to send, in order. Views go to the socket, all up to the next file range in one call, and with them the
 * range if it is small. A larger one goes by sendfile(2) while the socket takes it; where it is full, one small piece is put into its
 * queue, and its callback says when the peer has read enough for more. So a slow reader costs one piece of memory. Without sendfile all
 * goes in pieces, the header with the first.
 */
export class Outbox {
  readonly #socket: Socket
  /** -1: no sendfile. */
  readonly #socketFd: number
  readonly #native: Native | null
  readonly #pieces: PiecePool
  readonly #loop: NodeLoop
  /** The system takes more again. */
  readonly #roomy: () => void
  readonly #queue: (Uint8Array | Range)[] = []
  #queuedBytes = 0
  /** Given in this turn. */
  #newBytes = 0
  #stuck = false
  /** In the socket's queue. */
  #piece: Buffer | null = null
  #dropped = false
  #turnBytes = 0

  constructor(socket: Socket, socketFd: number, native: Native | null, pieces: PiecePool, loop: NodeLoop, roomy: () => void) {
    this.#socket = socket
    this.#socketFd = native === null ? -1 : socketFd
    this.#native = native
    this.#pieces = pieces
    this.#loop = loop
    this.#roomy = roomy
  }

  get unsentBytes(): number {
    return this.#queuedBytes - this.#newBytes + this.#socket.writableLength
  }

  /** All that was given is the system's, or at least the socket's, which sends it before it ends. */
  get empty(): boolean {
    return this.#queue.length === 0 && !this.#stuck
  }

  push(view: Uint8Array): void {
    if (this.#dropped || view.length === 0) return
    this.#queue.push(view)
    this.#queuedBytes += view.length
    this.#newBytes += view.length
  }

  pushRange(file: NodeFile, position: number, length: number): void {
    if (this.#dropped || length === 0) return
    file.hold()
    this.#queue.push({ file, position, length })
    this.#queuedBytes += length
    this.#newBytes += length
  }

  flush(): void {
    this.#newBytes = 0
    this.#turnBytes = 0
    while (this.#queue.length > 0 && !this.#stuck && !this.#socket.destroyed) {
      const first = this.#queue[0]!
      if (first instanceof Uint8Array) this.#sendViews()
      else this.#sendRange(first)
    }
  }

  /** Releases the files. */
  drop(): void {
    this.#dropped = true
    for (const part of this.#queue) if (!(part instanceof Uint8Array)) part.file.letGo()
    this.#queue.length = 0
    this.#queuedBytes = 0
    this.#newBytes = 0
  }

  #sendViews(): void {
    const queue = this.#queue
    let count = 0
    let size = 0
    for (; count < queue.length; count++) {
      const view = queue[count]!
      if (!(view instanceof Uint8Array)) break
      size += view.length
    }
    if (count < queue.length && size <= JOIN_BYTES_MAX) {
      const range = queue[count] as Range
      if (this.#socketFd < 0 || size + range.length <= JOIN_BYTES_MAX) {
        this.#sendPiece(range, count, size)
        return
      }
    }
    const socket = this.#socket
    if (count === 1) socket.write(queue[0] as Uint8Array)
    else if (size <= JOIN_BYTES_MAX) {
      const joined = Buffer.allocUnsafe(size)
      this.#copyViews(joined, count)
      socket.write(joined)
    } else {
      socket.cork()
      for (let i = 0; i < count; i++) socket.write(queue[i] as Uint8Array)
      socket.uncork()
    }
    this.#taken(count, size)
    if (socket.writableLength > 0) {
      this.#stuck = true
      // only a full socket is worth a callback: this one comes after all that is queued
      socket.write(NOTHING, this.#wrote)
    }
  }

  #sendRange(range: Range): void {
    const bytesMax = this.#loop.shared ? SHARED_TURN_BYTES_MAX : TURN_BYTES_MAX
    while (this.#turnBytes < bytesMax) {
      const length = Math.min(range.length, bytesMax - this.#turnBytes)
      const sent = this.#socketFd < 0 ? 0 : this.#native!.sendFile(this.#socketFd, range.file.fd, range.position, length)
      if (sent <= 0) {
        this.#sendPiece(range, 0, 0)
        return
      }
      this.#advance(range, sent)
      if (range.length === 0) {
        this.#rangeSent(range)
        return
      }
    }
    this.#stuck = true
    setImmediate(this.#wrote)
  }

  /** One piece of the range, behind the `count` views before it. */
  #sendPiece(range: Range, count: number, headBytes: number): void {
    const piece = this.#pieces.take()
    this.#copyViews(piece, count)
    const length = Math.min(range.length, piece.length - headBytes)
    if (!this.#fill(range, piece.subarray(headBytes, headBytes + length))) {
      this.#pieces.give(piece)
      return
    }
    this.#taken(count, headBytes)
    this.#advance(range, length)
    if (range.length === 0) this.#rangeSent(range)
    this.#stuck = true
    this.#piece = piece
    this.#socket.write(piece.subarray(0, headBytes + length), this.#wrote)
    if (this.#socket.writableLength > 0) return
    // taken at once: the callback will find nothing to do
    this.#stuck = false
    this.#pieceTaken()
  }

  /** A range that its file does not have can't be sent, nor what comes after it. */
  #fill(range: Range, into: Uint8Array): boolean {
    let problem: Error | null = null
    try {
      if (range.file.readWaiting(range.position, into) < into.length) problem = new Error(`${range.file.path} ended inside a range to send`)
    } catch (error) {
      problem = error as Error
    }
    if (problem === null) return true
    this.drop()
    this.#socket.destroy(problem)
    return false
  }

  readonly #wrote = (): void => {
    if (!this.#stuck || this.#dropped || this.#socket.writableLength > 0) return
    this.#stuck = false
    this.#pieceTaken()
    this.#loop.event(this.#roomy)
  }

  #pieceTaken(): void {
    if (this.#piece !== null) this.#pieces.give(this.#piece)
    this.#piece = null
  }

  #copyViews(into: Uint8Array, count: number): void {
    let at = 0
    for (let i = 0; i < count; i++) {
      const view = this.#queue[i] as Uint8Array
      into.set(view, at)
      at += view.length
    }
  }

  #taken(count: number, size: number): void {
    this.#queuedBytes -= size
    if (count === this.#queue.length) this.#queue.length = 0
    else if (count > 0) this.#queue.splice(0, count)
  }

  #advance(range: Range, bytes: number): void {
    range.position += bytes
    range.length -= bytes
    this.#queuedBytes -= bytes
    this.#turnBytes += bytes
  }

  #rangeSent(range: Range): void {
    this.#queue.shift()
    range.file.letGo()
  }
}
