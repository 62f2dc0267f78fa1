import type { OffsetSpec } from '@ottla/client'
import { UsageError } from '../usage-error.ts'

/** For an option that may be repeated: its values, in order. */
export function gather(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value]
}

/** The two sides of `key=value`. */
export function keyAndValue(text: string): [key: string, value: string] {
  const at = text.indexOf('=')
  if (at < 1) throw new UsageError(`key=value is wanted, not '${text}'`)
  return [text.slice(0, at).trim(), text.slice(at + 1).trim()]
}

/** `earliest` or `beginning`, `latest` or `end`, or a time, of the local zone unless it names one. */
export function offsetSpec(text: string): OffsetSpec {
  if (text === 'earliest' || text === 'beginning') return 'earliest'
  if (text === 'latest' || text === 'end') return 'latest'
  // without a year in front, Date.parse makes a time of nearly anything
  const time = /^\d{4}-/.test(text) ? Date.parse(text) : NaN
  if (Number.isNaN(time)) throw new UsageError(`'${text}' is not earliest, latest, an offset, or a time such as 2026-11-25T10:00:00Z`)
  return time
}
