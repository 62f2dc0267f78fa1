import { KafkaError } from '@ottla/protocol'
import type { BrokerConfig } from '../configs/broker-config.ts'
import { checkTopicOverrides, topicConfig } from '../configs/topic-config.ts'
import { internalTopicConfigs } from '../internal-topics.ts'
import type { TopicZnodes } from '../topic-znodes.ts'
import type { RebuildAsked } from './plan.ts'

/** `tree`: the old tree's; `internal`: the brokers' own topic; `given`: by the operator alone; `lost`: nobody knows them. */
export type ConfigsFrom = 'tree' | 'internal' | 'given' | 'lost'

interface Known extends Pick<RebuildAsked, 'configs' | 'brokerDefaults'> {
  readonly known: TopicZnodes | undefined
  readonly logAppendTime: boolean
}

/** What a topic obeyed is unknown, and what a broker's defaults delete is gone: all is kept until somebody says more. */
function keepAll(config: BrokerConfig): [string, string][] {
  const all: [string, string][] = [
    ['retention.ms', '-1'],
    ['retention.bytes', '-1'],
  ]
  return topicConfig(config, new Map()).compact ? [['cleanup.policy', 'delete'], ...all] : all
}

/** The configs that a topic gets in a new tree, where they come from, and what is wrong with those that were given. */
export function overridesFor(
  config: BrokerConfig,
  name: string,
  { configs, brokerDefaults, known, logAppendTime }: Known,
): { overrides: ReadonlyMap<string, string>; configsFrom: ConfigsFrom; problem: string | null } {
  const given = configs.get(name) ?? new Map<string, string>()
  const internal = internalTopicConfigs(config, name)
  const overrides = new Map(known?.overrides ?? internal ?? (brokerDefaults ? [] : keepAll(config)))
  const isLost = known === undefined && internal === null
  // the batches show it: without it, the next ones would carry their producers' times
  if (isLost && logAppendTime) overrides.set('message.timestamp.type', 'LogAppendTime')
  for (const [key, value] of given) overrides.set(key, value)
  const configsFrom = known !== undefined ? 'tree' : internal !== null ? 'internal' : given.size > 0 ? 'given' : 'lost'
  return { overrides, configsFrom, problem: given.size === 0 ? null : problemOf(config, name, overrides) }
}

function problemOf(config: BrokerConfig, name: string, overrides: ReadonlyMap<string, string>): string | null {
  try {
    checkTopicOverrides(config, overrides)
    return null
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return `--config ${name}: ${error.message}`
  }
}
