/** The server id of sessions that live in the keeper's own process: none of theirs outlives it. Real servers begin with 1. */
export const IN_PROCESS = 0

/** Gives out session ids: the server in the top byte, then 40 bits of the time, then a counter. */
export class SessionIds {
  #next: bigint

  constructor(serverId: number, nowMs: number) {
    const time = BigInt.asUintN(40, BigInt(nowMs)) << 16n
    this.#next = BigInt.asIntN(64, (BigInt(serverId) << 56n) | time)
  }

  next(isTaken: (sessionId: bigint) => boolean): bigint {
    do this.#next++
    while (this.#next === 0n || isTaken(this.#next))
    return this.#next
  }
}

export function serverOf(sessionId: bigint): number {
  return Number(BigInt.asUintN(64, sessionId) >> 56n)
}

/**
 * When sessions expire, at the leader. All times are a monotonic clock's milliseconds. A session lives for its timeout after its last
 * touch, and up to one tick longer. A tick that comes late puts all deadlines off by its lateness: then it was this process that slept,
 * and the touches still wait in its sockets.
 */
export class SessionDeadlines {
  readonly #tickMs: number
  readonly #sessions = new Map<bigint, { timeoutMs: number; deadlineMs: number }>()
  readonly #buckets = new Map<number, Set<bigint>>()
  #delayMs = 0
  #dueMs: number

  constructor(tickMs: number, nowMs: number) {
    this.#tickMs = tickMs
    this.#dueMs = nowMs + tickMs
  }

  add(sessionId: bigint, timeoutMs: number, nowMs: number): void {
    this.remove(sessionId)
    this.#sessions.set(sessionId, { timeoutMs, deadlineMs: -1 })
    this.touch(sessionId, nowMs)
  }

  /** False where there is no such session. */
  touch(sessionId: bigint, nowMs: number): boolean {
    const session = this.#sessions.get(sessionId)
    if (session === undefined) return false
    const deadlineMs = (Math.floor((nowMs - this.#delayMs + session.timeoutMs) / this.#tickMs) + 1) * this.#tickMs
    if (deadlineMs <= session.deadlineMs) return true
    this.#leave(sessionId, session.deadlineMs)
    session.deadlineMs = deadlineMs
    const bucket = this.#buckets.get(deadlineMs)
    if (bucket === undefined) this.#buckets.set(deadlineMs, new Set([sessionId]))
    else bucket.add(sessionId)
    return true
  }

  remove(sessionId: bigint): void {
    const session = this.#sessions.get(sessionId)
    if (session === undefined) return
    this.#sessions.delete(sessionId)
    this.#leave(sessionId, session.deadlineMs)
  }

  /** Called once a tick: who has expired since. They are removed. */
  tick(nowMs: number): bigint[] {
    if (nowMs > this.#dueMs) this.#delayMs += nowMs - this.#dueMs
    this.#dueMs = nowMs + this.#tickMs
    const expired: bigint[] = []
    for (const [deadlineMs, bucket] of this.#buckets) {
      if (deadlineMs > nowMs - this.#delayMs) continue
      expired.push(...bucket)
      this.#buckets.delete(deadlineMs)
    }
    for (const sessionId of expired) this.#sessions.delete(sessionId)
    return expired
  }

  #leave(sessionId: bigint, deadlineMs: number): void {
    const bucket = this.#buckets.get(deadlineMs)
    bucket?.delete(sessionId)
    if (bucket?.size === 0) this.#buckets.delete(deadlineMs)
  }
}
