import type { Address, CloseReason, Connection, File, Receiver } from '../env.ts'
import { KIND } from './event-queue.ts'
import type { SimFile } from './file.ts'
import type { Host } from './host.ts'

interface Range {
  readonly file: SimFile
  position: number
  length: number
}

const RETRANSMIT_MS = 200

/** One side. Bytes travel in order, in pieces of any size, and never more than a window of them unread. */
export class SimConnection implements Connection {
  readonly host: Host
  readonly local: Address
  readonly remote: Address
  peer!: SimConnection
  #receiver: Receiver | null = null
  #queue: (Uint8Array | Range)[] = []
  #queuedBytes = 0
  /** Given in this turn. */
  #newBytes = 0
  #corked = false
  #stuck = false
  #closing = false
  #gone = false
  #paused = false
  /** On the way to this side, and unread. */
  #inbox: Uint8Array[] = []
  #inboxBytes = 0
  #ended: CloseReason | null = null
  #space: Uint8Array | null = null
  #delivering = false

  constructor(host: Host, local: Address, remote: Address) {
    this.host = host
    this.local = local
    this.remote = remote
    host.connections.add(this)
  }

  start(accept: (connection: Connection) => Receiver): void {
    this.#receiver = accept(this)
    this.#pump()
  }

  get unsentBytes(): number {
    return this.#queuedBytes - this.#newBytes
  }

  write(view: Uint8Array): void {
    if (view.length > 0) this.#give(view, view.length)
  }

  sendFile(file: File, position: number, length: number): void {
    if (length > 0) this.#give({ file: file as SimFile, position, length }, length)
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#pump()
  }

  close(): void {
    if (this.#closing) return
    this.#closing = true
    // what comes is read on, to nowhere
    this.#loseInbox()
    this.#cork()
  }

  abort(): void {
    if (this.#gone) return
    this.#finish('here')
    this.peer.#end('reset')
  }

  flush(): void {
    this.#corked = false
    this.#newBytes = 0
    if (this.#gone) return
    const { world } = this.host
    while (this.#queue.length > 0) {
      if (!this.#hasRoom()) {
        this.#stuck = true
        return
      }
      const bytes = this.#take(world.faults.windowBytes - this.peer.#inboxBytes)
      if (bytes === null) {
        this.#finish('reset')
        this.peer.#end('reset')
        return
      }
      this.peer.#arrive(bytes)
    }
    if (this.#closing) {
      this.#finish('here')
      this.peer.#end('peer')
    } else if (this.#stuck) {
      this.#stuck = false
      world.schedule(0, this.host, KIND.drained, () => {
        if (!this.#gone && !this.#stuck) this.#receiver?.drained()
      })
    }
  }

  /** Its machine or its program died. */
  vanish(silenceMs: number): void {
    this.#gone = true
    this.host.connections.delete(this)
    this.host.world.schedule(silenceMs, this.peer.host, KIND.world, () => {
      // a reset may overtake what the reader has not read
      if (this.host.world.dice.chance(0.5)) this.peer.#loseInbox()
      this.peer.#end('reset')
    })
  }

  /** Both sides, after a long cut. */
  giveUp(): void {
    this.#finish('unreachable')
    this.peer.#finish('unreachable')
  }

  healed(): void {
    this.#pump()
  }

  /** As TCP does, it waits for a good part of the window: else pieces would get smaller and smaller. */
  #hasRoom(): boolean {
    const { windowBytes } = this.host.world.faults
    return windowBytes - this.peer.#inboxBytes >= Math.min(windowBytes / 4, this.#queuedBytes)
  }

  #give(part: Uint8Array | Range, length: number): void {
    if (this.#gone || this.#closing) return
    this.#queue.push(part)
    this.#queuedBytes += length
    this.#newBytes += length
    this.#cork()
  }

  #cork(): void {
    if (this.#corked) return
    this.#corked = true
    this.host.loop.sendAtEnd(this)
  }

  /** What goes next, at most `room` bytes. Null: a file does not have its range any more. */
  #take(room: number): Uint8Array | null {
    const first = this.#queue[0]!
    let bytes: Uint8Array
    if (first instanceof Uint8Array) bytes = this.#takeViews(room)
    else {
      bytes = Buffer.alloc(Math.min(room, first.length))
      if (first.file.readForTransfer(first.position, bytes) < bytes.length) return null
      first.position += bytes.length
      first.length -= bytes.length
      if (first.length === 0) this.#queue.shift()
    }
    this.#queuedBytes -= bytes.length
    return bytes
  }

  /** As one piece, however they were cut: where a message's buffers begin and end must not show in a history. */
  #takeViews(room: number): Uint8Array {
    const views: Uint8Array[] = []
    for (let left = room; left > 0;) {
      const next = this.#queue[0]
      if (!(next instanceof Uint8Array)) break
      views.push(next.subarray(0, left))
      if (next.length <= left) this.#queue.shift()
      else this.#queue[0] = next.subarray(left)
      left -= Math.min(left, next.length)
    }
    return Buffer.concat(views)
  }

  #arrive(bytes: Uint8Array): void {
    if (this.#gone || this.#closing) return
    this.#inbox.push(bytes)
    this.#inboxBytes += bytes.length
    this.#pump()
  }

  #end(reason: CloseReason): void {
    if (this.#gone) return
    this.#ended ??= reason
    this.#pump()
  }

  #loseInbox(): void {
    this.#inbox = []
    this.#inboxBytes = 0
    this.#tellRoom()
  }

