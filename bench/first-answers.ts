import { setTimeout as pause } from 'node:timers/promises'
import { BrokerConnection } from '@ottla/client'
import { nodeEnv } from '@ottla/env/node'
import { BatchBuilder } from '@ottla/protocol'
import { Produce } from '@ottla/protocol/messages/00-produce'
import { Fetch } from '@ottla/protocol/messages/01-fetch'
import { Metadata } from '@ottla/protocol/messages/03-metadata'

const RETRY_MS = 2
/** Names of topics, and how many partitions each has. */
export type Topics = readonly (readonly [string, number])[]

/** Asks a broker that is starting until it answers, and keeps how long after `began` each kind of answer was there. */
export class FirstAnswers {
  readonly #address: string
  readonly #began: number
  readonly #came: string[] = []

  constructor(address: string, began: number) {
    this.#address = address
    this.#began = began
  }

  get described(): string {
    return this.#came.join(', ')
  }

  /** Resolves when ApiVersions is answered. */
  async listening(): Promise<void> {
    const connection = await untilDone(() => connect(this.#address))
    connection.close()
    this.#note('listens')
  }

  /** Resolves when Metadata, then a Fetch and a Produce of the topic's last partition are answered without an error. */
  async of([topic, partitions]: readonly [string, number]): Promise<void> {
    const connection = await untilDone(() => connect(this.#address))
    try {
      await untilDone(() => metadata(connection, topic))
      this.#note('Metadata')
      await untilDone(() => fetch(connection, topic, [partitions - 1]))
      this.#note('Fetch')
      await untilDone(() => produce(connection, topic, partitions - 1))
      this.#note('Produce')
    } finally {
      connection.close()
    }
  }

  #note(what: string): void {
    this.#came.push(`${what} ${(performance.now() - this.#began).toFixed(0)} ms`)
  }
}

/** Resolves when a Fetch of every partition is answered without an error. */
export async function allAnswer(address: string, topics: Topics): Promise<void> {
  const connection = await untilDone(() => connect(address))
  try {
    for (const [topic, partitions] of topics) {
      await untilDone(() =>
        fetch(
          connection,
          topic,
          Array.from({ length: partitions }, (_, partition) => partition),
        ),
      )
    }
  } finally {
    connection.close()
  }
}

async function untilDone<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask()
    } catch {
      await pause(RETRY_MS)
    }
  }
}

function connect(address: string): Promise<BrokerConnection> {
  const [host = '', port] = address.split(':')
  return BrokerConnection.open(
    nodeEnv({ logLevel: 'error' }),
    { host, port: Number(port) },
    { clientId: 'bench', requestTimeoutMs: 120_000 },
  )
}

async function metadata(connection: BrokerConnection, name: string): Promise<void> {
  const { topics } = await connection.request(Metadata, { topics: [{ name }] }, { versionMax: 9 })
  const known = topics[0]
  if (known === undefined || known.errorCode !== 0 || known.partitions.some(({ leaderId }) => leaderId < 0)) throw new Error('no leader')
}

async function fetch(connection: BrokerConnection, topic: string, partitions: readonly number[]): Promise<void> {
  const asked = partitions.map((partition) => ({ partition, fetchOffset: 0, partitionMaxBytes: 1 }))
  const body = { maxWaitMs: 0, minBytes: 0, maxBytes: 1, topics: [{ topic, partitions: asked }] }
  const { responses } = await connection.request(Fetch, body as never, { versionMax: 11 })
  if (responses.some((one) => one.partitions.some(({ errorCode }) => errorCode !== 0))) throw new Error('an error')
}

async function produce(connection: BrokerConnection, name: string, index: number): Promise<void> {
  const builder = new BatchBuilder()
  builder.append(null, Buffer.from('one'), [], Date.now())
  const topicData = [{ name, partitionData: [{ index, records: builder.build() }] }]
  const { responses } = await connection.request(Produce, { acks: 1, timeoutMs: 30_000, topicData }, { versionMax: 9 })
  if (responses[0]?.partitionResponses[0]?.errorCode !== 0) throw new Error('an error')
}
