import type { Address, Env } from '@ottla/env'
import { ErrorCode } from '@ottla/protocol'
import { Metadata } from '@ottla/protocol/messages/03-metadata'
import { FindCoordinator } from '@ottla/protocol/messages/10-find-coordinator'
import { BrokerConnection } from './connection.ts'
import { ClientError, refusal } from './errors.ts'
import { MetadataCache, type TopicMetadata } from './metadata.ts'
import { Backoff, retry, sleep } from './retry.ts'

export interface ClusterOptions {
  readonly bootstrap: readonly Address[]
  readonly clientId: string
  readonly requestTimeoutMs?: number
  readonly connectTimeoutMs?: number
  /** Before the second attempt of anything; it doubles from there. 100 ms by default. */
  readonly retryBackoffMs?: number
  /** 1 s by default. */
  readonly retryBackoffMaxMs?: number
  /** A topic's metadata is read again after so long. 5 minutes by default. */
  readonly metadataMaxAgeMs?: number
}

/** Coordinators by what they coordinate, as FindCoordinator numbers it. */
export const COORDINATOR_OF_GROUP = 0

/** The brokers, seen from a client: who leads and coordinates what, and a pool of connections to them. */
export class Cluster {
  readonly env: Env
  readonly cache = new MetadataCache()
  readonly backoff: Backoff
  readonly requestTimeoutMs: number
  readonly #options: ClusterOptions
  readonly #connections = new Map<string, Promise<BrokerConnection>>()
  /** Those of purpose `main` that stand. */
  readonly #open = new Set<BrokerConnection>()
  /** Failed attempts by address, for the wait before the next. */
  readonly #failures = new Map<string, { count: number; notBeforeMs: number }>()
  readonly #coordinators = new Map<string, Address & { readonly nodeId: number }>()
  /** Topics of the next read of metadata, until it is sent. */
  #wanted = new Set<string>()
  #wantedToCreate = false
  #refreshing: Promise<void> | null = null
  #topicErrors = new Map<string, number>()
  #refreshedAtMs = -Infinity
  #purposes = 0
  #closed = false

  constructor(env: Env, options: ClusterOptions) {
    this.env = env
    this.#options = options
    this.requestTimeoutMs = options.requestTimeoutMs ?? 30_000
    this.backoff = new Backoff(env, options.retryBackoffMs ?? 100, options.retryBackoffMaxMs ?? 1000)
  }

  /** Monotonic, `timeoutMs` from now. */
  deadline(timeoutMs = this.requestTimeoutMs): number {
    return this.env.clock.monotonic() + timeoutMs
  }

  /** Retries `attempt` as `retry` does, for `timeoutMs` in all. */
  retry<T>(attempt: () => Promise<T>, timeoutMs = this.requestTimeoutMs * 2): Promise<T> {
    return retry(this.env, this.backoff, this.deadline(timeoutMs), attempt)
  }

  /**
   * A connection to a broker that metadata names. What the broker holds (a long poll, a join) blocks its connection, so whoever asks such
   * things has a purpose of its own, by `ownPurpose`; all else shares `main`.
   */
  async connection(nodeId: number, purpose: string = 'main'): Promise<BrokerConnection> {
    let address = this.cache.addressOf(nodeId)
    if (address === undefined) {
      await this.refresh()
      address = this.cache.addressOf(nodeId)
    }
    if (address === undefined) throw new ClientError('connect', `Broker ${nodeId} is not in the cluster now; see whether it runs.`)
    return this.connectTo(address, purpose)
  }