  /** What the peer has left to send goes with the rest of its turn: nothing of that turn may leave before its tasks. */
  #tellRoom(): void {
    const { peer } = this
    if (!peer.#stuck || peer.#gone || !peer.#hasRoom()) return
    this.host.world.schedule(0, peer.host, KIND.room, () => peer.#cork())
  }

  #pump(): void {
    if (this.#delivering || this.#gone || this.#receiver === null) return
    if (this.#inbox.length === 0 && this.#ended === null) return
    this.#delivering = true
    const { dice, faults } = this.host.world
    let delayMs = faults.latencyMs * (0.5 + dice.fraction())
    if (dice.chance(faults.lossRate)) delayMs += RETRANSMIT_MS
    this.host.world.schedule(delayMs, this.host, KIND.deliver, () => this.#deliver())
  }

  #deliver(): void {
    this.#delivering = false
    const { world } = this.host
    if (this.#gone || world.isCut(this.host, this.peer.host)) return
    if (this.#paused && this.#ended !== 'reset') return
    const first = this.#inbox[0]
    if (first === undefined) {
      if (this.#ended !== null) this.#finish(this.#ended)
      return
    }
    if (this.#paused) this.#loseInbox()
    else this.#hand(first)
    this.#tellRoom()
    this.#pump()
  }

  #hand(bytes: Uint8Array): void {
    const { world } = this.host
    const receiver = this.#receiver!
    const space = this.#space ?? receiver.space()
    const length = Math.min(space.length, bytes.length, 1 + world.dice.below(bytes.length * 2))
    space.set(bytes.subarray(0, length))
    if (length < bytes.length) this.#inbox[0] = bytes.subarray(length)
    else this.#inbox.shift()
    this.#inboxBytes -= length
    world.mix(length)
    world.mix(bytes[0]!)
    this.#space = null
    receiver.received(length)
    // as the real one does: the next buffer is asked for at once, before the turn ends
    if (!this.#gone && !this.#closing) this.#space = receiver.space()
  }

  #finish(reason: CloseReason): void {
    if (this.#gone) return
    this.#gone = true
    this.#queue = []
    this.#queuedBytes = 0
    this.#newBytes = 0
    this.host.connections.delete(this)
    this.host.world.schedule(0, this.host, KIND.closed, () => this.#receiver?.closed(reason))
  }
}
