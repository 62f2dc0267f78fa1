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
