/** OffsetDelete: deletes offsets of topics that no member of the group subscribes to (KIP-496). */
import { ErrorCode, KafkaError } from '@ottla/protocol'
import { OffsetDelete } from '@ottla/protocol/messages/47-offset-delete'
import { handler } from '../handler.ts'

export const offsetDelete = handler(OffsetDelete, async (request, { broker }) => {
  const known = ({ name, partition }: { name: string; partition: number }): boolean =>
    broker.topics.byName(name)?.partitions[partition] !== undefined
  const keys = request.topics.flatMap(({ name, partitions }) =>
    partitions
      .map(({ partitionIndex }) => ({ name, partition: partitionIndex }))
      .filter(known)
      .map(({ partition }) => ({ topic: name, partition })),
  )
  try {
    const codes = await broker.groups.deleteOffsets(request.groupId, keys)
    let next = 0
    return {
      errorCode: ErrorCode.NONE,
      throttleTimeMs: 0,
      topics: request.topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => ({
          partitionIndex,
          errorCode: known({ name, partition: partitionIndex }) ? codes[next++]! : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        })),
      })),
    }
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return { errorCode: error.code, throttleTimeMs: 0, topics: [] }
  }
})
