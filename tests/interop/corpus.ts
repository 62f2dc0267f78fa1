/** The lines that go through every client: real log files, or a generated likeness where there are none. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export interface Line {
  /** `file:number`, from 1. */
  readonly key: Buffer
  /** The bytes between two LF; a CR before the LF stays. */
  readonly value: Buffer
}

export interface Corpus {
  readonly origin: string
  readonly lines: readonly Line[]
}

const LF = 10

/** Reads `OTTLA_LOGS`, else `../shared/data/logs` beside the repository, else generates; under CI the real ones must be there. */
export function loadCorpus(): Corpus {
  const folders = [process.env['OTTLA_LOGS'], fileURLToPath(new URL('../../../shared/data/logs', import.meta.url))]
  const folder = folders.find((one) => one !== undefined && existsSync(one))
  if (folder === undefined) {
    if (process.env['CI'] !== undefined) throw new Error('in CI the real log files must be there: set OTTLA_LOGS to their folder')
    return { origin: 'generated (set OTTLA_LOGS for real ones)', lines: generateFiles().flatMap(([name, bytes]) => linesOf(name, bytes)) }
  }
  const names = readdirSync(folder)
    .filter((name) => name.endsWith('.log'))
    .sort()
  if (names.length === 0) throw new Error(`there is no *.log in ${folder}`)
  return { origin: `${names.length} files of ${folder}`, lines: names.flatMap((name) => linesOf(name, readFileSync(`${folder}/${name}`))) }
}

function linesOf(name: string, bytes: Buffer): Line[] {
  const lines: Line[] = []
  for (let start = 0; start < bytes.length;) {
    const found = bytes.indexOf(LF, start)
    const end = found < 0 ? bytes.length : found
    lines.push({ key: Buffer.from(`${name}:${lines.length + 1}`), value: bytes.subarray(start, end) })
    start = end + 1
  }
  return lines
}

/** Six files of 2,000 lines of uneven length: some with CR, with TAB, with characters of several bytes, some empty. */
function generateFiles(): [string, Buffer][] {
  const fileNames = ['alpha', 'beta', 'gamma', 'delta', 'epsilon', 'zeta']
  return fileNames.map((name, file) => {
    const lines = Array.from({ length: 2000 }, (_, number) => {
      const words = Array.from({ length: (number * 7 + file) % 40 }, (_, at) => (((number + 1) * (at + 3) * 2654435761) >>> 0).toString(36))
      const ending = file % 2 === 0 ? '\r' : ''
      return Buffer.concat([
        Buffer.from(words.join(number % 5 === 0 ? '\t' : ' ')),
        Buffer.from(number % 9 === 0 ? 'Ottla, blåmes 雪' : ''),
        Buffer.from(`${ending}\n`),
      ])
    })
    return [`${name}.log`, Buffer.concat(lines)]
  })
}

/** Writes lines as the clients read them: key TAB value LF. */
export function writeInput(path: string, lines: readonly Line[]): void {
  writeFileSync(path, Buffer.concat(lines.flatMap(({ key, value }) => [key, Buffer.from('\t'), value, Buffer.from('\n')])))
}
