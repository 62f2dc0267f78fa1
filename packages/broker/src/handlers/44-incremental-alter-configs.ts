/**
 * IncrementalAlterConfigs (KIP-339): sets, deletes, appends to and subtracts from the configurations of topics. Each resource is changed whole
 * or not at all, and the change is in force when it is answered. `validateOnly` checks alone.
 */
import { ErrorCode, KafkaError } from '@ottla/protocol'
import {
  IncrementalAlterConfigs,
  type IncrementalAlterConfigsRequest,
  type IncrementalAlterConfigsResponse,
} from '@ottla/protocol/messages/44-incremental-alter-configs'
import type { Broker } from '../broker.ts'
import { alteredTopicOverrides } from '../configs/alter-configs.ts'
import { ConfigResource } from '../configs/config-resource.ts'
import { handler } from '../handler.ts'

type Asked = IncrementalAlterConfigsRequest['resources'][number]
type Answered = IncrementalAlterConfigsResponse['responses'][number]

export const incrementalAlterConfigs = handler(IncrementalAlterConfigs, async (request, { broker }) => {
  const responses: Answered[] = []
  for (const asked of request.resources) {
    const { resourceType, resourceName } = asked
    try {
      await alter(broker, asked, request.validateOnly)
      responses.push({ errorCode: 0, errorMessage: null, resourceType, resourceName })
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      responses.push({ errorCode: error.code, errorMessage: error.message, resourceType, resourceName })
    }
  }
  return { throttleTimeMs: 0, responses }
})

async function alter(broker: Broker, { resourceType, resourceName, configs }: Asked, validateOnly: boolean): Promise<void> {
  if (resourceType !== ConfigResource.TOPIC) {
    throw new KafkaError(ErrorCode.INVALID_REQUEST, 'only configurations of topics (2) can be altered while the broker runs')
  }
  const topic = broker.topics.byName(resourceName)
  if (topic === undefined) throw new KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `there is no topic '${resourceName}'`)
  if (validateOnly) alteredTopicOverrides(broker.config, topic.overrides, configs)
  else await broker.topics.alter(resourceName, ({ overrides }) => alteredTopicOverrides(broker.config, overrides, configs))
}
