import { isUtf8 } from 'node:buffer'
import type { ConsumerRecord, HeaderToSend, ProducerRecord } from '@ottla/client'

type Fields = Readonly<Record<string, unknown>>
type Wrong = (what: string, cause?: unknown) => Error

/**
 * Key, value and headers as fields of JSON: `key` and `value` where the bytes are UTF-8, else `keyBase64` and `valueBase64`. Headers are an
 * object where that says all: not where a name comes twice or a value is no UTF-8: then a list of `{key, value}` or `{key, valueBase64}`.
 */
export function jsonFields({ key, value, headers }: Pick<ConsumerRecord, 'key' | 'value' | 'headers'>): Fields {
  return { ...bytesField('key', key), ...bytesField('value', value), headers: headersField(headers) }
}

function bytesField(name: string, bytes: Buffer | null): Fields {
  if (bytes === null) return { [name]: null }
  return isUtf8(bytes) ? { [name]: bytes.toString() } : { [`${name}Base64`]: bytes.toString('base64') }
}

function headersField(headers: ConsumerRecord['headers']): unknown {
  const names = new Set(headers.map(({ key }) => key))
  // an object's members with whole numbers for names change places
  const isObject =
    names.size === headers.length && headers.every(({ key, value }) => !/^\d+$/.test(key) && (value === null || isUtf8(value)))
  if (!isObject) return headers.map(({ key, value }) => ({ key, ...bytesField('value', value) }))
  return Object.fromEntries(headers.map(({ key, value }) => [key, value?.toString() ?? null]))
}

/**
 * A record from a line such as `{"key": "a", "value": "b", "partition": 0, "timestamp": 1795577059843, "headers": {"h": "x"}}`, of which only
 * `value` is needed; bytes as `jsonFields` has them. A value that is no string is written as JSON. Throws a sentence that begins with `where`.
 */
export function jsonRecord(line: Buffer, where: string): Omit<ProducerRecord, 'topic'> {
  const wrong: Wrong = (what, cause) => new Error(`${where}: ${what}`, { cause })
  const fields = parsed(line, wrong)
  const { key, value, partition, timestamp, headers } = fields
  if (value === undefined && fields['valueBase64'] === undefined) throw wrong('an object with a "value" is wanted')
  if (!isText(key)) throw wrong('"key" is a string or null')
  if (partition !== undefined && !isWhole(partition)) throw wrong('"partition" is a whole number')
  if (timestamp !== undefined && !isWhole(timestamp)) throw wrong('"timestamp" is a whole number of milliseconds since 1970')
  const text = value === undefined || value === null || typeof value === 'string' ? value : JSON.stringify(value)
  return {
    key: bytesOf('key', key, fields, wrong),
    value: bytesOf('value', text, fields, wrong),
    ...(partition === undefined ? {} : { partition }),
    ...(timestamp === undefined ? {} : { timestamp }),
    ...(headers === undefined ? {} : { headers: headersOf(headers, wrong) }),
  }
}

function parsed(line: Buffer, wrong: Wrong): Fields {
  if (!isUtf8(line)) throw wrong('not UTF-8: bytes that are none go into "keyBase64" and "valueBase64"')
  let fields: unknown
  try {
    fields = JSON.parse(line.toString())
  } catch (error) {
    throw wrong(`not JSON: ${(error as Error).message}`, error)
  }
  if (!isFields(fields)) throw wrong('an object with a "value" is wanted')
  return fields
}

/** The text, or what stands as base64 beside its name. */
function bytesOf(name: string, text: string | null | undefined, fields: Fields, wrong: Wrong): string | Buffer | null {
  const base64 = fields[`${name}Base64`]
  if (base64 === undefined) {
    if (text?.isWellFormed() === false) throw wrong(`"${name}" is half of a pair of surrogates somewhere, which no UTF-8 has`)
    return text ?? null
  }
  if (text !== undefined) throw wrong(`"${name}" and "${name}Base64" are one too many`)
  const bytes = typeof base64 === 'string' ? Buffer.from(base64, 'base64') : null
  if (bytes === null || bytes.toString('base64') !== base64) throw wrong(`"${name}Base64" is a string of base64, padded with =`)
  return bytes
}

function headersOf(headers: unknown, wrong: Wrong): HeaderToSend[] {
  const list = Array.isArray(headers)
    ? (headers as unknown[])
    : isFields(headers)
      ? Object.entries(headers).map(([key, value]) => ({ key, value }))
      : null
  if (list === null) throw wrong('"headers" is an object of strings or null, or a list of {"key", "value"}')
  return list.map((header) => {
    if (!isFields(header) || typeof header['key'] !== 'string') throw wrong('"headers" is a list whose members have a "key"')
    const { key, value } = header
    if (!isText(value)) throw wrong('"headers" is an object of strings or null')
    return { key, value: bytesOf('value', value, header, wrong) }
  })
}

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)
const isText = (value: unknown): value is string | null | undefined => value === undefined || value === null || typeof value === 'string'
const isWhole = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