  /** A connection to any broker: one that is open, else the first that answers. */
  async any(): Promise<BrokerConnection> {
    for (const connection of this.#open) return connection
    const addresses = [...this.#shuffled([...this.cache.brokers.values()]), ...this.#options.bootstrap]
    let last: unknown
    for (const address of addresses) {
      try {
        return await this.connectTo(address, 'main')
      } catch (error) {
        if (this.#closed) throw error
        last = error
      }
    }
    if (addresses.length === 1) throw last
    const names = this.#options.bootstrap.map(({ host, port }) => `${host}:${port}`).join(', ')
    throw new ClientError('connect', `None of the brokers (bootstrap: ${names}) answers; start one, or correct the addresses.`, last)
  }

  connectTo(address: Address, purpose: string): Promise<BrokerConnection> {
    if (this.#closed) return Promise.reject(new ClientError('closed', 'This client was closed; make a new one.'))
    const where = `${address.host}:${address.port}`
    const key = `${where}/${purpose}`
    const known = this.#connections.get(key)
    if (known !== undefined) return known
    const opening = this.#connect(address, where)
    this.#connections.set(key, opening)
    const forget = (): void => {
      if (this.#connections.get(key) === opening) this.#connections.delete(key)
    }
    opening.then((connection) => {
      if (purpose === 'main') this.#open.add(connection)
      connection.onClose(() => {
        this.#open.delete(connection)
        forget()
      })
    }, forget)
    return opening
  }

  async #connect(address: Address, where: string): Promise<BrokerConnection> {
    const before = this.#failures.get(where)
    const now = this.env.clock.monotonic()
    if (before !== undefined && before.notBeforeMs > now) await sleep(this.env.clock, before.notBeforeMs - now)
    let connection: BrokerConnection
    try {
      connection = await BrokerConnection.open(this.env, { host: address.host, port: address.port }, this.#options)
    } catch (error) {
      const count = (before?.count ?? 0) + 1
      this.#failures.set(where, { count, notBeforeMs: this.env.clock.monotonic() + this.backoff.delayMs(count) })
      throw error
    }
    this.#failures.delete(where)
    if (this.#closed) connection.close()
    return connection
  }

  /** What is known of a topic, read first where nothing is or it is old. Undefined: wait for `topic`. */
  known(topic: string): TopicMetadata | undefined {
    const known = this.cache.topics.get(topic)
    if (known !== undefined && known.readAtMs < this.env.clock.monotonic() - (this.#options.metadataMaxAgeMs ?? 300_000)) {
      this.refresh([topic]).catch(() => {})
    }
    return known
  }

  /** Metadata of a topic; where there is none yet, waits for it as long as `timeoutMs`. */
  async topic(name: string, timeoutMs = this.requestTimeoutMs, create = false): Promise<TopicMetadata> {
    return (
      this.known(name) ??
      this.retry(async () => {
        await this.refresh([name], create)
        const topic = this.cache.topics.get(name)
        if (topic !== undefined) return topic
        throw refusal(this.#topicErrors.get(name) ?? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `Reading metadata of topic '${name}'`)
      }, timeoutMs)
    )
  }

  /**
   * Reads metadata of these topics and of those that others want now; the brokers alone where there are none. `create`: a broker that is
   * set so (auto.create.topics.enable) creates those that don't exist.
   */
  refresh(topics: Iterable<string> = [], create = false): Promise<void> {
    for (const topic of topics) this.#wanted.add(topic)
    this.#wantedToCreate ||= create
    return (this.#refreshing ??= this.#refreshOnce())
  }

  async #refreshOnce(): Promise<void> {
    let connection: BrokerConnection
    try {
      // callers of one turn share a request
      await Promise.resolve()
      connection = await this.any()
    } finally {
      this.#refreshing = null
    }
    const names = [...this.#wanted]
    const allowAutoTopicCreation = this.#wantedToCreate
    this.#wanted = new Set()
    this.#wantedToCreate = false
    const answer = await connection.request(Metadata, { topics: names.map((name) => ({ name })), allowAutoTopicCreation })
    const nowMs = this.env.clock.monotonic()
    const failed = this.cache.update(answer, nowMs)
    this.#refreshedAtMs = nowMs
    for (const name of names) this.#topicErrors.delete(name)
    for (const [name, code] of failed) this.#topicErrors.set(name, code)
  }

  /** As `refresh`, but not again within the back-off since the last: for errors that come in floods. */
  async refreshSoon(topics: Iterable<string>): Promise<void> {
    const restMs = this.#refreshedAtMs + this.backoff.delayMs(1) - this.env.clock.monotonic()
    if (restMs > 0) await sleep(this.env.clock, restMs)
    await this.refresh(topics)
  }

  /** Every topic of the cluster, from a broker. */
  async allTopics(): Promise<TopicMetadata[]> {
    return this.retry(async () => {
      const connection = await this.any()
      const answer = await connection.request(Metadata, (version) => ({ topics: version === 0 ? [] : null, allowAutoTopicCreation: false }))
      this.cache.update(answer, this.env.clock.monotonic())
      return answer.topics.flatMap(({ name }) => this.cache.topics.get(name ?? '') ?? [])
    })
  }

  /** The connection to the leader of a partition, by metadata that is read where it is lacking. */
  async leader(topic: string, partition: number, purpose: string = 'main'): Promise<BrokerConnection> {
    await this.topic(topic)
    const { leaderId } = this.#partitionOf(topic, partition)
    if (leaderId >= 0) return this.connection(leaderId, purpose)
    await this.refreshSoon([topic])
    throw refusal(ErrorCode.LEADER_NOT_AVAILABLE, `Looking for the leader of '${topic}' partition ${partition}`)
  }

  #partitionOf(topic: string, partition: number): { leaderId: number } {
    const found = this.cache.partition(topic, partition)
    if (found !== undefined) return found
    throw refusal(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `Looking for '${topic}' partition ${partition}`)
  }

  /** The controller's connection: who creates topics. */
  async controller(): Promise<BrokerConnection> {
    if (this.cache.addressOf(this.cache.controllerId) === undefined) await this.refresh()
    const { controllerId } = this.cache
    return controllerId < 0 ? this.any() : this.connection(controllerId)
  }

  /** The connection to the coordinator of a group (or of a transactional id: keyType 1). */
  async coordinator(key: string, purpose = 'main', keyType = COORDINATOR_OF_GROUP): Promise<BrokerConnection> {
    const name = `${keyType}/${key}`
    let address = this.#coordinators.get(name)
    if (address === undefined) {
      address = await this.#findCoordinator(key, keyType)
      this.#coordinators.set(name, address)
    }
    try {
      return await this.connectTo(address, purpose)
    } catch (error) {
      this.#coordinators.delete(name)
      throw error
    }
  }

  async #findCoordinator(key: string, keyType: number): Promise<Address & { nodeId: number }> {
    const connection = await this.any()
    const answer = await connection.request(FindCoordinator, { key, keyType, coordinatorKeys: [key] })
    const found = answer.coordinators[0] ?? answer
    if (found.errorCode !== ErrorCode.NONE) throw refusal(found.errorCode, `Finding the coordinator of '${key}'`, found.errorMessage)
    return { host: found.host, port: found.port, nodeId: found.nodeId }
  }

  /** After NOT_COORDINATOR and its like: the next call looks for the coordinator anew. */
  forgetCoordinator(key: string, keyType = COORDINATOR_OF_GROUP): void {
    this.#coordinators.delete(`${keyType}/${key}`)
  }

  /** A name for connections of one user alone. */
  ownPurpose(kind: 'fetch' | 'group'): string {
    return `${kind}-${++this.#purposes}`
  }

  /** Closes the connections of a purpose. */
  release(purpose: string): void {
    for (const [key, opening] of this.#connections) {
      if (!key.endsWith(`/${purpose}`)) continue
      this.#connections.delete(key)
      opening.then(
        (connection) => connection.close(),
        () => {},
      )
    }
  }

  /** Closes every connection; what is unanswered is rejected. */
  close(): void {
    this.#closed = true
    for (const opening of this.#connections.values())
      opening.then(
        (connection) => connection.close(),
        () => {},
      )
    this.#connections.clear()
  }

  get closed(): boolean {
    return this.#closed
  }

  #shuffled<T>(items: T[]): T[] {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.env.random.below(i + 1)
      const item = items[i]!
      items[i] = items[j]!
      items[j] = item
    }
    return items
  }
}
