import { readFileSync } from 'node:fs'

let known: number | null = null

/** How many files and connections the process may have open: `ulimit -n`, which Node itself has raised as far as it may. Infinity: untold. */
export function openFilesMax(): number {
  return (known ??= read())
}

function read(): number {
  try {
    const [, text] = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? []
    return text === undefined || text === 'unlimited' ? Infinity : Number(text)
  } catch {
    return Infinity
  }
}
