import { BatchBuilder, ErrorCode, KafkaError } from '@ottla/protocol'
import type { PartitionLog } from '@ottla/log'
import type { Broker } from './broker.ts'
import { decidedRecords } from './groups/decided-records.ts'
import type { GroupLog, StoredGroupRecord } from './groups/group-log.ts'
import { GROUP_TOPIC, internalTopicConfigs } from './internal-topics.ts'
import { isOnline } from './topic.ts'
import { planTopic } from './topic-creation.ts'

/** `__consumer_offsets` as the group coordinator's log: made when the first group asks for it. */
export class GroupTopic implements GroupLog {
  readonly #broker: Broker
  #creating: Promise<void> | null = null

  constructor(broker: Broker) {
    this.#broker = broker
  }

  get partitionCount(): number {
    return this.#broker.topics.byName(GROUP_TOPIC)?.partitions.length ?? this.#broker.config.offsetsTopicNumPartitions
  }

  async ensure(): Promise<void> {
    if (this.#broker.topics.byName(GROUP_TOPIC) !== undefined) return
    await (this.#creating ??= this.#create().finally(() => (this.#creating = null)))
  }

  isLed(partition: number): boolean {
    const topic = this.#broker.topics.byName(GROUP_TOPIC)
    return topic !== undefined && isOnline(topic, partition)
  }

  async append(partition: number, records: readonly { key: Buffer; value: Buffer | null }[]): Promise<void> {
    const now = this.#broker.env.clock.now()
    const builder = new BatchBuilder()
    for (const { key, value } of records) builder.append(key, value, [], now)
    await this.#log(partition).appendBytes(builder.build(), { acks: -1, origin: 'coordinator' })
  }

  async *read(partition: number): AsyncGenerator<StoredGroupRecord> {
    const { topics } = this.#broker
    const topic = topics.byName(GROUP_TOPIC)
    if (topic?.unopened.has(partition) === true) await topics.opening.open(topic, partition)
    const log = this.#log(partition)
    yield* decidedRecords(log.readBatches(log.logStartOffset))
  }

  #log(partition: number): PartitionLog {
    const log = this.#broker.topics.byName(GROUP_TOPIC)?.logs[partition]
    if (log === undefined) throw new KafkaError(ErrorCode.NOT_COORDINATOR, `this broker does not lead ${GROUP_TOPIC}-${partition}`)
    return log
  }

  async #create(): Promise<void> {
    const { config, topics } = this.#broker
    const configs = [...internalTopicConfigs(config, GROUP_TOPIC)!].map(([name, value]) => ({ name, value }))
    await topics.create(planTopic(this.#broker, { name: GROUP_TOPIC, numPartitions: config.offsetsTopicNumPartitions, configs }))
  }
}
