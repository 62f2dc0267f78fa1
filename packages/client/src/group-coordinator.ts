import { ErrorCode, type Api } from '@ottla/protocol'
import type { Decoded, Fields } from '@ottla/wire'
import type { Cluster } from './cluster.ts'
import type { Body } from './connection.ts'
import { ClientError, refusal } from './errors.ts'

const MOVED = new Set<number>([ErrorCode.NOT_COORDINATOR, ErrorCode.COORDINATOR_NOT_AVAILABLE])

export interface CoordinatorRequest<P extends Fields> {
  /** What is asked, for the error's sentence. */
  readonly what: string
  /** The code that decides: all but NONE reject. */
  readonly code: (answer: Decoded<P>) => number
  readonly message?: (answer: Decoded<P>) => string | null
  readonly versionMax?: number
  readonly timeoutMs?: number
}

/** A group's coordinator, wherever it is. Joins are held for long, so that each member has a connection to it of its own. */
export class GroupCoordinator {
  readonly cluster: Cluster
  readonly groupId: string
  readonly #purpose: string

  constructor(cluster: Cluster, groupId: string, purpose = 'main') {
    this.cluster = cluster
    this.groupId = groupId
    this.#purpose = purpose
  }

  /** Asks once. Where the coordinator moved or is gone, the next call looks for it anew. */
  async ask<Q extends Fields, P extends Fields>(api: Api<Q, P>, body: Body<Q>, request: CoordinatorRequest<P>): Promise<Decoded<P>> {
    const connection = await this.cluster.coordinator(this.groupId, this.#purpose)
    let answer: Decoded<P>
    try {
      answer = await connection.request(api, body, {
        ...(request.versionMax === undefined ? {} : { versionMax: request.versionMax }),
        ...(request.timeoutMs === undefined ? {} : { timeoutMs: request.timeoutMs }),
      })
    } catch (error) {
      if (error instanceof ClientError && error.retriable) this.cluster.forgetCoordinator(this.groupId)
      throw error
    }
    const code = request.code(answer)
    if (code === ErrorCode.NONE) return answer
    if (MOVED.has(code)) this.cluster.forgetCoordinator(this.groupId)
    throw refusal(code, request.what, request.message?.(answer))
  }

  /** As `ask`, for as long as it may succeed later. */
  askUntilDone<Q extends Fields, P extends Fields>(api: Api<Q, P>, body: Body<Q>, request: CoordinatorRequest<P>): Promise<Decoded<P>> {
    return this.cluster.retry(() => this.ask(api, body, request))
  }
}
