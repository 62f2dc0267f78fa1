import type { BrokerConfig } from './broker-config.ts'
import { BROKER_CONFIGS } from './broker-configs.ts'
import type { ConfigRow, ConfigType } from './config-row.ts'
import { formatConfig } from './parse.ts'
import { brokerSettings, ConfigSource, topicSettings, type Setting } from './resolve.ts'
import { TOPIC_CONFIGS } from './topic-configs.ts'

/** One config as DescribeConfigs and CreateTopics show it; numbers are those of the protocol. */
export interface DescribedConfig {
  readonly name: string
  /** Null where there is none, and for what is sensitive. */
  readonly value: string | null
  readonly source: ConfigSource
  /** All that is said of it, the first counts; `value` as it stands under that name, in its own unit. */
  readonly synonyms: readonly { readonly name: string; readonly value: string | null; readonly source: ConfigSource }[]
  readonly type: number
  readonly readOnly: boolean
  readonly sensitive: boolean
  readonly documentation: string
}

/** Kafka's numbers for the types. */
const TYPE_CODES: Record<ConfigType, number> = {
  boolean: 1,
  string: 2,
  int: 3,
  short: 4,
  long: 5,
  double: 6,
  list: 7,
  class: 8,
  password: 9,
}

/** The configs (those of `keys`, or all) of a topic for which `overrides` are set. */
export function describeTopicConfigs(
  broker: BrokerConfig,
  overrides: ReadonlyMap<string, string>,
  keys: readonly string[] | null = null,
): DescribedConfig[] {
  return asked(TOPIC_CONFIGS, keys).map((row) => described(row, topicSettings(row, overrides, broker.layers), false))
}

/** The configs of this broker. */
export function describeBrokerConfigs(broker: BrokerConfig, keys: readonly string[] | null = null): DescribedConfig[] {
  return asked(BROKER_CONFIGS, keys).map((row) => described(row, brokerSettings(row, broker.layers), row.update === 'read-only'))
}

/** The configs of the resource that stands for all brokers: only what was set at run time for all. */
export function describeBrokerDefaults(broker: BrokerConfig, keys: readonly string[] | null = null): DescribedConfig[] {
  return asked(BROKER_CONFIGS, keys).flatMap((row) => {
    const settings = brokerSettings(row, broker.layers).filter(({ source, key }) => source === ConfigSource.BROKERS && key === row.name)
    return settings.length === 0 ? [] : [described(row, settings, false)]
  })
}

function asked(table: readonly ConfigRow[], keys: readonly string[] | null): ConfigRow[] {
  return table.filter((row) => row.internal !== true && (keys === null || keys.includes(row.name)))
}

function described(row: ConfigRow, settings: readonly Setting[], readOnly: boolean): DescribedConfig {
  const first = settings[0]
  const sensitive = row.type === 'password'
  return {
    name: row.name,
    value: sensitive || first === undefined ? null : formatConfig(first.value),
    source: first?.source ?? ConfigSource.DEFAULT,
    synonyms: settings.map(({ key, text, source }) => ({ name: key, value: sensitive ? null : text, source })),
    type: TYPE_CODES[row.type],
    readOnly,
    sensitive,
    documentation: row.withoutEffect === undefined ? row.doc : `${row.doc} Without effect here: ${row.withoutEffect}.`,
  }
}
