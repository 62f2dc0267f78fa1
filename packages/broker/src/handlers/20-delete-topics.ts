/**
 * DeleteTopics: by name, from version 6 by name or id (KIP-516). Answered when the topic is gone from the tree and its directories are
 * renamed; their files follow after `file.delete.delay.ms`. `delete.topic.enable=false` refuses.
 */
import { ErrorCode, KafkaError } from '@ottla/protocol'
import { DeleteTopics, type DeleteTopicsResponse } from '@ottla/protocol/messages/20-delete-topics'
import { ZERO_UUID } from '@ottla/wire'
import type { Broker } from '../broker.ts'
import { handler } from '../handler.ts'
import { isInternalTopic } from '../internal-topics.ts'

type Answered = DeleteTopicsResponse['responses'][number]

export const deleteTopics = handler(DeleteTopics, async (request, { broker, version }) => {
  const asked = version >= 6 ? request.topics : request.topicNames.map((name) => ({ name, topicId: ZERO_UUID }))
  const responses: Answered[] = []
  for (const { name, topicId } of asked) responses.push(await remove(broker, name, topicId))
  return { responses }
})

async function remove(broker: Broker, name: string | null, topicId: string): Promise<Answered> {
  const topic = name !== null ? broker.topics.byName(name) : broker.topics.byId(topicId)
  try {
    if (!broker.config.deleteTopicEnable) throw new KafkaError(ErrorCode.TOPIC_DELETION_DISABLED, 'delete.topic.enable is false')
    if (name !== null && topicId !== ZERO_UUID) throw new KafkaError(ErrorCode.INVALID_REQUEST, 'give a name or an id, not both')
    if (topic === undefined) {
      if (name === null) throw new KafkaError(ErrorCode.UNKNOWN_TOPIC_ID, `no topic has the id ${topicId}`)
      throw new KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `there is no topic '${name}'`)
    }
    if (isInternalTopic(topic.name)) throw new KafkaError(ErrorCode.INVALID_REQUEST, `'${topic.name}' is the brokers' own topic`)
    await broker.topics.delete(topic.name)
    await broker.groups.topicDeleted(topic.name)
    return { name: topic.name, topicId: topic.id, errorCode: 0 }
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return { name: topic?.name ?? name, topicId, errorCode: error.code, errorMessage: error.message }
  }
}
