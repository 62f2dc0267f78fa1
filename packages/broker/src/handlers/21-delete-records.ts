/**
 * DeleteRecords (KIP-107): a partition begins at the offset given, -1 being its high watermark; nothing below it is read from then on, and
 * whole segments below it go with the next retention. An offset below the log's start changes nothing.
 * - Answered once the new start is in `log-start-offset-checkpoint` and survives the loss of power: what was deleted does not come back.
 * - POLICY_VIOLATION where `cleanup.policy` is compact alone, whose records are states and not events; an empty policy allows it.
 */
import type { PartitionLog } from '@ottla/log'
import { ErrorCode, KafkaError } from '@ottla/protocol'
import { DeleteRecords, type DeleteRecordsResponse } from '@ottla/protocol/messages/21-delete-records'
import { ZERO_UUID } from '@ottla/wire'
import type { Broker } from '../broker.ts'
import { handler } from '../handler.ts'
import { leaderLog } from '../leader-log.ts'
import { namedPartitions, opened } from '../topic-opening.ts'

type Answered = DeleteRecordsResponse['topics'][number]['partitions'][number]

const HIGH_WATERMARK = -1

export const deleteRecords = handler(
  DeleteRecords,
  async (request, { broker }) => ({
    throttleTimeMs: 0,
    topics: await Promise.all(
      request.topics.map(async ({ name, partitions }) => ({
        name,
        partitions: await Promise.all(partitions.map(({ partitionIndex, offset }) => remove(broker, name, partitionIndex, offset))),
      })),
    ),
  }),
  { ready: opened(namedPartitions) },
)

async function remove(broker: Broker, name: string, partitionIndex: number, offset: number): Promise<Answered> {
  try {
    const log = deletableLog(broker, name, partitionIndex)
    const lowWatermark = log.deleteRecordsBefore(offset === HIGH_WATERMARK ? log.highWatermark : offset)
    await log.keepLogStart()
    return { partitionIndex, lowWatermark, errorCode: 0 }
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return { partitionIndex, lowWatermark: -1, errorCode: error.code }
  }
}

function deletableLog(broker: Broker, name: string, partition: number): PartitionLog {
  const topic = broker.topics.byName(name)
  if (topic?.internal) throw new KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION, `'${name}' is the brokers' own topic`)
  const log = leaderLog(broker.config.brokerId, topic, partition, ZERO_UUID)
  if (topic!.config.compact && !topic!.config.deleteOld)
    throw new KafkaError(ErrorCode.POLICY_VIOLATION, `'${name}' has cleanup.policy=compact: it must contain delete`)
  return log
}
