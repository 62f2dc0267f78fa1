import type { Address, Connection, Env, Listener, Receiver } from '@ottla/env'
import { readRequestHeader, writeResponseHeader, type Api } from '@ottla/protocol'
import { Produce } from '@ottla/protocol/messages/00-produce'
import { Fetch } from '@ottla/protocol/messages/01-fetch'
import { ListOffsets } from '@ottla/protocol/messages/02-list-offsets'
import { Metadata } from '@ottla/protocol/messages/03-metadata'
import { OffsetCommit } from '@ottla/protocol/messages/08-offset-commit'
import { OffsetFetch } from '@ottla/protocol/messages/09-offset-fetch'
import { FindCoordinator } from '@ottla/protocol/messages/10-find-coordinator'
import { JoinGroup } from '@ottla/protocol/messages/11-join-group'
import { Heartbeat } from '@ottla/protocol/messages/12-heartbeat'
import { LeaveGroup } from '@ottla/protocol/messages/13-leave-group'
import { SyncGroup } from '@ottla/protocol/messages/14-sync-group'
import { ApiVersions } from '@ottla/protocol/messages/18-api-versions'
import { InitProducerId } from '@ottla/protocol/messages/22-init-producer-id'
import { Frames, Reader, Writer, type Decoded, type Encodable, type Fields } from '@ottla/wire'
import { FakeGroups } from './fake-groups.ts'
import { FakeLog, type FakeTopic } from './fake-log.ts'

/** In place of an answer: the connection is closed, or nobody ever answers. */
export const DROP = Symbol('drop')
export const HANG = Symbol('hang')

export interface Call {
  readonly broker: FakeBroker
  readonly version: number
  readonly clientId: string | null
}
type Answer<P extends Fields> = Encodable<P> | undefined | typeof DROP | typeof HANG
export type Intercept<Q extends Fields, P extends Fields> = (body: Decoded<Q>, call: Call) => Answer<P> | Promise<Answer<P>>

const APIS = [
  Produce,
  Fetch,
  ListOffsets,
  Metadata,
  OffsetCommit,
  OffsetFetch,
  FindCoordinator,
  JoinGroup,
  Heartbeat,
  LeaveGroup,
  SyncGroup,
  ApiVersions,
  InitProducerId,
] as unknown as Api[]

/** Brokers with just enough of Kafka to test a client against, on loopback sockets, by the real codecs. Tests intercept what they like. */
export class FakeCluster {
  readonly env: Env
  readonly brokers: FakeBroker[] = []
  readonly log: FakeLog
  readonly groups: FakeGroups
  /** Version ranges to advertise in place of the declared ones; null: not at all. */
  readonly versions = new Map<number, { min: number; max: number } | null>()
  /** Everything that was asked, in order of arrival. */
  readonly calls: { readonly api: string; readonly version: number; readonly nodeId: number; readonly body: unknown }[] = []
  coordinatorId = 0
  readonly #intercepts = new Map<number, Intercept<Fields, Fields>[]>()

  private constructor(env: Env) {
    this.env = env
    this.log = new FakeLog(env)
    this.groups = new FakeGroups()
  }

  static async start(env: Env, brokerCount = 1): Promise<FakeCluster> {
    const cluster = new FakeCluster(env)
    for (let nodeId = 0; nodeId < brokerCount; nodeId++) cluster.brokers.push(await FakeBroker.start(cluster, nodeId))
    return cluster
  }

  get bootstrap(): string {
    return this.brokers.map(({ address }) => `${address.host}:${address.port}`).join()
  }

  /** Partitions are led by the brokers in turn. */
  createTopic(name: string, partitions = 1): FakeTopic {
    return this.log.create(name, partitions, this.brokers.length)
  }

  /** Sees each request of an API before the default answer does; undefined leaves it to the one before, or to that. */
  intercept<Q extends Fields, P extends Fields>(api: Api<Q, P>, intercept: Intercept<Q, P>): void {
    const list = this.#intercepts.get(api.key) ?? []
    list.unshift(intercept as unknown as Intercept<Fields, Fields>)
    this.#intercepts.set(api.key, list)
  }

  callsOf<Q extends Fields, P extends Fields>(api: Api<Q, P>): Decoded<Q>[] {
    return this.calls.filter((call) => call.api === api.name).map((call) => call.body as Decoded<Q>)
  }

  rangeOf(api: Api): { min: number; max: number } | null {
    const range = this.versions.get(api.key)
    return range === undefined ? { min: api.min, max: api.max } : range
  }

