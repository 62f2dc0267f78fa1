import { ErrorCode, KafkaError } from '@ottla/protocol'
import { LONG_MAX, type ConfigRow, type ConfigType, type ConfigValue } from './config-row.ts'

const LIMITS = { short: [-32768, 32767], int: [-2147483648, 2147483647], long: [-LONG_MAX, LONG_MAX] } as const
const LONG_MAX_TEXT = '9223372036854775807'
const LONG_MIN_TEXT = '-9223372036854775808'
const TYPE_NAMES: Record<ConfigType, string> = {
  boolean: 'true or false',
  int: 'a whole number of 32 bits',
  long: 'a whole number of 64 bits',
  short: 'a whole number of 16 bits',
  double: 'a number',
  list: 'a list with commas',
  string: 'a text',
  password: 'a text',
  class: 'a name',
}

/** A refused config (INVALID_CONFIG): its key, its value (not a password's), and why. */
function invalidConfig(row: Pick<ConfigRow, 'name' | 'type'>, text: string, why: string): KafkaError {
  return new KafkaError(ErrorCode.INVALID_CONFIG, `${row.name}=${row.type === 'password' ? '[hidden]' : text.slice(0, 200)}: ${why}`)
}

/** The value that `text` gives for the row. Throws KafkaError INVALID_CONFIG that says what is allowed. */
export function parseConfig(row: ConfigRow, text: string): ConfigValue {
  const value = parseType(row.type, text.trim())
  const range = row.valid === undefined ? '' : `, ${row.valid.text}`
  if (value === undefined) throw invalidConfig(row, text, `must be ${TYPE_NAMES[row.type]}${range}`)
  if (row.valid !== undefined && !row.valid.allows(value)) throw invalidConfig(row, text, `must be ${row.valid.text}`)
  return value
}

/** The value of the row where nobody has set it. */
export function defaultValue(row: ConfigRow): ConfigValue {
  return row.type === 'list' && row.default !== null ? splitList(String(row.default)) : row.default
}

/** A value as Kafka writes it; the inverse of `parseConfig`. */
export function formatConfig(value: ConfigValue): string | null {
  if (value === null) return null
  if (typeof value === 'number') return formatNumber(value)
  return typeof value === 'object' ? value.join(',') : String(value)
}

/** A list with commas; blank is the empty list. */
export function splitList(text: string): string[] {
  const trimmed = text.trim()
  return trimmed === '' ? [] : trimmed.split(/\s*,\s*/)
}

function parseType(type: ConfigType, text: string): ConfigValue | undefined {
  switch (type) {
    case 'boolean': {
      const word = text.toLowerCase()
      return word === 'true' ? true : word === 'false' ? false : undefined
    }
    case 'int':
    case 'long':
    case 'short':
      return parseWhole(text, LIMITS[type])
    case 'double':
      return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined
    case 'list': {
      const list = splitList(text)
      return list.includes('') ? undefined : list
    }
    default:
      return text
  }
}

/** The double next to a long's ends stands for them, so what lies outside is told by its digits. */
function parseWhole(text: string, [min, max]: readonly [number, number]): number | undefined {
  if (!/^[+-]?\d{1,40}$/.test(text)) return undefined
  const value = Number(text)
  if (value < min || value > max) return undefined
  if (Math.abs(value) === LONG_MAX && BigInt.asIntN(64, BigInt(text.replace('+', ''))) !== BigInt(text.replace('+', ''))) return undefined
  return value
}

function formatNumber(value: number): string {
  // a double without a limit, as Java writes it
  if (value === Number.MAX_VALUE) return '1.7976931348623157E308'
  if (value >= LONG_MAX) return LONG_MAX_TEXT
  return value <= -LONG_MAX ? LONG_MIN_TEXT : String(value)
}
