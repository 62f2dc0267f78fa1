import { bool, int16, int32, int8, list, nullable, string, tag, uuid, ZERO_UUID, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/**
 * Creates topics, by count or by assignment, or only checks that it could. Defaults by -1 KIP-464, the result's configuration KIP-525,
 * topic ids KIP-516.
 */
export const CreateTopics = api('CreateTopics', {
  topics: list({
    name: string(),
    numPartitions: int32(),
    replicationFactor: int16(),
    assignments: list({ partitionIndex: int32(), brokerIds: list(int32()) }),
    configs: list({ name: string(), value: nullable(string()) }),
  }),
  timeoutMs: int32('0+', 60000),
  validateOnly: bool('1+', false),
}, {
  throttleTimeMs: int32('2+', 0),
  topics: list({
    name: string(),
    topicId: uuid('7+', ZERO_UUID),
    errorCode: int16(),
    errorMessage: nullable(string('1+', '')),
    topicConfigErrorCode: tag(0, int16('5+')),
    numPartitions: int32('5+', -1),
    replicationFactor: int16('5+', -1),
    configs: nullable(list({
      name: string(),
      value: nullable(string()),
      readOnly: bool(),
      configSource: int8('0+', -1),
      isSensitive: bool(),
    }, '5+')),
  }),
})

export type CreateTopicsRequest = Decoded<typeof CreateTopics.request.fields>
export type CreateTopicsResponse = Encodable<typeof CreateTopics.response.fields>
