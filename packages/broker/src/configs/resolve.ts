import { brokerRow } from './broker-configs.ts'
import type { ConfigRow, ConfigValue } from './config-row.ts'
import { defaultValue, formatConfig, parseConfig } from './parse.ts'

/** Kafka's numbers for where a value comes from, the strongest first. */
export const ConfigSource = { TOPIC: 1, BROKER: 2, BROKERS: 3, FILE: 4, DEFAULT: 5 } as const
export type ConfigSource = (typeof ConfigSource)[keyof typeof ConfigSource]

/** What was set for a broker, by key: at run time for it alone, at run time for all brokers, and in its file or on its command line. */
export interface BrokerLayers {
  readonly broker: ReadonlyMap<string, string>
  readonly brokers: ReadonlyMap<string, string>
  readonly file: ReadonlyMap<string, string>
}

/** One of the places that say something of a config. `text` is as Kafka writes it; `value` is in the unit of the row that was asked for. */
export interface Setting {
  readonly key: string
  readonly text: string | null
  readonly value: ConfigValue
  readonly source: ConfigSource
}

/** All that is said of a broker's config, under its key and its synonyms. The first one counts; the defaults come last. */
export function brokerSettings(row: ConfigRow, layers: BrokerLayers): Setting[] {
  const chain = [{ key: row.name, factor: 1 }, ...(row.synonyms ?? [])]
  const settings: Setting[] = []
  const sources = [
    [layers.broker, ConfigSource.BROKER],
    [layers.brokers, ConfigSource.BROKERS],
    [layers.file, ConfigSource.FILE],
  ] as const
  for (const [layer, source] of sources) {
    for (const { key, factor } of chain) {
      const text = layer.get(key)
      if (text !== undefined) settings.push(setting(key, parseConfig(brokerRow(key) ?? row, text), factor, source))
    }
  }
  for (const { key, factor } of chain) {
    const value = defaultValue(brokerRow(key) ?? row)
    if (value !== null) settings.push(setting(key, value, factor, ConfigSource.DEFAULT))
  }
  return settings
}

/** All that is said of a topic's config: its own value, then what the broker's key says, then the table's default. */
export function topicSettings(row: ConfigRow, overrides: ReadonlyMap<string, string>, layers: BrokerLayers): Setting[] {
  const settings: Setting[] = []
  const text = overrides.get(row.name)
  if (text !== undefined) settings.push(setting(row.name, parseConfig(row, text), 1, ConfigSource.TOPIC))
  const broker = row.brokerKey === undefined ? undefined : brokerRow(row.brokerKey)
  if (broker !== undefined) settings.push(...brokerSettings(broker, layers))
  else if (row.default !== null) settings.push(setting(row.name, defaultValue(row), 1, ConfigSource.DEFAULT))
  return settings
}

function setting(key: string, value: ConfigValue, factor: number, source: ConfigSource): Setting {
  return { key, text: formatConfig(value), value: inUnit(value, factor), source }
}

/** Below 0 a time has no unit: -1 stands for no limit. */
function inUnit(value: ConfigValue, factor: number): ConfigValue {
  if (factor === 1 || typeof value !== 'number') return value
  return value < 0 ? -1 : value * factor
}
