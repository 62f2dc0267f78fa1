import type { OffsetSpec } from '@ottla/client'
import { InvalidArgumentError } from 'commander'
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

const INT32_MAX = 2 ** 31 - 1
const DIGITS = /^\d+$/

/** A whole number from 0 on. */
export function wholeNumber(text: string): number {
  return numberUpTo(Number.MAX_SAFE_INTEGER, text)
}

/** A whole number from 0 on that a field of the protocol has 32 bits for. */
export function int32(text: string): number {
  return numberUpTo(INT32_MAX, text)
}

function numberUpTo(max: number, text: string): number {
  const number = Number(text)
  if (!DIGITS.test(text) || number > max) throw new InvalidArgumentError(`A whole number from 0 to ${max} is wanted.`)
  return number
}

/** An offset, or `end`. */
export function offsetOrEnd(text: string): number | 'latest' {
  if (text === 'end') return 'latest'
  if (!DIGITS.test(text)) throw new InvalidArgumentError("An offset or 'end' is wanted.")
  return wholeNumber(text)
}

/** Where to read: an offset by its number, or what `OffsetSpec` says. */
export type Place = OffsetSpec | { readonly offset: number }

export function place(text: string): Place {
  return DIGITS.test(text) ? { offset: wholeNumber(text) } : offsetSpec(text)
}

/** `earliest` or `beginning`, `latest` or `end`, or a time, of the local zone unless it names one. */
function offsetSpec(text: string): OffsetSpec {
  if (text === 'earliest' || text === 'beginning') return 'earliest'
  if (text === 'latest' || text === 'end') return 'latest'
  // without a year in front, Date.parse makes a time of nearly anything
  const time = /^\d{4}-/.test(text) ? Date.parse(text) : NaN
  if (Number.isNaN(time)) throw new UsageError(`'${text}' is not earliest, latest, an offset, or a time such as 2026-11-25T10:00:00Z`)
  return time
}
