const ESCAPES: Record<string, string> = { n: '\n', t: '\t', r: '\r', f: '\f' }

/**
 * The text of a Java .properties file: `key=value`, `key: value` or `key value`; lines that begin with # or ! are comments; a backslash at
 * the end continues a line; \n \t \r \f \uXXXX and any other escaped character. Of a key that stands twice the last one counts.
 */
export function parseProperties(text: string): Map<string, string> {
  const properties = new Map<string, string>()
  for (const line of logicalLines(text)) {
    const keyEnd = endOfKey(line)
    const value = line.slice(keyEnd).replace(/^[ \t\f]*[=:]?[ \t\f]*/, '')
    properties.set(unescape(line.slice(0, keyEnd)), unescape(value))
  }
  return properties
}

function logicalLines(text: string): string[] {
  const lines: string[] = []
  let begun: string | null = null
  for (const natural of text.split(/\r\n|\n|\r/)) {
    const line: string = natural.replace(/^[ \t\f]+/, '')
    if (begun === null && (line === '' || line[0] === '#' || line[0] === '!')) continue
    const whole: string = (begun ?? '') + line
    const continues = /(^|[^\\])(\\\\)*\\$/.test(line)
    begun = continues ? whole.slice(0, -1) : null
    if (begun === null && whole !== '') lines.push(whole)
  }
  if (begun !== null && begun !== '') lines.push(begun)
  return lines
}

function endOfKey(line: string): number {
  for (let at = 0; at < line.length; at++) {
    const letter = line[at]!
    if (letter === '\\') at++
    else if ('=: \t\f'.includes(letter)) return at
  }
  return line.length
}

function unescape(text: string): string {
  return text.replace(/\\(u[0-9a-fA-F]{4}|[^])/g, (_, escape: string) =>
    escape.length === 5 ? String.fromCharCode(Number.parseInt(escape.slice(1), 16)) : (ESCAPES[escape] ?? escape),
  )
}
