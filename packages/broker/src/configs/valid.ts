import type { ConfigValue, OneOf, Valid } from './config-row.ts'

/** At least `min`. */
export function atLeast(min: number): Valid {
  return { text: `[${min},...]`, allows: (value) => typeof value === 'number' && value >= min }
}

/** From `min` to `max`, both included. */
export function between(min: number, max: number): Valid {
  return { text: `[${min},...,${max}]`, allows: (value) => typeof value === 'number' && value >= min && value <= max }
}

/** One of the words, or, for a list, some of them; one that stands there twice counts once. */
export function oneOf<const W extends string>(...words: W[]): OneOf<W> {
  return { words, text: `[${words.join(', ')}]`, allows: (value) => known(value, words) }
}

/** The same in whatever case. */
export function oneOfAnyCase<const W extends string>(...words: W[]): OneOf<W> {
  const lower = words.map((word) => word.toLowerCase())
  return {
    words,
    text: `(case insensitive) [${words.join(', ')}]`,
    allows: (value) => typeof value === 'string' && lower.includes(value.toLowerCase()),
  }
}

/** 1 to 9, or -1 for the codec's own default. */
export const GZIP_LEVEL: Valid = {
  text: '[1,...,9] or -1',
  allows: (value) => typeof value === 'number' && (value === -1 || (value >= 1 && value <= 9)),
}

/** Replicas to throttle: none, `*`, or pairs. */
export const THROTTLED_REPLICAS: Valid = {
  text: '[partitionId]:[brokerId],[partitionId]:[brokerId],...',
  allows: (value) => isList(value) && ((value.length === 1 && value[0] === '*') || value.every((pair) => /^\d+:\d+$/.test(pair))),
}

function known(value: ConfigValue, words: readonly string[]): boolean {
  if (typeof value === 'string') return words.includes(value)
  return isList(value) && value.every((word) => words.includes(word))
}

function isList(value: ConfigValue): value is readonly string[] {
  return Array.isArray(value)
}
