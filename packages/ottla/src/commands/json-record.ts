import type { ProducerRecord } from '@ottla/client'

type Fields = Readonly<Record<string, unknown>>

/**
 * A record from a line such as `{"key": "a", "value": "b", "partition": 0, "timestamp": 1795577059843, "headers": {"h": "x"}}`, of which only
 * `value` is needed. A value that is no string is written as JSON. Throws a sentence that begins with `where`.
 */
export function jsonRecord(line: Buffer, where: string): Omit<ProducerRecord, 'topic'> {
  const wrong = (what: string, cause?: unknown): Error => new Error(`${where}: ${what}`, { cause })
  const { key, value, partition, timestamp, headers } = parsed(line, wrong)
  if (value === undefined) throw wrong('an object with a "value" is wanted')
  if (!isText(key)) throw wrong('"key" is a string or null')
  if (partition !== undefined && !isWhole(partition)) throw wrong('"partition" is a whole number')
  if (timestamp !== undefined && !isWhole(timestamp)) throw wrong('"timestamp" is a whole number of milliseconds since 1970')
  if (headers !== undefined && !isHeaders(headers)) throw wrong('"headers" is an object of strings or null')
  return {
    key: key ?? null,
    value: value === null || typeof value === 'string' ? value : JSON.stringify(value),
    ...(partition === undefined ? {} : { partition }),
    ...(timestamp === undefined ? {} : { timestamp }),
    ...(headers === undefined ? {} : { headers: Object.entries(headers).map(([name, text]) => ({ key: name, value: text })) }),
  }
}

function parsed(line: Buffer, wrong: (what: string, cause?: unknown) => Error): Fields {
  let fields: unknown
  try {
    fields = JSON.parse(line.toString())
  } catch (error) {
    throw wrong(`not JSON: ${(error as Error).message}`, error)
  }
  if (typeof fields !== 'object' || fields === null) throw wrong('an object with a "value" is wanted')
  return fields as Fields
}

const isText = (value: unknown): value is string | null | undefined => value === undefined || value === null || typeof value === 'string'
const isWhole = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
const isHeaders = (value: unknown): value is Readonly<Record<string, string | null>> =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.values(value).every((text) => text === null || typeof text === 'string')
