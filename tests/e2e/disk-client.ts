import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { BrokerConnection } from '@ottla/client'
import type { Env } from '@ottla/env'
import { BatchBuilder, ErrorCode, readRecords } from '@ottla/protocol'
import { Produce } from '@ottla/protocol/messages/00-produce'
import { Fetch } from '@ottla/protocol/messages/01-fetch'
import { Metadata, type MetadataResponse } from '@ottla/protocol/messages/03-metadata'
import { OffsetCommit } from '@ottla/protocol/messages/08-offset-commit'
import { FindCoordinator } from '@ottla/protocol/messages/10-find-coordinator'
import { CreateTopics } from '@ottla/protocol/messages/19-create-topics'
import { DeleteTopics } from '@ottla/protocol/messages/20-delete-topics'
import type { BrokerProcess } from './broker-process.ts'

type PartitionMetadata = MetadataResponse['topics'][number]['partitions'][number]

/** Asks one thing at a time, retries nothing, and remembers what it was promised. */
export class DiskClient {
  readonly connection: BrokerConnection
  /** The values that were acknowledged, by topic and partition, in the order of their offsets. */
  readonly acknowledged: Map<string, string[]>
  #number = 0

  /** `acknowledged`: by an earlier life of the broker. */
  static async open(env: Env, broker: BrokerProcess, acknowledged = new Map<string, string[]>()): Promise<DiskClient> {
    const connection = await BrokerConnection.open(env, { host: '127.0.0.1', port: broker.port }, { clientId: 'disk' })
    return new DiskClient(connection, acknowledged)
  }

  private constructor(connection: BrokerConnection, acknowledged: Map<string, string[]>) {
    this.connection = connection
    this.acknowledged = acknowledged
  }

  async createTopic(name: string, numPartitions: number, configs: Readonly<Record<string, string>> = {}): Promise<void> {
    const pairs = Object.entries(configs).map(([key, value]) => ({ name: key, value }))
    const topics = [{ name, numPartitions, replicationFactor: 1, assignments: [], configs: pairs }]
    const made = await this.connection.request(CreateTopics, { topics }, { versionMax: 6 })
    assert.equal(made.topics[0]!.errorCode, 0, String(made.topics[0]!.errorMessage))
  }

  async deleteTopic(name: string): Promise<void> {
    const gone = await this.connection.request(DeleteTopics, { topicNames: [name], timeoutMs: 30_000 }, { versionMax: 5 })
    assert.equal(gone.responses[0]!.errorCode, 0)
  }

  /** One record of so many bytes; answers the error code. */
  async produce(topic: string, index: number, sizeBytes = 10): Promise<number> {
    const value = `${this.#number++} `.padEnd(sizeBytes, 'x')
    const builder = new BatchBuilder()
    builder.append(null, Buffer.from(value), [], Date.now())
    const topicData = [{ name: topic, partitionData: [{ index, records: builder.build() }] }]
    const answer = await this.connection.request(Produce, { acks: -1, timeoutMs: 30_000, topicData }, { versionMax: 9 })
    const { errorCode } = answer.responses[0]!.partitionResponses[0]!
    if (errorCode === 0) {
      const key = `${topic}-${index}`
      this.acknowledged.set(key, [...(this.acknowledged.get(key) ?? []), value])
    }
    return errorCode
  }

  /** What one fetch answers: the error code and the values. */
  async fetch(topic: string, partition: number, fetchOffset: number, maxWaitMs = 30_000): Promise<{ errorCode: number; values: string[] }> {
    const partitions = [{ partition, fetchOffset, partitionMaxBytes: 1 << 20 }]
    const request = { maxWaitMs, minBytes: 1, topics: [{ topic, partitions }], forgottenTopicsData: [] }
    const answer = await this.connection.request(Fetch, request, { versionMax: 12 })
    const { errorCode, records } = answer.responses[0]!.partitions[0]!
    return { errorCode, values: errorCode === 0 ? [...readRecords(records!)].map(({ value }) => value!.toString()) : [] }
  }

  /** Reads the partition to its end: all that was acknowledged is there, once and in order, and nothing else. */
  async check(topic: string, partition: number): Promise<void> {
    const found: string[] = []
    for (;;) {
      const { errorCode, values } = await this.fetch(topic, partition, found.length, 0)
      assert.equal(errorCode, 0)
      if (values.length === 0) break
      found.push(...values)
    }
    assert.deepEqual(
      found.map(head),
      (this.acknowledged.get(`${topic}-${partition}`) ?? []).map(head),
      `${topic}-${partition} has what was acknowledged`,
    )
  }

  async metadata(topic: string): Promise<PartitionMetadata[]> {
    const answer = await this.connection.request(Metadata, { topics: [{ name: topic }] }, { versionMax: 9 })
    return answer.topics[0]!.partitions.toSorted((a, b) => a.partitionIndex - b.partitionIndex)
  }

  /** Has the groups' topic made. Answers the error code. */
  async findCoordinator(groupId: string): Promise<number> {
    const { coordinators } = await this.connection.request(FindCoordinator, { keyType: 0, coordinatorKeys: [groupId] }, { versionMax: 4 })
    return coordinators[0]!.errorCode
  }

  async commit(groupId: string, topic: string): Promise<number> {
    const partitions = [{ partitionIndex: 0, committedOffset: 1, committedMetadata: null }]
    for (;;) {
      const answer = await this.connection.request(OffsetCommit, { groupId, topics: [{ name: topic, partitions }] }, { versionMax: 8 })
      const { errorCode } = answer.topics[0]!.partitions[0]!
      if (errorCode !== ErrorCode.COORDINATOR_LOAD_IN_PROGRESS) return errorCode
    }
  }

  close(): void {
    this.connection.close()
  }
}

const head = (value: string): string => value.slice(0, value.indexOf(' '))

/** The partitions of the topic that lie in this log directory. */
export function partitionsIn(directory: string, topic: string, count: number): number[] {
  return Array.from({ length: count }, (_, index) => index).filter((index) => existsSync(`${directory}/${topic}-${index}`))
}
