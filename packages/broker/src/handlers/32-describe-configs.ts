/**
 * DescribeConfigs: of topics, of this broker, and of what is set for all brokers (the broker resource without a name). Synonyms from version 1,
 * types and documentation from 3 (KIP-569). All of it is derived from the tables in `configs/`.
 */
import { ErrorCode, KafkaError } from '@ottla/protocol'
import { DescribeConfigs, type DescribeConfigsRequest, type DescribeConfigsResponse } from '@ottla/protocol/messages/32-describe-configs'
import type { Broker } from '../broker.ts'
import { ConfigResource } from '../configs/config-resource.ts'
import { describeBrokerConfigs, describeBrokerDefaults, describeTopicConfigs, type DescribedConfig } from '../configs/describe-configs.ts'
import { ConfigSource } from '../configs/resolve.ts'
import { handler } from '../handler.ts'

type Asked = DescribeConfigsRequest['resources'][number]
type Answered = DescribeConfigsResponse['results'][number]

export const describeConfigs = handler(DescribeConfigs, (request, { broker }) => ({
  throttleTimeMs: 0,
  results: request.resources.map((asked): Answered => {
    const { resourceType, resourceName } = asked
    try {
      const configs = describe(broker, asked).map((config) => answered(config, request))
      return { errorCode: 0, errorMessage: null, resourceType, resourceName, configs }
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      return { errorCode: error.code, errorMessage: error.message, resourceType, resourceName, configs: [] }
    }
  }),
}))

function describe(broker: Broker, { resourceType, resourceName, configurationKeys }: Asked): DescribedConfig[] {
  if (resourceType === ConfigResource.TOPIC) {
    const topic = broker.topics.byName(resourceName)
    if (topic === undefined) throw new KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `there is no topic '${resourceName}'`)
    return describeTopicConfigs(broker.config, topic.overrides, configurationKeys)
  }
  if (resourceType === ConfigResource.BROKER) {
    if (resourceName === '') return describeBrokerDefaults(broker.config, configurationKeys)
    if (resourceName !== String(broker.config.brokerId)) {
      throw new KafkaError(ErrorCode.INVALID_REQUEST, `this is broker ${broker.config.brokerId}; ask broker '${resourceName}' itself`)
    }
    return describeBrokerConfigs(broker.config, configurationKeys)
  }
  throw new KafkaError(
    ErrorCode.INVALID_REQUEST,
    `configurations of topics (2) and brokers (4) are kept here, not of resource type ${resourceType}`,
  )
}

function answered(config: DescribedConfig, request: DescribeConfigsRequest): Answered['configs'][number] {
  const { name, value, readOnly, source, sensitive, synonyms, type, documentation } = config
  return {
    name,
    value,
    readOnly,
    isDefault: source === ConfigSource.DEFAULT,
    configSource: source,
    isSensitive: sensitive,
    synonyms: request.includeSynonyms ? synonyms : [],
    configType: type,
    documentation: request.includeDocumentation ? documentation : null,
  }
}
