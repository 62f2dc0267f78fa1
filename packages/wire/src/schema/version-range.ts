/** The last version where a range has no end. */
export const LATEST = 32767

/** `'3'`, `'3-7'`, `'3+'` or `'none'` as [first, last]; none is [LATEST + 1, LATEST]. */
export function versionRange(text: string | undefined): readonly [number, number] {
  if (text === undefined) return [0, LATEST]
  if (text === 'none') return [LATEST + 1, LATEST]
  const match = /^(\d+)(\+|-(\d+))?$/.exec(text)
  if (match === null) throw new Error(`not a version range: ${text}`)
  const first = Number(match[1])
  return [first, match[2] === undefined ? first : match[2] === '+' ? LATEST : Number(match[3])]
}
