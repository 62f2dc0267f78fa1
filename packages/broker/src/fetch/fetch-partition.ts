/** One partition that a fetch asks for; in a session it lives on, and keeps what was answered last (KIP-227). */
export interface FetchPartition {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  fetchOffset: number
  maxBytes: number
  /** -1: the client doesn't say. */
  currentLeaderEpoch: number
  lastFetchedEpoch: number
  /** What the session's client knows; undefined before the first answer, and after an error, which is always told again. */
  known: { highWatermark: number; logStartOffset: number } | undefined
}