  async answer(api: Api, body: Decoded<Fields>, call: Call): Promise<Answer<Fields>> {
    this.calls.push({ api: api.name, version: call.version, nodeId: call.broker.nodeId, body })
    for (const intercept of this.#intercepts.get(api.key) ?? []) {
      const answer = await intercept(body, call)
      if (answer !== undefined) return answer
    }
    return (await this.#default(api.key, body as never, call)) as Answer<Fields>
  }

  #default(key: number, body: never, call: Call): unknown {
    switch (key) {
      case ApiVersions.key:
        return this.#apiVersions()
      case Metadata.key:
        return this.#metadata(body)
      case FindCoordinator.key:
        return this.#findCoordinator(body)
      case Produce.key:
        return this.log.produce(body, call.broker.nodeId)
      case Fetch.key:
        return this.log.fetch(body, call.broker.nodeId)
      case ListOffsets.key:
        return this.log.listOffsets(body)
      case InitProducerId.key:
        return this.log.initProducerId(body)
      default:
        return this.groups.answer(key, body)
    }
  }

  #apiVersions(): Encodable<typeof ApiVersions.response.fields> {
    const apiKeys = APIS.flatMap((api) => {
      const range = this.rangeOf(api)
      return range === null ? [] : [{ apiKey: api.key, minVersion: range.min, maxVersion: range.max }]
    })
    return { errorCode: 0, apiKeys }
  }

  #metadata({ topics }: Decoded<typeof Metadata.request.fields>): Encodable<typeof Metadata.response.fields> {
    const names = topics === null ? [...this.log.topics.keys()] : topics.map(({ name }) => name!)
    return {
      brokers: this.brokers.filter(({ up }) => up).map(({ nodeId, address }) => ({ nodeId, ...address })),
      clusterId: 'fake',
      controllerId: 0,
      topics: names.map((name) => this.log.metadataOf(name)),
    }
  }

  #findCoordinator({ coordinatorKeys }: Decoded<typeof FindCoordinator.request.fields>): Encodable<typeof FindCoordinator.response.fields> {
    const { nodeId, address } = this.brokers[this.coordinatorId]!
    return {
      coordinators: coordinatorKeys.map((key) => ({ key, nodeId, ...address, errorCode: 0, errorMessage: null })),
    }
  }

  async stop(): Promise<void> {
    for (const broker of this.brokers) await broker.stop()
  }
}

export class FakeBroker {
  readonly cluster: FakeCluster
  readonly nodeId: number
  address: Address = { host: '', port: 0 }
  up = true
  readonly connections = new Set<Connection>()
  #listener: Listener | null = null

  constructor(cluster: FakeCluster, nodeId: number) {
    this.cluster = cluster
    this.nodeId = nodeId
  }

  static async start(cluster: FakeCluster, nodeId: number): Promise<FakeBroker> {
    const broker = new FakeBroker(cluster, nodeId)
    broker.#listener = await cluster.env.net.listen({ host: '127.0.0.1', port: 0 }, (connection) => broker.#accept(connection))
    const { host, port } = broker.#listener.address
    broker.address = { host, port }
    return broker
  }

  /** Closes what is connected; new connections are welcome. */
  dropConnections(): void {
    for (const connection of this.connections) connection.abort()
  }

  async stop(): Promise<void> {
    this.up = false
    await this.#listener?.close()
    this.#listener = null
    for (const connection of this.connections) connection.close()
  }

  #accept(connection: Connection): Receiver {
    this.connections.add(connection)
    // as in Kafka, a connection's next request starts when the one before is answered
    let turn = Promise.resolve()
    const frames = new Frames(1 << 27, (slab, start, end) => {
      const frame = Buffer.from(slab.bytes.subarray(start, end))
      turn = turn.then(() => this.#request(connection, frame))
    })
    return {
      space: () => frames.space(),
      received: (length) => {
        frames.received(length)
      },
      drained() {},
      closed: () => {
        this.connections.delete(connection)
        frames.close()
      },
    }
  }

  async #request(connection: Connection, frame: Buffer): Promise<void> {
    if (!this.connections.has(connection)) return
    const reader = new Reader(frame)
    const { apiKey, apiVersion, correlationId, clientId } = readRequestHeader(reader)
    const api = APIS.find(({ key }) => key === apiKey)
    const range = api === undefined ? null : this.cluster.rangeOf(api)
    if (api === undefined || range === null) {
      connection.abort()
      return
    }
    let version = apiVersion
    let answer: Answer<Fields>
    if (version > range.max && apiKey === ApiVersions.key) {
      // KIP-511: in version 0, and what versions there are of this API
      version = 0
      const apiKeys = [{ apiKey, minVersion: range.min, maxVersion: range.max }]
      answer = { errorCode: 35, apiKeys } as never
    } else answer = await this.cluster.answer(api, api.request.decode(reader, version), { broker: this, version, clientId })
    if (!this.connections.has(connection)) return
    if (answer === DROP) connection.abort()
    if (answer === DROP || answer === undefined) return
    if (answer === HANG) await new Promise(() => {})
    const writer = new Writer()
    writer.int32(0)
    writeResponseHeader(writer, apiKey, version, correlationId)
    api.response.encode(writer, version, answer as never)
    writer.patchInt32(writer.length - 4)
    for (const chunk of writer.done()) connection.write(chunk as Buffer)
  }
}
