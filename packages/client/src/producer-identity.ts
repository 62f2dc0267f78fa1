import { ErrorCode, KafkaError } from '@ottla/protocol'
import { InitProducerId } from '@ottla/protocol/messages/22-init-producer-id'
import type { ProducerIdentity } from './accumulator.ts'
import type { Cluster } from './cluster.ts'
import { ClientError, isRetriable, refusal } from './errors.ts'

/** Codes after which the broker knows nothing of our sequences: a new epoch, and the batch again. */
export const IDENTITY_LOST: ReadonlySet<number> = new Set<number>([
  ErrorCode.UNKNOWN_PRODUCER_ID,
  ErrorCode.INVALID_PRODUCER_EPOCH,
  ErrorCode.INVALID_PRODUCER_ID_MAPPING,
  ErrorCode.PRODUCER_FENCED,
])
const TIMEOUT_MAX_MS = 0x7fffffff

/** Where an idempotent producer gets its id, and each next epoch of it (KIP-98, KIP-360). */
export class IdentitySource {
  readonly #cluster: Cluster
  readonly #onChange: () => void
  /** No id is to be had: what waits for one fails. */
  readonly #onFailure: (error: Error) => void
  #failures = 0
  current: ProducerIdentity | null = null
  acquiring = false

  constructor(cluster: Cluster, onChange: () => void, onFailure: (error: Error) => void) {
    this.#cluster = cluster
    this.#onChange = onChange
    this.#onFailure = onFailure
  }

  /** Asks for the next identity, unless it is asked for already; `onChange` follows. */
  acquire(): void {
    if (this.acquiring) return
    this.acquiring = true
    this.#ask().then(
      (identity) => {
        this.#failures = 0
        this.#settle(identity)
      },
      (error: Error) => this.#failed(error),
    )
  }

  async #ask(): Promise<ProducerIdentity> {
    const { producerId, producerEpoch } = this.current ?? { producerId: -1, producerEpoch: -1 }
    const connection = await this.#cluster.any()
    const answer = await connection.request(InitProducerId, {
      transactionalId: null,
      transactionTimeoutMs: TIMEOUT_MAX_MS,
      producerId,
      producerEpoch,
    })
    if (answer.errorCode !== ErrorCode.NONE) throw refusal(answer.errorCode, 'Getting a producer id')
    return { producerId: answer.producerId, producerEpoch: answer.producerEpoch }
  }

  #settle(identity: ProducerIdentity | null): void {
    this.current = identity
    this.acquiring = false
    this.#onChange()
  }

  #failed(error: Error): void {
    if (error instanceof KafkaError && IDENTITY_LOST.has(error.code)) this.#settle(null)
    else if (isRetriable(error)) this.#cluster.backoff.wait(++this.#failures).then(() => this.#settle(this.current))
    else {
      this.acquiring = false
      this.#onFailure(
        error instanceof ClientError && error.kind === 'unsupported'
          ? new ClientError('unsupported', 'The broker has no idempotent producers; use a newer one, or set idempotent to false.', error)
          : error,
      )
    }
  }
}
