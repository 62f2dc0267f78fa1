import type { BrokerConfig } from './configs/broker-config.ts'

export const GROUP_TOPIC = '__consumer_offsets'
const TRANSACTION_TOPIC = '__transaction_state'
const SHARE_TOPIC = '__share_group_state'

/** What the brokers' own topics are made with; null: it is none of them. */
export function internalTopicConfigs(config: BrokerConfig, name: string): ReadonlyMap<string, string> | null {
  switch (name) {
    case GROUP_TOPIC:
      return new Map([
        ['cleanup.policy', 'compact'],
        ['compression.type', 'producer'],
        ['segment.bytes', String(config.offsetsTopicSegmentBytes)],
      ])
    case TRANSACTION_TOPIC:
      return new Map([
        ['cleanup.policy', 'compact'],
        ['compression.type', 'uncompressed'],
        ['segment.bytes', String(config.transactionStateLogSegmentBytes)],
        ['unclean.leader.election.enable', 'false'],
      ])
    case SHARE_TOPIC:
      return new Map([
        ['cleanup.policy', 'delete'],
        ['compression.type', 'producer'],
        ['retention.ms', '-1'],
      ])
    default:
      return null
  }
}

export const isInternalTopic = (name: string): boolean => name === GROUP_TOPIC || name === TRANSACTION_TOPIC || name === SHARE_TOPIC
