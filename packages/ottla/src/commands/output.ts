/** Rows as a plain table: left-aligned columns under their names, numbers to the right. */
export function table(rows: readonly Readonly<Record<string, string | number | null>>[]): string {
  const first = rows[0]
  if (first === undefined) return ''
  const columns = Object.keys(first)
  const cells = rows.map((row) => columns.map((column) => String(row[column] ?? '-')))
  const widths = columns.map((column, index) => Math.max(column.length, ...cells.map((row) => row[index]!.length)))
  const numeric = columns.map((column) => rows.every((row) => typeof row[column] === 'number' || row[column] === null))
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, index) => (numeric[index] ? text.padStart(widths[index]!) : text.padEnd(widths[index]!)))
      .join('  ')
      .trimEnd()
  return [line(columns.map((column) => column.toUpperCase())), ...cells.map(line)].join('\n')
}

/** The same rows for a person or for a program. */
export function show(rows: readonly Readonly<Record<string, string | number | null>>[], json: boolean, nothing: string): void {
  if (json) for (const row of rows) console.log(JSON.stringify(row))
  else console.log(rows.length === 0 ? nothing : table(rows))
}
