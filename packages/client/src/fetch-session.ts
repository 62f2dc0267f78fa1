import { ErrorCode } from '@ottla/protocol'

/** What a fetch asks of one partition. */
export interface FetchItem {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  readonly fetchOffset: number
  readonly currentLeaderEpoch: number
  readonly lastFetchedEpoch: number
}

export interface FetchPlan {
  readonly sessionId: number
  readonly sessionEpoch: number
  /** Those that the broker does not know already. */
  readonly send: readonly FetchItem[]
  readonly forget: readonly FetchItem[]
}

const FULL = 0

/**
 * A fetch session with one broker (KIP-227): after a full request, only what changed is sent, and only partitions with news are
 * answered. `plan` before each request, then `answered` or `failed`.
 */
export class FetchSession {
  #sessionId = 0
  #epoch = FULL
  #known = new Map<string, FetchItem>()

  get sessionId(): number {
    return this.#sessionId
  }

  get epoch(): number {
    return this.#epoch
  }

  /** What to send so that the broker serves exactly the partitions of `wanted`. */
  plan(wanted: readonly FetchItem[]): FetchPlan {
    const next = new Map<string, FetchItem>()
    for (const item of wanted) next.set(`${item.topic}/${item.partition}`, item)
    const before = this.#known
    this.#known = next
    if (this.#epoch === FULL) return { sessionId: this.#sessionId, sessionEpoch: FULL, send: wanted, forget: [] }
    const forget: FetchItem[] = []
    for (const [key, item] of before) {
      const now = next.get(key)
      if (now === undefined || now.topicId !== item.topicId) forget.push(item)
    }
    const send: FetchItem[] = []
    for (const [key, item] of next) {
      const old = before.get(key)
      if (old === undefined || !same(old, item)) send.push(item)
    }
    return { sessionId: this.#sessionId, sessionEpoch: this.#epoch, send, forget }
  }

  /** Takes in the answer's head. False where the answer holds nothing and the next request is to be full. */
  answered(errorCode: number, sessionId: number): boolean {
    if (errorCode !== ErrorCode.NONE) {
      // an unknown id is gone; any other session is closed by the full request that names it
      if (errorCode === ErrorCode.FETCH_SESSION_ID_NOT_FOUND) this.#sessionId = 0
      this.#epoch = FULL
      return false
    }
    this.#sessionId = sessionId
    this.#epoch = sessionId === 0 ? FULL : this.#epoch === 0x7fffffff ? 1 : this.#epoch + 1
    return true
  }

  /** No answer came: nobody knows whether the broker moved on. */
  failed(): void {
    this.#epoch = FULL
  }
}

function same(a: FetchItem, b: FetchItem): boolean {
  return (
    a.topicId === b.topicId &&
    a.fetchOffset === b.fetchOffset &&
    a.currentLeaderEpoch === b.currentLeaderEpoch &&
    a.lastFetchedEpoch === b.lastFetchedEpoch
  )
}
