import type { BrokerConfig } from './configs/broker-config.ts'

export const GROUP_TOPIC = '__consumer_offsets'

type Configs = readonly (readonly [key: string, value: string])[]

const INTERNAL_TOPICS = new Map<string, (config: BrokerConfig) => Configs>([
  [
    GROUP_TOPIC,
    (config) => [
      ['cleanup.policy', 'compact'],
      ['compression.type', 'producer'],
      ['segment.bytes', String(config.offsetsTopicSegmentBytes)],
    ],
  ],
  [
    '__transaction_state',
    (config) => [
      ['cleanup.policy', 'compact'],
      ['compression.type', 'uncompressed'],
      ['segment.bytes', String(config.transactionStateLogSegmentBytes)],
      ['unclean.leader.election.enable', 'false'],
    ],
  ],
  [
    '__share_group_state',
    () => [
      ['cleanup.policy', 'delete'],
      ['compression.type', 'producer'],
      ['retention.ms', '-1'],
    ],
  ],
])

/** What the brokers' own topics are made with; null: it is none of them. */
export function internalTopicConfigs(config: BrokerConfig, name: string): ReadonlyMap<string, string> | null {
  const configsOf = INTERNAL_TOPICS.get(name)
  return configsOf === undefined ? null : new Map(configsOf(config))
}

export const isInternalTopic = (name: string): boolean => INTERNAL_TOPICS.has(name)
