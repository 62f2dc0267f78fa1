import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Clock, Timer } from '@ottla/env'
import { PASSWORD_BYTES } from '@ottla/zookeeper'
import type { Server } from './server.ts'
import { IN_PROCESS, serverOf, SessionDeadlines, SessionIds } from './sessions.ts'

export interface SessionTimes {
  /** Deadlines are looked at so often. */
  readonly tickMs: number
  /** What a client may ask for lies between these two. */
  readonly timeoutMsMin: number
  readonly timeoutMsMax: number
}

/** The sessions of clients outside this process: opened, resumed, kept alive, ended when they are silent for too long. */
export class ClientSessions {
  readonly times: SessionTimes
  readonly #clock: Clock
  readonly #server: Server
  readonly #secret: Buffer
  readonly #ids: SessionIds
  readonly #deadlines: SessionDeadlines
  /** Their end is on its way through the log. */
  readonly #ending = new Set<bigint>()
  #timer: Timer | null = null

  /** `secret`: what passwords of sessions are made with, the same in every life and on every server. */
  constructor(clock: Clock, server: Server, serverId: number, secret: Buffer, times: SessionTimes) {
    this.#clock = clock
    this.#server = server
    this.#secret = secret
    this.times = times
    this.#ids = new SessionIds(serverId, clock.now())
    this.#deadlines = new SessionDeadlines(times.tickMs, clock.monotonic())
    for (const [sessionId, timeoutMs] of server.tree.sessions) {
      if (serverOf(sessionId) !== IN_PROCESS) this.#deadlines.add(sessionId, timeoutMs, clock.monotonic())
    }
    server.onSessionEnd((sessionId) => this.#ended(sessionId))
    this.#tick()
  }

  /** `done` is called with the new session's id once it is on disk, or with null where that can not be. */
  open(timeoutMs: number, done: (sessionId: bigint | null) => void): void {
    const sessionId = this.#ids.next((id) => this.#server.tree.sessions.has(id))
    this.#server.write(sessionId, 0, [], { type: 'createSession', timeoutMs }, (result) => {
      const isOpen = result.type === 'createSession'
      if (isOpen) this.#deadlines.add(sessionId, timeoutMs, this.#clock.monotonic())
      done(isOpen ? sessionId : null)
    })
  }

  /** False where the session is over or on its way there, or `password` is not its own. */
  resume(sessionId: bigint, password: Buffer, timeoutMs: number): boolean {
    if (!this.#server.tree.sessions.has(sessionId) || this.#ending.has(sessionId) || serverOf(sessionId) === IN_PROCESS) return false
    if (password.length !== PASSWORD_BYTES || !timingSafeEqual(password, this.passwordOf(sessionId))) return false
    this.#deadlines.add(sessionId, timeoutMs, this.#clock.monotonic())
    return true
  }

  /** Its client was heard of. */
  touch(sessionId: bigint): void {
    this.#deadlines.touch(sessionId, this.#clock.monotonic())
  }

  passwordOf(sessionId: bigint): Buffer {
    const id = Buffer.allocUnsafe(8)
    id.writeBigInt64BE(sessionId)
    return createHmac('sha256', this.#secret).update(id).digest().subarray(0, PASSWORD_BYTES)
  }

  /** What a client that asks for `timeoutMs` gets. */
  timeoutFor(timeoutMs: number): number {
    return Math.min(Math.max(timeoutMs, this.times.timeoutMsMin), this.times.timeoutMsMax)
  }

  close(): void {
    this.#timer?.cancel()
    this.#timer = null
  }

  #tick(): void {
    this.#timer = this.#clock.after(this.times.tickMs, () => {
      for (const sessionId of this.#deadlines.tick(this.#clock.monotonic())) this.#end(sessionId)
      this.#tick()
    })
  }

  #end(sessionId: bigint): void {
    this.#ending.add(sessionId)
    this.#server.write(sessionId, 0, [], { type: 'closeSession' }, () => {})
  }

  #ended(sessionId: bigint): void {
    this.#ending.delete(sessionId)
    this.#deadlines.remove(sessionId)
  }
}
