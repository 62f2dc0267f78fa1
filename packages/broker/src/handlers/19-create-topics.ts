/**
 * CreateTopics: by counts or by assignment; -1 means the broker's defaults (KIP-464). Several topics of a request are independent of one
 * another, and each is answered once it can be produced to. `validateOnly` checks alone. Version 5 tells the resulting configuration (KIP-525).
 */
import { ErrorCode, KafkaError } from '@ottla/protocol'
import { CreateTopics, type CreateTopicsRequest, type CreateTopicsResponse } from '@ottla/protocol/messages/19-create-topics'
import type { Broker } from '../broker.ts'
import { describeTopicConfigs } from '../configs/describe-configs.ts'
import { handler } from '../handler.ts'
import { planTopic } from '../topic-creation.ts'
import { alreadyExists } from '../topics.ts'

type Asked = CreateTopicsRequest['topics'][number]
type Answered = CreateTopicsResponse['topics'][number]

/** They share the keeper's syncs, and what each needs meanwhile stays little. */
const AT_ONCE = 100

export const createTopics = handler(CreateTopics, async (request, { broker }) => {
  const names = new Set<string>()
  const repeated = new Set<string>()
  for (const { name } of request.topics) (names.has(name) ? repeated : names).add(name)
  const topics: Answered[] = []
  for (let at = 0; at < request.topics.length; at += AT_ONCE) {
    const some = request.topics.slice(at, at + AT_ONCE)
    topics.push(...(await Promise.all(some.map((asked) => create(broker, asked, request.validateOnly, repeated)))))
  }
  return { topics }
})

async function create(broker: Broker, asked: Asked, validateOnly: boolean, repeated: ReadonlySet<string>): Promise<Answered> {
  const { name } = asked
  try {
    if (repeated.has(name)) throw new KafkaError(ErrorCode.INVALID_REQUEST, `the request names '${name}' more than once`)
    if (broker.topics.byName(name) !== undefined) throw alreadyExists(name)
    const plan = planTopic(broker, asked)
    const topic = validateOnly ? undefined : await broker.topics.create(plan)
    return {
      name,
      topicId: topic?.id,
      errorCode: 0,
      errorMessage: null,
      numPartitions: plan.assignment.length,
      replicationFactor: plan.assignment[0]!.length,
      configs: describeTopicConfigs(broker.config, plan.overrides).map(({ name: key, value, readOnly, source, sensitive }) => ({
        name: key,
        value,
        readOnly,
        configSource: source,
        isSensitive: sensitive,
      })),
    }
  } catch (error) {
    if (!(error instanceof KafkaError)) broker.env.log.error(`could not create the topic '${name}'`, { error })
    const code = error instanceof KafkaError ? error.code : ErrorCode.UNKNOWN_SERVER_ERROR
    return { name, errorCode: code, errorMessage: (error as Error).message, configs: null }
  }
}
