/** Kafka's types of a config; int, long and short are whole numbers of 32, 64 and 16 bits. */
export type ConfigType = 'boolean' | 'int' | 'long' | 'short' | 'double' | 'list' | 'string' | 'password' | 'class'

/** A value as the program uses it. Null: not set. A long of 2^63-1, Kafka's "no limit", is the nearest double, `LONG_MAX`. */
export type ConfigValue = boolean | number | string | readonly string[] | null

/** What a value may be, beyond its type; `text` is how Kafka says it. */
export interface Valid {
  readonly text: string
  readonly allows: (value: ConfigValue) => boolean
}

/** One of some words. */
export interface OneOf<W extends string = string> extends Valid {
  readonly words: readonly W[]
}

/** Another key that gives the same config: its number times `factor`. */
export interface Synonym {
  readonly key: string
  readonly factor: number
}

/** A row of `BROKER_CONFIGS` or `TOPIC_CONFIGS`: all that is known of one key. Everything else about configs is derived from these. */
export interface ConfigRow {
  readonly name: string
  readonly type: ConfigType
  /** As Kafka writes it; a list is one string with commas. Null: none. */
  readonly default: boolean | number | string | null
  readonly valid?: Valid
  readonly importance: 'high' | 'medium' | 'low'
  /** Whether it can change while the broker runs, for one broker or for all. A topic's can always change. */
  readonly update?: 'read-only' | 'per-broker' | 'cluster-wide'
  /** Asked in this order where the key itself is not set. */
  readonly synonyms?: readonly Synonym[]
  /** The broker's key that gives a topic's default. */
  readonly brokerKey?: string
  /** Ours: Kafka has no such key. */
  readonly ottla?: true
  /** Understood, but shown to nobody. */
  readonly internal?: true
  /** A topic's: checked, kept and shown, but without effect, for this reason. Every other key of a topic acts, also when altered. */
  readonly withoutEffect?: string
  readonly doc: string
}

/** Kafka's largest long as a double: 2^63. */
export const LONG_MAX = 2 ** 63

/** The type of a row's value. */
export type ValueOf<R extends ConfigRow> = R extends { readonly default: null } ? SetValueOf<R> | null : SetValueOf<R>

type SetValueOf<R extends ConfigRow> = R['type'] extends 'boolean'
  ? boolean
  : R['type'] extends 'int' | 'long' | 'short' | 'double'
    ? number
    : R['type'] extends 'list'
      ? readonly string[]
      : R extends { readonly valid: OneOf<infer W> }
        ? W
        : string

/** `log.segment.bytes` is the field `logSegmentBytes`. */
export type CamelCase<S extends string> = S extends `${infer Head}.${infer Rest}` ? `${Head}${Capitalize<CamelCase<Rest>>}` : S

export function camelCase(key: string): string {
  return key.replace(/\.(.)/g, (_, letter: string) => letter.toUpperCase())
}
